// Operators on ints, floats and bools as single instructions, and two of them as one.
//
// A step whose result only the next step reads is joined with it where instructions.def has a row for the pair: the
// first one's instruction, which must be the last that was emitted and no target of a jump, is replaced. Dividing by a
// constant needs no check for 0, and by a power of two no division. A comparison that only the following jump reads is
// left to that jump.
//
// A character of a string that is only compared with constants is an int, its byte.

#include <bit>
#include <optional>

#include <ATen/core/interned_strings.h>

#include "runtime/lowering_context.h"
#include "runtime/scalar_math.h"
#include "runtime/scalar_rules.h"

namespace vesta::runtime {
namespace {

using ir::Node;
using ir::Value;
namespace aten = c10::aten;

char signature_letter(Bank bank) { return "vifb"[static_cast<size_t>(bank)]; }
bool is_compare(Opcode opcode) { return opcode >= Opcode::k_lt_int && opcode <= Opcode::k_loop_if_ne_float; }

// Two steps that are one instruction. `place`: the second step's operand that the first one computes.
struct Pair {
  Opcode first;
  Opcode second;
  int place;
  Opcode both;
};
constexpr Pair kPairs[] = {
    {Opcode::k_mul_int, Opcode::k_add_int, 0, Opcode::k_mul_add_int},
    {Opcode::k_mul_int, Opcode::k_add_int, 1, Opcode::k_mul_add_int},
    {Opcode::k_mul_int, Opcode::k_sub_int, 0, Opcode::k_mul_sub_int},
    {Opcode::k_add_int, Opcode::k_add_int, 0, Opcode::k_add_add_int},
    {Opcode::k_add_int, Opcode::k_add_int, 1, Opcode::k_add_add_int},
    {Opcode::k_add_int, Opcode::k_sub_int, 0, Opcode::k_add_sub_int},
    {Opcode::k_add_int, Opcode::k_mod_positive, 0, Opcode::k_add_mod_positive},
    {Opcode::k_mul_int, Opcode::k_mod_positive, 0, Opcode::k_mul_mod_positive},
    {Opcode::k_mul_float, Opcode::k_add_float, 0, Opcode::k_mul_add_float},
    {Opcode::k_mul_float, Opcode::k_add_float, 1, Opcode::k_mul_add_float},
    {Opcode::k_mul_float, Opcode::k_sub_float, 0, Opcode::k_mul_sub_float},
    {Opcode::k_mul_float, Opcode::k_sub_float, 1, Opcode::k_sub_mul_float},
    {Opcode::k_mul_float, Opcode::k_mul_float, 0, Opcode::k_mul_mul_float},
    {Opcode::k_mul_float, Opcode::k_mul_float, 1, Opcode::k_mul_mul_float},
    {Opcode::k_add_float, Opcode::k_add_float, 0, Opcode::k_add_add_float},
    {Opcode::k_add_float, Opcode::k_add_float, 1, Opcode::k_add_add_float},
    {Opcode::k_sub_float, Opcode::k_add_float, 0, Opcode::k_sub_add_float},
    {Opcode::k_sub_float, Opcode::k_add_float, 1, Opcode::k_sub_add_float},
};

}  // namespace

int32_t LoweringContext::as_float(const Value* value) {
  if (bank_of_value(value) != Bank::kInt) return scalar(value);
  if (const c10::IValue* constant = constant_of(root(value))) return scalar_constant(*constant, Bank::kFloat);
  const Place converted = allocate(Bank::kFloat);
  temporaries_.push_back(converted);
  emit(Opcode::k_int_to_float, converted.index, scalar(value));
  return converted.index;
}

bool LoweringContext::lower_scalar(const Node* node) {
  const size_t operands = node->inputs().size();
  if (operands == 3 && lower_derived_index(node)) return true;
  if (operands == 0 || operands > 2 || node->outputs().size() != 1) return false;
  std::string signature;
  for (const Value* input : node->inputs()) signature.push_back(signature_letter(bank_of_value(input)));
  signature.push_back('>');
  signature.push_back(signature_letter(bank_of_value(node->output())));
  bool promote = false;
  const ScalarRule* rule = find_scalar_rule(node->kind(), signature, promote);
  if (rule == nullptr) return false;

  int32_t x = promote ? as_float(node->input(0)) : scalar(node->input(0));
  int32_t y = operands == 1 ? 0 : promote ? as_float(node->input(1)) : scalar(node->input(1));
  if (rule->swap) std::swap(x, y);
  emit_scalar(node, rule->opcode, x, y);
  return true;
}

// `for i in range(start, ...)`: start + index * step.
bool LoweringContext::lower_derived_index(const Node* node) {
  static const c10::Symbol derive_index = c10::Symbol::fromQualString("aten::__derive_index");
  if (node->kind() != derive_index || node->outputs().size() != 1) return false;
  const c10::IValue* step = constant_of(root(node->input(2)));
  const int32_t index = scalar(node->input(0));
  const int32_t start = scalar(node->input(1));
  if (step != nullptr && step->isInt() && step->toInt() == 1) {
    emit_scalar(node, Opcode::k_add_int, index, start);
  } else {
    emit_scalar(node, Opcode::k_mul_add_int, index, scalar(node->input(2)), start);
  }
  return true;
}

// The bits of a scalar constant; none for a register.
std::optional<int64_t> LoweringContext::constant_bits(int32_t field) const {
  if (field < kConstantBase) return std::nullopt;
  return code_.scalar_constants[static_cast<size_t>(field - kConstantBase)];
}

// The constant with its reciprocal behind it.
int32_t LoweringContext::divisor_constant(int64_t divisor) {
  auto [it, inserted] =
      divisor_constants_.emplace(divisor, kConstantBase + static_cast<int32_t>(code_.scalar_constants.size()));
  if (inserted) {
    code_.scalar_constants.push_back(divisor);
    code_.scalar_constants.push_back(static_cast<int64_t>(reciprocal(divisor)));
  }
  return it->second;
}

// Cheaper forms of one step.
void LoweringContext::reduce_strength(Instruction& step) {
  const std::optional<int64_t> divisor = constant_bits(step.c);
  if (!divisor.has_value() || *divisor <= 0) return;
  const bool is_power = std::has_single_bit(static_cast<uint64_t>(*divisor));
  if (step.opcode == Opcode::k_mod_int) {
    step.opcode = is_power ? Opcode::k_and_int : Opcode::k_mod_positive;
    step.c = is_power ? scalar_constant(*divisor - 1) : divisor_constant(*divisor);
  } else if (step.opcode == Opcode::k_floordiv_int) {
    step.opcode = is_power ? Opcode::k_shift_right_int : Opcode::k_floordiv_positive;
    step.c = is_power ? scalar_constant(int64_t{std::countr_zero(static_cast<uint64_t>(*divisor))})
                      : divisor_constant(*divisor);
  }
}

// Takes back the instruction that was emitted last, where it computes nothing but the register `field`, for this reader
// alone.
std::optional<Instruction> LoweringContext::take_back(int32_t field) {
  if (code_.instructions.empty() || single_read_ != code_.instructions.size() - 1) return std::nullopt;
  const Instruction last = code_.instructions.back();
  if (last.a != field) return std::nullopt;
  code_.instructions.pop_back();
  code_.range_of.pop_back();
  single_read_ = kNone;
  return last;
}

// Joins the step with the one before.
void LoweringContext::join_steps(Instruction& step) {
  if (single_read_ == kNone || single_read_ != here() - 1 || step.b == step.c) return;
  const Instruction& last = code_.instructions.back();
  for (const Pair& pair : kPairs) {
    if (pair.second != step.opcode || pair.first != last.opcode) continue;
    if (last.a != (pair.place == 0 ? step.b : step.c)) continue;
    const int32_t other = pair.place == 0 ? step.c : step.b;
    const std::optional<Instruction> first = take_back(last.a);
    step = {pair.both, step.a, first->b, first->c, other};
    return;
  }
}

// `x & mask == 0` and `!= 0`.
void LoweringContext::join_mask_test(Instruction& step) {
  const bool equal = step.opcode == Opcode::k_eq_int;
  if (!equal && step.opcode != Opcode::k_ne_int) return;
  if (constant_bits(step.b) == 0) std::swap(step.b, step.c);
  if (constant_bits(step.c) != 0 || single_read_ == kNone || single_read_ != here() - 1) return;
  if (code_.instructions.back().opcode != Opcode::k_and_int) return;
  const std::optional<Instruction> mask = take_back(step.b);
  if (!mask.has_value()) return;
  step = {equal ? Opcode::k_disjoint_int : Opcode::k_meet_int, step.a, mask->b, mask->c};
}

// The node's only output from scalar registers.
void LoweringContext::emit_scalar(const Node* node, Opcode opcode, int32_t x, int32_t y, int32_t z) {
  Instruction step{opcode, 0, x, y, z};
  reduce_strength(step);
  if (is_compare(opcode)) {
    join_mask_test(step);
    if (feeds_jump(node, node->output())) {
      deferred_[node->output()] = {step.opcode, step.b, step.c};
      // Converted operands must outlive this node: they stay reserved.
      temporaries_.clear();
      release_deaths(node);
      return;
    }
  } else {
    join_steps(step);
  }
  release_deaths(node);
  const bool unread = live_.last_user(node->output(), node->owning_block()) == nullptr;
  const Place result = unread ? allocate(bank_of_value(node->output())) : define(node->output());
  const size_t at = emit(step.opcode, result.index, step.b, step.c, step.d);
  if (unread) release(result);
  if (live_.reads(node->output()) == 1) single_read_ = at;
}

// ---- Bytes

// Whether the character is only compared with constant strings.
bool LoweringContext::is_compared_byte(const Value* character) const {
  for (const ir::Use& use : character->uses()) {
    const Node* user = use.user;
    if ((user->kind() != aten::eq && user->kind() != aten::ne) || user->inputs().size() != 2) return false;
    const c10::IValue* constant = constant_of(root(user->input(1 - use.index)));
    if (constant == nullptr || !constant->isString()) return false;
  }
  return character->has_uses();
}

// `text[i]`.
bool LoweringContext::lower_byte(const Node* node) {
  if (!is_compared_byte(node->output())) return false;
  const int32_t text = value_register(node->input(0));
  const int32_t index = scalar(node->input(1));
  const Place result = allocate(Bank::kInt);
  define_at(node->output(), result);
  emit(Opcode::k_string_byte, result.index, text, index);
  drop_deaths(node, {result});
  return true;
}

bool LoweringContext::lower_byte_test(const Node* node) {
  if (node->inputs().size() != 2 || node->outputs().size() != 1) return false;
  const auto is_byte = [this](const Value* value) {
    auto held = places_.find(root(value));
    return value->type()->kind() == c10::TypeKind::StringType && held != places_.end() && !held->second.is_value();
  };
  const size_t which = is_byte(node->input(0)) ? 0 : 1;
  if (!is_byte(node->input(which))) return false;
  const std::string& other = constant_of(root(node->input(1 - which)))->toStringRef();
  const bool equal = node->kind() == aten::eq;
  if (other.size() == 1) {
    const int32_t byte = scalar_constant(int64_t{static_cast<unsigned char>(other[0])});
    emit_scalar(node, equal ? Opcode::k_eq_int : Opcode::k_ne_int, scalar(node->input(which)), byte);
  } else {
    emit_scalar(node, Opcode::k_move_scalar, scalar_constant(int64_t{equal ? 0 : 1}));
  }
  return true;
}

}  // namespace vesta::runtime
