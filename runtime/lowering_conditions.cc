// Conditions: what decides a jump, and the ends of loops.
//
// A comparison that only the next jump reads is performed by that jump. An If that gives a bool, which only the next
// jump reads, is `and`, `or` or a nest of these: it has no result, each of its branches ends in jumps of its own to
// where the reader's branches begin (choices_).

#include <algorithm>

#include "runtime/lowering_context.h"

namespace vesta::runtime {

using ir::Block;
using ir::Node;
using ir::Value;
namespace prim = c10::prim;

namespace {

// The four forms of a comparison stand together in the table.
static_assert(static_cast<int>(Opcode::k_loop_if_lt_int) == static_cast<int>(Opcode::k_lt_int) + 3);
Opcode form(Opcode compare, int offset) { return static_cast<Opcode>(static_cast<int>(compare) + offset); }

}  // namespace

// Whether the instruction before the next one is a `jump_unless` of some kind, the last of these.
bool LoweringContext::ends_in_jump_unless(const std::vector<size_t>& jumps) const {
  if (jumps.empty() || jumps.back() + 1 != here()) return false;
  const Opcode last = code_.instructions.back().opcode;
  if (last == Opcode::k_jump_unless) return true;
  const int row = static_cast<int>(last) - static_cast<int>(Opcode::k_lt_int);
  return last >= Opcode::k_lt_int && last <= Opcode::k_loop_if_ne_float && row % 4 == kJumpUnless;
}

// Makes another form of the jump `at`, which is a `jump_unless`.
void LoweringContext::change_form(size_t at, JumpForm to) {
  Opcode& opcode = code_.instructions[at].opcode;
  if (opcode == Opcode::k_jump_unless) {
    opcode = to == kJumpIf ? Opcode::k_jump_if : Opcode::k_loop_if;
  } else {
    opcode = form(opcode, to - kJumpUnless);
  }
}

// Whether the node's output is read by nothing but the jump that follows it.
bool LoweringContext::feeds_jump(const Node* node, const Value* condition) const {
  if (live_.reads(condition) != 1) return false;
  const Node* next = node->next();
  while (next != nullptr && live_.vanishes(next)) next = next->next();
  if (next != nullptr) return next->kind() == prim::If && root(next->input(0)) == condition;
  const Block* block = node->owning_block();
  const Node* owner = block->owning_node();
  if (owner == nullptr) return false;
  if (owner->kind() == prim::Loop) return root(block->outputs()[0]) == condition;
  for (size_t i = 0; i < owner->outputs().size(); ++i) {
    auto choice = choices_.find(owner->output(i));
    if (choice != choices_.end()) return root(block->outputs()[i]) == condition;
  }
  return false;
}

// The only output of the If that anybody reads, if that is a bool for the next jump; else null.
const Value* LoweringContext::decides_jump(const Node* node) const {
  const Value* condition = nullptr;
  for (const Value* output : node->outputs()) {
    if (live_.last_user(output, node->owning_block()) == nullptr) continue;
    if (condition != nullptr) return nullptr;
    condition = output;
  }
  if (condition == nullptr || bank_of_value(condition) != Bank::kBool) return nullptr;
  for (const Block* branch : node->blocks()) {
    const Value* yielded = root(branch->outputs()[condition->offset()]);
    if (constant_of(yielded) == nullptr && bank_of_value(yielded) != Bank::kBool) return nullptr;
  }
  return feeds_jump(node, condition) ? condition : nullptr;
}

size_t LoweringContext::emit_jump(const Value* condition, bool when) {
  auto fused = deferred_.find(root(condition));
  if (fused != deferred_.end()) {
    const Comparison& test = fused->second;
    return emit(form(test.compare, when ? kJumpIf : kJumpUnless), 0, test.x, test.y);
  }
  return emit(when ? Opcode::k_jump_if : Opcode::k_jump_unless, 0, scalar(condition));
}

// Code that goes on behind itself where the condition is `fall`; its jumps are added to `exits`, to be patched.
absl::Status LoweringContext::emit_condition(const Value* condition, bool fall, Exits& exits) {
  const Value* source = root(condition);
  if (auto choice = choices_.find(source); choice != choices_.end()) return emit_choice(choice->second, fall, exits);
  const c10::IValue* constant = constant_of(source);
  if (constant == nullptr) {
    exits.of(!fall).push_back(emit_jump(condition, !fall));
  } else if (is_true(constant) != fall) {
    exits.of(!fall).push_back(emit(Opcode::k_jump));
  }
  return absl::OkStatus();
}

bool LoweringContext::is_empty(const Block* block) const {
  for (const Node* node : block->nodes()) {
    if (!live_.vanishes(node)) return false;
  }
  return true;
}

absl::Status LoweringContext::emit_choice(const Node* node, bool fall, Exits& exits) {
  const std::vector<const Value*> ending = deaths_.contains(node) ? deaths_[node] : std::vector<const Value*>();
  const bool drops = std::any_of(ending.begin(), ending.end(), [this](const Value* v) { return needs_drop(v); });
  const size_t slot = decides_jump(node)->offset();
  // The constant that a branch without code yields.
  const auto constant = [&](const Block* branch) {
    return drops || !is_empty(branch) ? nullptr : constant_of(root(branch->outputs()[slot]));
  };
  const Block* then = node->block(0);
  const Block* otherwise = node->block(1);
  Exits inner;
  current_ = node;
  if (const c10::IValue* known = constant(otherwise)) {
    VESTA_RETURN_IF_ERROR(emit_condition(node->input(0), true, inner));
    patch_all(inner.when_true);
    exits.add(is_true(known), inner.when_false);
  } else if (const c10::IValue* first = constant(then)) {
    VESTA_RETURN_IF_ERROR(emit_condition(node->input(0), false, inner));
    patch_all(inner.when_false);
    exits.add(is_true(first), inner.when_true);
    then = otherwise;
  } else {
    VESTA_RETURN_IF_ERROR(emit_condition(node->input(0), true, inner));
    patch_all(inner.when_true);
    VESTA_RETURN_IF_ERROR(emit_choice_branch(then, ending, slot, fall, exits));
    exits.of(fall).push_back(emit(Opcode::k_jump));
    patch_all(inner.when_false);
    then = otherwise;
  }
  VESTA_RETURN_IF_ERROR(emit_choice_branch(then, ending, slot, fall, exits));
  for (const Value* value : ending) release(places_.at(value));
  return absl::OkStatus();
}

absl::Status LoweringContext::emit_choice_branch(const Block* branch, const std::vector<const Value*>& ending,
                                                 size_t slot, bool fall, Exits& exits) {
  const Registers registers = free_registers();
  VESTA_RETURN_IF_ERROR(lower_block(branch, enter_branch(branch, ending)));
  current_ = branch->return_node();
  current_range_ = current_;
  emit_moves(branch->return_node(), {});
  VESTA_RETURN_IF_ERROR(emit_condition(branch->outputs()[slot], fall, exits));
  restore(registers);
  return absl::OkStatus();
}

// ---- Ends of loops

bool LoweringContext::next_condition_is_choice(const Block* body) const {
  return choices_.contains(root(body->outputs()[0]));
}

void LoweringContext::emit_loop(const BackEdge& back) {
  if (back.counter >= 0) {
    emit(Opcode::k_loop_for, static_cast<int64_t>(back.start), back.counter, back.limit);
  } else {
    emit(Opcode::k_loop, static_cast<int64_t>(back.start));
  }
}

// Next values, and back: the condition is a constant, a comparison or a register.
absl::Status LoweringContext::emit_back_edge(const BackEdge& back, const std::vector<Move>& moves,
                                             std::vector<size_t>& exits) {
  const Value* next_condition = root(back.body->outputs()[0]);
  std::vector<PendingMove> pending = plan_moves(moves);
  auto overwritten = [&pending](int32_t scalar_register) {
    return std::any_of(pending.begin(), pending.end(), [&](const PendingMove& move) {
      return !move.target.is_value() && move.target.index == scalar_register;
    });
  };
  auto fused = deferred_.find(next_condition);
  const bool condition_is_true = is_true(constant_of(next_condition));
  int32_t condition = 0;
  if (fused != deferred_.end() && (overwritten(fused->second.x) || overwritten(fused->second.y))) {
    const Place early = allocate(Bank::kBool);
    temporaries_.push_back(early);
    emit(fused->second.compare, early.index, fused->second.x, fused->second.y);
    condition = early.index;
    deferred_.erase(fused);
    fused = deferred_.end();
  } else if (fused == deferred_.end() && !condition_is_true) {
    condition = scalar(next_condition);
    if (overwritten(condition)) {
      const Place early = allocate(Bank::kBool);
      emit(Opcode::k_move_scalar, early.index, condition);
      condition = early.index;
    }
  }
  if (fused != deferred_.end()) {  // Free by now, but read once more.
    std::erase(scalars_.free, fused->second.x);
    std::erase(scalars_.free, fused->second.y);
  }
  emit_planned(back.body->return_node(), std::move(pending));
  if (condition_is_true) {
    emit_loop(back);
    return absl::OkStatus();
  }
  const size_t jump = fused != deferred_.end()
                          ? emit(form(fused->second.compare, kJumpUnless), 0, fused->second.x, fused->second.y)
                          : emit(Opcode::k_jump_unless, 0, condition);
  leave_or_loop(back, jump, exits);
  return absl::OkStatus();
}

// Behind a `jump_unless` that leaves the loop: where nothing is counted, it becomes the way back itself.
void LoweringContext::leave_or_loop(const BackEdge& back, size_t jump, std::vector<size_t>& exits) {
  if (back.counter < 0) {
    change_form(jump, kLoopIf);
    code_.instructions[jump].a = static_cast<int32_t>(back.start);
    return;
  }
  exits.push_back(jump);
  emit_loop(back);
}

// The same where the condition is a choice: the next values are moved on both ways, behind the jumps.
absl::Status LoweringContext::emit_chosen_back_edge(const BackEdge& back, const std::vector<Move>& moves,
                                                    std::vector<size_t>& exits) {
  Exits ways;
  VESTA_RETURN_IF_ERROR(emit_condition(back.body->outputs()[0], true, ways));
  const std::vector<PendingMove> pending = plan_moves(moves);
  current_ = back.body->owning_node();
  if (pending.empty() && ways.when_true.empty() && ends_in_jump_unless(ways.when_false)) {
    const size_t jump = ways.when_false.back();
    ways.when_false.pop_back();
    leave_or_loop(back, jump, exits);
    exits.insert(exits.end(), ways.when_false.begin(), ways.when_false.end());
    return absl::OkStatus();
  }
  patch_all(ways.when_true);
  emit_planned(back.body->return_node(), pending);
  emit_loop(back);
  if (pending.empty()) {
    exits.insert(exits.end(), ways.when_false.begin(), ways.when_false.end());
    return absl::OkStatus();
  }
  if (back.counter >= 0) exits.push_back(emit(Opcode::k_jump));
  patch_all(ways.when_false);
  emit_planned(back.body->return_node(), pending);
  return absl::OkStatus();
}

}  // namespace vesta::runtime
