// How a graph becomes bytecode.
//
// Each value gets a register of its type's bank for as long as it lives. Blocks nest, so lifetimes are known
// without a data-flow analysis: a value dies at the last node of its own block that reads it; if that is
// an If, it dies inside of the branches that read it and at the start of those that do not; if it is a Loop
// that reads it inside, after the loop. deaths_ lists what dies at a node once the node's block is entered. The
// last reader of a value that is an operand of a Site moves it out of its register; other readers are followed
// by a `drop` where the value may hold tensors.
//
// Results of If and carried values of Loop have fixed registers, which are pinned: a value that is computed
// in a block and yielded by it is given that register from the start where nothing else needs it (hints_), so
// that most moves at the end of blocks vanish.

#include "runtime/lowering.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "ir/support/status.h"
#include "ir/verifier.h"
#include "runtime/code_verifier.h"
#include "runtime/lowering_context.h"
#include "runtime/plan/derived_constants.h"

namespace vesta::runtime {

using support::SourceRange;

absl::StatusOr<std::unique_ptr<Code>> lower(const ir::Graph& graph, std::string name, const ir::Program* program,
                                            std::shared_ptr<plan::DerivedConstants> constants) {
  auto code = std::make_unique<Code>();
  code->name = std::move(name);
  code->program = program;
  if (constants == nullptr) constants = std::make_shared<plan::DerivedConstants>();
  LoweringContext context(graph, *code, std::move(constants));
  VESTA_RETURN_IF_ERROR(context.run());
  VESTA_RETURN_IF_ERROR(verify_code(*code));
  return code;
}

absl::StatusOr<std::unique_ptr<Code>> lower(const ir::Function& function) {
  if (function.graph() == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("'", function.qualname().qualifiedName(), "' is declared but has no body"));
  }
#ifdef VESTA_CHECKED
  // Whatever made or changed the graph, a broken law is found here and not as a wrong result.
  VESTA_RETURN_IF_ERROR(ir::verify(*function.graph()));
#endif
  return lower(*function.graph(), function.display_name(), function.program());
}

absl::StatusOr<std::unique_ptr<ir::CompiledCode>> lower_as_compiled(const ir::Function& function) {
  VESTA_ASSIGN_OR_RETURN(std::unique_ptr<Code> code, lower(function));
  return std::unique_ptr<ir::CompiledCode>(std::move(code));
}

absl::Status LoweringContext::run() {
  code_.ranges.emplace_back();
  code_.inlined_calls.emplace_back();
  const Block* top = graph_.block();
  std::vector<const Value*> parameters(top->inputs().begin(), top->inputs().end());
  for (const Value* parameter : parameters) {
    Operand place(Operand::Kind::kDiscard, 0);
    if (live_.last_user(parameter, top) != nullptr) {
      static constexpr Operand::Kind kKinds[] = {Operand::Kind::kMove, Operand::Kind::kInt, Operand::Kind::kFloat,
                                                 Operand::Kind::kBool};
      const Bank bank = bank_of_value(parameter);
      place = Operand(kKinds[static_cast<size_t>(bank)], static_cast<size_t>(define(parameter).index));
    }
    code_.parameters.push_back({place, parameter->type()});
  }
  VESTA_RETURN_IF_ERROR(lower_block(top, {}));
  current_ = top->return_node();
  Site site;
  add_inputs(current_, current_->inputs(), site);
  code_.results = site.inputs;
  emit(Opcode::k_return_values, site_number(std::move(site)));
  if (values_.pins.size() > kMaxRegisters || scalars_.pins.size() > kMaxRegisters) {
    return absl::ResourceExhaustedError(absl::StrCat("'", code_.name, "' needs too many registers"));
  }
  finish();
  return absl::OkStatus();
}

// Scalar constants get their final numbers, behind the registers.
void LoweringContext::finish() {
  code_.value_registers = values_.pins.size();
  code_.scalar_registers = scalars_.pins.size();
  const auto base = static_cast<int32_t>(code_.scalar_registers);
  auto fix = [base](Role role, int32_t& field) {
    if ((role == Role::SIn || role == Role::Positive) && field >= kConstantBase) field = field - kConstantBase + base;
  };
  for (Instruction& instruction : code_.instructions) {
    const OpcodeInfo& info = opcode_info(instruction.opcode);
    fix(info.roles[0], instruction.a);
    fix(info.roles[1], instruction.b);
    fix(info.roles[2], instruction.c);
    fix(info.roles[3], instruction.d);
  }
}

// ---- Registers

LoweringContext::Place LoweringContext::allocate(Bank bank) {
  RegisterFile& registers = file(bank);
  if (registers.free.empty()) {
    registers.pins.push_back(0);
    return {bank, static_cast<int32_t>(registers.pins.size() - 1)};
  }
  const int32_t index = registers.free.back();
  registers.free.pop_back();
  return {bank, index};
}

void LoweringContext::release(Place place) {
  RegisterFile& registers = file(place.bank);
  if (registers.pins[static_cast<size_t>(place.index)] == 0) registers.free.push_back(place.index);
}

size_t LoweringContext::emit(Opcode opcode, int64_t a, int64_t b, int64_t c, int64_t d) {
  single_read_ = kNone;
  if (current_ != current_range_) {
    current_range_ = current_;
    if (current_ != nullptr) {
      code_.ranges.push_back(current_->range());
      code_.inlined_calls.push_back(current_->inlined_call());
    }
  }
  code_.instructions.push_back(
      {opcode, static_cast<int32_t>(a), static_cast<int32_t>(b), static_cast<int32_t>(c), static_cast<int32_t>(d)});
  code_.range_of.push_back(static_cast<uint32_t>(code_.ranges.size() - 1));
  return code_.instructions.size() - 1;
}

int32_t LoweringContext::value_constant(const c10::IValue& value) {
  auto [it, inserted] = value_constants_.emplace(&value, static_cast<int32_t>(code_.constants.size()));
  if (inserted) code_.constants.push_back(value);
  return it->second;
}

int32_t LoweringContext::scalar_constant(int64_t bits) {
  auto [it, inserted] = scalar_constants_.emplace(bits, static_cast<int32_t>(code_.scalar_constants.size()));
  if (inserted) code_.scalar_constants.push_back(bits);
  return kConstantBase + it->second;
}

int32_t LoweringContext::scalar_constant(const c10::IValue& value, Bank bank) {
  const double number = value.isDouble() ? value.toDouble() : value.isInt() ? static_cast<double>(value.toInt()) : 0.0;
  if (bank == Bank::kFloat) return scalar_constant(std::bit_cast<int64_t>(number));
  if (value.isBool()) return scalar_constant(int64_t{value.toBool() ? 1 : 0});
  return scalar_constant(value.isInt() ? value.toInt() : int64_t{0});  // Uninitialized reads as 0.
}

int32_t LoweringContext::scalar(const Value* value) {
  const Value* source = root(value);
  if (const c10::IValue* constant = constant_of(source)) return scalar_constant(*constant, bank_of_value(value));
  return places_.at(source).index;
}

int32_t LoweringContext::value_register(const Value* value) {
  const Value* source = root(value);
  if (const c10::IValue* constant = constant_of(source)) {
    const Place temporary = allocate(Bank::kValue);
    temporaries_.push_back(temporary);
    emit(Opcode::k_load_constant, temporary.index, value_constant(*constant));
    return temporary.index;
  }
  const Place held = places_.at(source);
  if (held.is_value()) return held.index;
  const Place temporary = allocate(Bank::kValue);
  temporaries_.push_back(temporary);
  const Opcode box = held.bank == Bank::kInt     ? Opcode::k_box_int
                     : held.bank == Bank::kFloat ? Opcode::k_box_float
                                                 : Opcode::k_box_bool;
  emit(box, temporary.index, held.index);
  return temporary.index;
}

void LoweringContext::release_temporaries() {
  for (const Place& temporary : temporaries_) release(temporary);
  temporaries_.clear();
}

// ---- Lifetimes

LoweringContext::Place LoweringContext::define(const Value* value) {
  auto hint = hints_.find(value);
  const Place place = hint != hints_.end() ? hint->second : allocate(bank_of_value(value));
  define_at(value, place);
  return place;
}

void LoweringContext::define_at(const Value* value, Place place) {
  places_[value] = place;
  note_death(value, value->node()->owning_block());
}

void LoweringContext::note_death(const Value* value, const Block* block) {
  if (const Node* last = live_.last_user(value, block)) deaths_[last].push_back(value);
}

bool LoweringContext::dies_at(const Value* value, const Node* node) const {
  auto it = deaths_.find(node);
  return it != deaths_.end() && std::find(it->second.begin(), it->second.end(), value) != it->second.end();
}

// Modules live as long as the one that is called; everything else may hold memory that matters.
bool LoweringContext::needs_drop(const Value* value) const {
  if (bank_of_value(value) != Bank::kValue || !place(value).is_value()) return false;
  auto class_type = value->type()->cast<c10::ClassType>();
  return class_type == nullptr || !class_type->is_module();
}

void LoweringContext::emit_drop(const Value* value) {
  if (needs_drop(value)) emit(Opcode::k_drop, place(value).index);
}

// For nodes whose operands have all been moved out, or are scalars.
void LoweringContext::release_deaths(const Node* node) {
  auto it = deaths_.find(node);
  if (it == deaths_.end()) return;
  for (const Value* value : it->second) release(places_.at(value));
}

// For nodes that read registers in place; `kept` are registers of the node's results.
void LoweringContext::drop_deaths(const Node* node, const std::vector<Place>& kept) {
  auto it = deaths_.find(node);
  if (it == deaths_.end()) return;
  for (const Value* value : it->second) {
    const Place held = places_.at(value);
    if (std::find(kept.begin(), kept.end(), held) != kept.end()) continue;
    emit_drop(value);
    release(held);
  }
}

// ---- Sites

int32_t LoweringContext::site_number(Site site) {
  code_.sites.push_back(std::move(site));
  return static_cast<int32_t>(code_.sites.size() - 1);
}

void LoweringContext::add_inputs(const Node* node, std::span<Value* const> inputs, Site& site) {
  static constexpr Operand::Kind kScalarKinds[] = {Operand::Kind::kCopy, Operand::Kind::kInt, Operand::Kind::kFloat,
                                                   Operand::Kind::kBool};
  site.first_input = static_cast<uint32_t>(code_.operands.size());
  site.inputs = static_cast<uint32_t>(inputs.size());
  absl::flat_hash_map<const Value*, size_t> last;  // Where each dying value is read for the last time.
  if (auto dying = deaths_.find(node); dying != deaths_.end()) {
    for (const Value* value : dying->second) last.emplace(value, 0);
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (auto it = last.find(root(inputs[i])); it != last.end()) it->second = i;
    }
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Value* source = root(inputs[i]);
    if (const c10::IValue* constant = constant_of(source)) {
      code_.operands.emplace_back(Operand::Kind::kConstant, static_cast<size_t>(value_constant(*constant)));
      continue;
    }
    const Place held = places_.at(source);
    Operand::Kind kind = kScalarKinds[static_cast<size_t>(held.bank)];
    if (held.is_value()) {
      auto it = last.find(source);
      if (it != last.end() && it->second == i) kind = Operand::Kind::kMove;
    }
    code_.operands.emplace_back(kind, static_cast<size_t>(held.index));
  }
}

void LoweringContext::add_outputs(const Node* node, Site& site) {
  static constexpr Operand::Kind kKinds[] = {Operand::Kind::kMove, Operand::Kind::kInt, Operand::Kind::kFloat,
                                             Operand::Kind::kBool};
  site.outputs = static_cast<uint32_t>(node->outputs().size());
  for (const Value* output : node->outputs()) {
    if (live_.last_user(output, node->owning_block()) == nullptr) {
      code_.operands.emplace_back(Operand::Kind::kDiscard, 0);
      continue;
    }
    const Place place = define(output);
    code_.operands.emplace_back(kKinds[static_cast<size_t>(place.bank)], static_cast<size_t>(place.index));
  }
}

void LoweringContext::emit_site(Opcode opcode, const Node* node, std::span<Value* const> inputs, Site site, int32_t b,
                                int32_t c) {
  add_inputs(node, inputs, site);
  // Operands leave their registers before results arrive.
  auto dying = deaths_.find(node);
  std::vector<const Value*> ending;
  if (dying != deaths_.end()) ending = dying->second;
  absl::flat_hash_set<const Value*> read;
  for (const Value* input : inputs) read.insert(root(input));
  for (const Value* value : ending) {
    if (read.contains(value)) release(places_.at(value));
  }
  add_outputs(node, site);
  emit(opcode, site_number(std::move(site)), b, c);
  for (const Value* value : ending) {
    if (read.contains(value)) continue;  // An input of the node that the site does not take.
    emit_drop(value);
    release(places_.at(value));
  }
}

absl::Status LoweringContext::unimplemented(const Node* node) const {
  return support::error_at(absl::StatusCode::kUnimplemented, node->range(),
                           absl::StrCat("'", node->kind().toQualString(), "' has no operator that could be executed"));
}

}  // namespace vesta::runtime
