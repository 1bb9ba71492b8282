// Blocks, branches and loops.
//
//   If:                               Loop:
//     jump_unless cond, else            moves of the initial values
//     ...then...                        i = 0; jump out unless 0 < max; jump out unless cond
//     moves to the results            body:
//     jump end                          ...body...
//   else:                               moves of the next values
//     ...else...                        loop_if / loop_for body
//     moves to the results
//   end:
//
// Moves at the end of a block happen at once: they are put in an order in which no move overwrites what
// another one still reads, with a temporary register where they form a cycle.

#include <algorithm>
#include <limits>

#include "runtime/lowering_context.h"

namespace vesta::runtime {
namespace {

using ir::Block;
using ir::Node;
using ir::Value;
namespace prim = c10::prim;

// The four forms of a comparison stand together in the table.
Opcode form(Opcode compare, int offset) { return static_cast<Opcode>(static_cast<int>(compare) + offset); }
constexpr int kJumpIf = 1;
constexpr int kJumpUnless = 2;
constexpr int kLoopIf = 3;
static_assert(static_cast<int>(Opcode::k_loop_if_lt_int) == static_cast<int>(Opcode::k_lt_int) + kLoopIf);

bool is_true(const c10::IValue* constant) { return constant != nullptr && constant->isBool() && constant->toBool(); }

}  // namespace

absl::Status LoweringContext::lower_block(const Block* block, const std::vector<const Value*>& dying) {
  for (const Value* value : dying) note_death(value, block);
  for (const Node* node : block->nodes()) {
    if (live_.vanishes(node)) continue;
    current_ = node;
    VESTA_RETURN_IF_ERROR(lower_node(node));
    release_temporaries();
  }
  return absl::OkStatus();
}

// Whether the comparison `node` is read by nothing but the jump that follows it.
bool LoweringContext::can_fuse(const Node* node) const {
  const Value* condition = node->output();
  if (live_.reads(condition) != 1) return false;
  const Node* next = node->next();
  while (next != nullptr && live_.vanishes(next)) next = next->next();
  if (next != nullptr) return next->kind() == prim::If && root(next->input(0)) == condition;
  const Block* block = node->owning_block();
  const Node* owner = block->owning_node();
  return owner != nullptr && owner->kind() == prim::Loop && root(block->outputs()[0]) == condition;
}

size_t LoweringContext::emit_jump(const Value* condition, bool when) {
  auto fused = deferred_.find(root(condition));
  if (fused != deferred_.end()) {
    const Comparison& test = fused->second;
    return emit(form(test.compare, when ? kJumpIf : kJumpUnless), 0, test.x, test.y);
  }
  return emit(when ? Opcode::k_jump_if : Opcode::k_jump_unless, 0, scalar(condition));
}

// ---- If

absl::Status LoweringContext::lower_if(const Node* node) {
  const std::vector<const Value*> ending = deaths_.contains(node) ? deaths_[node] : std::vector<const Value*>();
  if (const c10::IValue* constant = constant_of(root(node->input(0)))) {
    return lower_constant_if(node, node->block(is_true(constant) ? 0 : 1));
  }
  const size_t to_else = emit_jump(node->input(0), false);
  std::vector<Place> results;
  for (const Value* output : node->outputs()) {
    if (live_.last_user(output, node->owning_block()) == nullptr) continue;
    results.push_back(define(output));
    pin(results.back());
  }
  VESTA_RETURN_IF_ERROR(lower_branch(node, node->block(0), ending));
  current_ = node;
  const bool empty_then = here() == to_else + 1;
  const size_t to_end = empty_then ? 0 : emit(Opcode::k_jump);
  patch(to_else);
  VESTA_RETURN_IF_ERROR(lower_branch(node, node->block(1), ending));
  if (empty_then) {  // Jump over `else` where the condition holds.
    Instruction& jump = code_.instructions[to_else];
    jump.opcode = jump.opcode == Opcode::k_jump_unless ? Opcode::k_jump_if : form(jump.opcode, kJumpIf - kJumpUnless);
    patch(to_else);
  } else if (to_end + 1 == here()) {
    // An empty `else`: no jump over it.
    code_.instructions.pop_back();
    code_.range_of.pop_back();
    patch(to_else);
  } else {
    patch(to_end);
  }
  for (const Place& result : results) unpin(result);
  for (const Value* value : ending) release(places_.at(value));
  return absl::OkStatus();
}

// The branch that is not taken has no code.
absl::Status LoweringContext::lower_constant_if(const Node* node, const Block* taken) {
  const std::vector<const Value*> ending = deaths_.contains(node) ? deaths_[node] : std::vector<const Value*>();
  std::vector<Place> results;
  for (const Value* output : node->outputs()) {
    if (live_.last_user(output, node->owning_block()) == nullptr) continue;
    results.push_back(define(output));
    pin(results.back());
  }
  VESTA_RETURN_IF_ERROR(lower_branch(node, taken, ending));
  for (const Place& result : results) unpin(result);
  for (const Value* value : ending) release(places_.at(value));
  return absl::OkStatus();
}

absl::Status LoweringContext::lower_branch(const Node* node, const Block* branch,
                                           const std::vector<const Value*>& ending) {
  const std::vector<int32_t> free_values = values_.free;
  const std::vector<int32_t> free_scalars = scalars_.free;
  const size_t value_count = values_.pins.size();
  const size_t scalar_count = scalars_.pins.size();

  std::vector<Move> moves;
  std::vector<Place> targets(node->outputs().size());
  for (size_t i = 0; i < node->outputs().size(); ++i) {
    const Value* output = node->output(i);
    if (live_.last_user(output, node->owning_block()) == nullptr) continue;
    targets[i] = places_.at(output);
    moves.push_back({root(branch->outputs()[i]), targets[i]});
  }
  for (size_t i = 0; i < node->outputs().size(); ++i) {
    if (live_.last_user(node->output(i), node->owning_block()) == nullptr) continue;
    const Value* yielded = root(branch->outputs()[i]);
    const bool own = yielded->node()->owning_block() == branch && constant_of(yielded) == nullptr;
    if (own && (bank_of_value(yielded) == Bank::kValue) == targets[i].is_value()) hints_.emplace(yielded, targets[i]);
  }
  std::vector<const Value*> inside;
  for (const Value* value : ending) {
    if (live_.last_user(value, branch) != nullptr) {
      inside.push_back(value);
    } else {
      emit_drop(value);
    }
  }
  VESTA_RETURN_IF_ERROR(lower_block(branch, inside));
  current_ = branch->return_node();
  current_range_ = current_;  // A return node has no line: its moves belong to what came last.
  emit_moves(branch->return_node(), moves);

  values_.free = free_values;
  scalars_.free = free_scalars;
  for (size_t i = value_count; i < values_.pins.size(); ++i) values_.free.push_back(static_cast<int32_t>(i));
  for (size_t i = scalar_count; i < scalars_.pins.size(); ++i) scalars_.free.push_back(static_cast<int32_t>(i));
  return absl::OkStatus();
}

// ---- Moves

std::vector<LoweringContext::PendingMove> LoweringContext::plan_moves(const std::vector<Move>& moves) const {
  absl::flat_hash_set<const Value*> at_home;  // In a target already.
  for (const Move& move : moves) {
    auto held = places_.find(move.source);
    if (held != places_.end() && held->second == move.target) at_home.insert(move.source);
  }
  std::vector<PendingMove> pending;
  for (const Move& move : moves) {
    const bool constant = constant_of(move.source) != nullptr;
    const Place from = constant ? Place{} : places_.at(move.source);
    if (!constant && from == move.target) continue;
    pending.push_back({move.source, from, constant, at_home.contains(move.source), move.target});
  }
  return pending;
}

void LoweringContext::emit_moves(const Node* reader, const std::vector<Move>& moves) {
  emit_planned(reader, plan_moves(moves));
  // What was yielded to nobody, or has stayed where it was, is not moved; drop the former.
  auto it = deaths_.find(reader);
  if (it == deaths_.end()) return;
  for (const Value* value : it->second) {
    const bool moved = std::any_of(moves.begin(), moves.end(), [&](const Move& move) { return move.source == value; });
    if (!moved) emit_drop(value);
  }
}

void LoweringContext::emit_planned(const Node* reader, std::vector<PendingMove> pending) {
  auto reads = [&pending](const Place& place, const PendingMove* but) {
    return std::any_of(pending.begin(), pending.end(),
                       [&](const PendingMove& move) { return &move != but && !move.constant && move.from == place; });
  };
  while (!pending.empty()) {
    bool progress = false;
    for (size_t i = 0; i < pending.size(); ++i) {
      if (reads(pending[i].target, &pending[i])) continue;
      const PendingMove move = pending[i];
      pending.erase(pending.begin() + static_cast<ptrdiff_t>(i));
      // The register may be left empty when its value ends here and nobody else reads it.
      const bool ends = move.source == nullptr || (!move.stays && dies_at(move.source, reader));
      emit_move(move, !move.constant && ends && !reads(move.from, nullptr));
      progress = true;
      break;
    }
    if (progress) continue;
    // A cycle. Its registers are targets, so their old values end here: one of them steps aside.
    const Place from = pending.front().from;
    const Place aside = allocate(from.bank);
    emit(from.is_value() ? Opcode::k_move_value : Opcode::k_move_scalar, aside.index, from.index);
    for (PendingMove& move : pending) {
      if (!move.constant && move.from == from) move.from = aside, move.source = nullptr;
    }
    temporaries_.push_back(aside);
  }
  release_temporaries();
}

void LoweringContext::emit_move(const PendingMove& move, bool steal) {
  const Place& to = move.target;
  if (move.constant) {
    const c10::IValue& value = *constant_of(move.source);
    if (to.is_value()) {
      emit(Opcode::k_load_constant, to.index, value_constant(value));
    } else {
      emit(Opcode::k_move_scalar, to.index, scalar_constant(value, to.bank));
    }
    return;
  }
  const Place& from = move.from;
  if (from.is_value() && to.is_value()) {
    emit(steal ? Opcode::k_move_value : Opcode::k_copy_value, to.index, from.index);
  } else if (from.is_value()) {
    const Opcode unbox = to.bank == Bank::kInt     ? Opcode::k_unbox_int
                         : to.bank == Bank::kFloat ? Opcode::k_unbox_float
                                                   : Opcode::k_unbox_bool;
    emit(unbox, to.index, from.index);
  } else if (to.is_value()) {
    const Opcode box = from.bank == Bank::kInt     ? Opcode::k_box_int
                       : from.bank == Bank::kFloat ? Opcode::k_box_float
                                                   : Opcode::k_box_bool;
    emit(box, to.index, from.index);
  } else {
    emit(Opcode::k_move_scalar, to.index, from.index);
  }
}

// ---- Loop

// Where the carried value `slot` lives: in the register of its initial value, if that ends here.
LoweringContext::Place LoweringContext::start_carried(const Node* node, size_t slot) {
  const Value* output = node->output(slot);
  if (auto hint = hints_.find(output); hint != hints_.end()) return hint->second;
  const Value* initial = root(node->input(slot + 2));
  const Bank bank = bank_of_value(output);
  const Block* body = node->block(0);
  if (constant_of(initial) == nullptr && dies_at(initial, node) && live_.last_user(initial, body) == nullptr) {
    const auto& inputs = node->inputs();
    const auto readers = std::count_if(inputs.begin(), inputs.end(), [&](Value* v) { return root(v) == initial; });
    const Place held = places_.at(initial);
    if (readers == 1 && held.bank == bank && file(bank).pins[static_cast<size_t>(held.index)] == 0) return held;
  }
  return allocate(bank);
}

// Whether the register that holds the loop's `parameter` is free when `result` is computed.
bool LoweringContext::free_before(const Value* parameter, const Value* result) const {
  const Block* body = parameter->node()->owning_block();
  const Node* last = live_.last_user(parameter, body);
  const Node* maker = result->node();
  if (last == nullptr) return true;
  if (last != maker) return live_.position(last) < live_.position(maker);
  if (maker->blocks().empty()) return true;  // Operands are read before the result is written.
  if (maker->kind() != prim::Loop || live_.last_user(parameter, maker->block(0)) != nullptr) return false;
  // Carried on by an inner loop in place, and read by nothing else of it.
  for (size_t i = 0; i < maker->inputs().size(); ++i) {
    if (root(maker->input(i)) == parameter && i != result->offset() + 2) return false;
  }
  return true;
}

absl::Status LoweringContext::lower_loop(const Node* node) {
  const Block* body = node->block(0);
  const size_t carried = node->outputs().size();
  const std::vector<const Value*> ending = deaths_.contains(node) ? deaths_[node] : std::vector<const Value*>();
  const Value* max_trips = root(node->input(0));
  const Value* initial_condition = root(node->input(1));
  const Value* next_condition = root(body->outputs()[0]);
  const c10::IValue* max_constant = constant_of(max_trips);
  const bool endless =
      max_constant != nullptr && max_constant->isInt() && max_constant->toInt() == std::numeric_limits<int64_t>::max();

  // Initial values go to their registers.
  std::vector<Place> places;
  std::vector<Move> moves;
  std::vector<const Value*> taken_over;
  for (size_t k = 0; k < carried; ++k) {
    const Value* initial = root(node->input(k + 2));
    const Place place = start_carried(node, k);
    places.push_back(place);
    moves.push_back({initial, place});
    pin(place);
    if (constant_of(initial) == nullptr && places_.at(initial) == place) taken_over.push_back(initial);
  }
  // A value that the body reads too must stay: it is not stolen, since it ends after the loop.
  std::vector<const Value*> after;
  for (const Value* value : ending) {
    if (live_.last_user(value, body) != nullptr) after.push_back(value);
  }
  for (const Value* value : after) std::erase(deaths_[node], value);
  emit_planned(node, plan_moves(moves));

  // The counter, and the ways past the loop.
  const Value* index = body->inputs()[0];
  const bool counted = !endless || live_.last_user(index, body) != nullptr;
  Place counter;
  int32_t limit = 0;
  std::vector<size_t> exits;
  if (counted) {
    counter = allocate(Bank::kInt);
    pin(counter);
    places_[index] = counter;
    limit = scalar(max_trips);
    const int32_t zero = scalar_constant(int64_t{0});
    emit(Opcode::k_move_scalar, counter.index, zero);
    if (max_constant == nullptr) exits.push_back(emit(Opcode::k_jump_unless_lt_int, 0, counter.index, limit));
  }
  const bool never = max_constant != nullptr && max_constant->isInt() && max_constant->toInt() <= 0;
  if (never) exits.push_back(emit(Opcode::k_jump));
  if (!is_true(constant_of(initial_condition))) {
    exits.push_back(emit(Opcode::k_jump_unless, 0, scalar(initial_condition)));
  }

  // The body.
  const std::vector<int32_t> free_values = values_.free;
  const std::vector<int32_t> free_scalars = scalars_.free;
  const size_t value_count = values_.pins.size();
  const size_t scalar_count = scalars_.pins.size();
  const size_t start = here();
  std::vector<Move> next_moves;
  for (size_t k = 0; k < carried; ++k) {
    const Value* parameter = body->inputs()[k + 1];
    define_at(parameter, places[k]);
    const Value* next = root(body->outputs()[k + 1]);
    next_moves.push_back({next, places[k]});
    if (live_.last_user(parameter, body) == nullptr) emit_drop(parameter);
    const bool own = next->node()->owning_block() == body && next->node() != body->param_node();
    if (own && constant_of(next) == nullptr && bank_of_value(next) == places[k].bank && free_before(parameter, next)) {
      hints_.emplace(next, places[k]);
    }
  }
  if (counted) note_death(index, body);
  VESTA_RETURN_IF_ERROR(lower_block(body, {}));
  current_ = node;

  // Next values, and back.
  std::vector<PendingMove> pending = plan_moves(next_moves);
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
  emit_planned(body->return_node(), std::move(pending));
  if (condition_is_true) {
    if (counted) {
      emit(Opcode::k_loop_for, static_cast<int64_t>(start), counter.index, limit);
    } else {
      emit(Opcode::k_loop, static_cast<int64_t>(start));
    }
  } else if (counted) {
    exits.push_back(fused != deferred_.end()
                        ? emit(form(fused->second.compare, kJumpUnless), 0, fused->second.x, fused->second.y)
                        : emit(Opcode::k_jump_unless, 0, condition));
    emit(Opcode::k_loop_for, static_cast<int64_t>(start), counter.index, limit);
  } else if (fused != deferred_.end()) {
    emit(form(fused->second.compare, kLoopIf), static_cast<int64_t>(start), fused->second.x, fused->second.y);
  } else {
    emit(Opcode::k_loop_if, static_cast<int64_t>(start), condition);
  }
  for (const size_t exit : exits) patch(exit);

  // Behind the loop.
  values_.free = free_values;
  scalars_.free = free_scalars;
  for (size_t i = value_count; i < values_.pins.size(); ++i) values_.free.push_back(static_cast<int32_t>(i));
  for (size_t i = scalar_count; i < scalars_.pins.size(); ++i) scalars_.free.push_back(static_cast<int32_t>(i));
  if (counted) {
    unpin(counter);
    release(counter);
  }
  for (const Place& place : places) unpin(place);
  for (const Value* value : after) emit_drop(value);
  for (const Value* value : ending) {
    if (std::find(taken_over.begin(), taken_over.end(), value) == taken_over.end()) release(places_.at(value));
  }
  for (size_t k = 0; k < carried; ++k) {
    const Value* output = node->output(k);
    define_at(output, places[k]);
    if (live_.last_user(output, node->owning_block()) != nullptr) continue;
    emit_drop(output);
    release(places[k]);
  }
  return absl::OkStatus();
}

}  // namespace vesta::runtime
