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

}  // namespace

LoweringContext::Registers LoweringContext::free_registers() const {
  return {values_.free, scalars_.free, values_.pins.size(), scalars_.pins.size()};
}

// What has been made since is free.
void LoweringContext::restore(const Registers& before) {
  values_.free = before.free_values;
  scalars_.free = before.free_scalars;
  for (size_t i = before.values; i < values_.pins.size(); ++i) values_.free.push_back(static_cast<int32_t>(i));
  for (size_t i = before.scalars; i < scalars_.pins.size(); ++i) scalars_.free.push_back(static_cast<int32_t>(i));
}

absl::Status LoweringContext::lower_block(const Block* block, const std::vector<const Value*>& dying) {
  for (const Value* value : dying) note_death(value, block);
  for (const Node* node : block->nodes()) {
    if (live_.vanishes(node)) continue;
    current_ = node;
    VESTA_RETURN_IF_ERROR(lower_node(node));
    release_temporaries();
    if (auto moves = early_moves_.find(node); moves != early_moves_.end()) {
      for (const auto& [to, from] : moves->second) emit(Opcode::k_move_scalar, to, from);
    }
  }
  return absl::OkStatus();
}

// ---- If

absl::Status LoweringContext::lower_if(const Node* node) {
  const std::vector<const Value*> ending = deaths_.contains(node) ? deaths_[node] : std::vector<const Value*>();
  if (const c10::IValue* constant = constant_of(root(node->input(0)))) {
    return lower_constant_if(node, node->block(is_true(constant) ? 0 : 1));
  }
  if (const Value* condition = decides_jump(node)) {
    choices_[condition] = node;
    return absl::OkStatus();
  }
  Exits exits;
  VESTA_RETURN_IF_ERROR(emit_condition(node->input(0), true, exits));
  patch_all(exits.when_true);
  std::vector<Place> results;
  for (const Value* output : node->outputs()) {
    if (live_.last_user(output, node->owning_block()) == nullptr) continue;
    results.push_back(define(output));
    pin(results.back());
  }
  const size_t then = here();
  VESTA_RETURN_IF_ERROR(lower_branch(node, node->block(0), ending));
  current_ = node;
  const bool jumps_over_else = here() == then && exits.when_true.empty() && exits.when_false.size() == 1 &&
                               ends_in_jump_unless(exits.when_false);
  const size_t to_end = jumps_over_else ? exits.when_false[0] : emit(Opcode::k_jump);
  if (!jumps_over_else) patch_all(exits.when_false);
  VESTA_RETURN_IF_ERROR(lower_branch(node, node->block(1), ending));
  if (!jumps_over_else && to_end + 1 == here()) {
    // An empty `else`: no jump over it.
    code_.instructions.pop_back();
    code_.range_of.pop_back();
    patch_all(exits.when_false);
  } else {
    if (jumps_over_else) change_form(to_end, kJumpIf);
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

// What ends at the branches' node ends inside of a branch that reads it, and at the start of one that does not.
std::vector<const Value*> LoweringContext::enter_branch(const Block* branch, const std::vector<const Value*>& ending) {
  std::vector<const Value*> inside;
  for (const Value* value : ending) {
    if (live_.last_user(value, branch) != nullptr) {
      inside.push_back(value);
    } else {
      emit_drop(value);
    }
  }
  return inside;
}

absl::Status LoweringContext::lower_branch(const Node* node, const Block* branch,
                                           const std::vector<const Value*>& ending) {
  const Registers registers = free_registers();

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
  VESTA_RETURN_IF_ERROR(lower_block(branch, enter_branch(branch, ending)));
  current_ = branch->return_node();
  current_range_ = current_;  // A return node has no line: its moves belong to what came last.
  emit_moves(branch->return_node(), moves);

  restore(registers);
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
  // What is yielded to nobody is dropped; first, because a result may get its register.
  if (auto it = deaths_.find(reader); it != deaths_.end()) {
    for (const Value* value : it->second) {
      const bool moved = std::any_of(moves.begin(), moves.end(), [&](const Move& m) { return m.source == value; });
      if (!moved) emit_drop(value);
    }
  }
  emit_planned(reader, plan_moves(moves));
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

// Whether the register that holds the loop's `parameter`, which `block` reads for the last time at `last`, is free when
// the block's own value `result` is computed.
bool LoweringContext::free_before(const Value* parameter, const Node* last, const Value* result) const {
  const Node* maker = result->node();
  if (last == nullptr) return true;
  if (last != maker) return live_.position(last) < live_.position(maker);
  if (maker->blocks().empty()) return true;  // Operands are read before the result is written.
  if (maker->kind() == prim::If) {
    return std::all_of(maker->blocks().begin(), maker->blocks().end(), [&](const Block* branch) {
      const Value* yielded = root(branch->outputs()[result->offset()]);
      // Else it is moved there at the branch's end.
      const bool computed = yielded->node()->owning_block() == branch && constant_of(yielded) == nullptr;
      return !computed || free_before(parameter, live_.last_user(parameter, branch), yielded);
    });
  }
  if (maker->kind() != prim::Loop || live_.last_user(parameter, maker->block(0)) != nullptr) return false;
  // Carried on by an inner loop in place, and read by nothing else of it.
  for (size_t i = 0; i < maker->inputs().size(); ++i) {
    if (root(maker->input(i)) == parameter && i != result->offset() + 2) return false;
  }
  return true;
}

// A loop that hands a scalar on, as `a, b = b, f(a, b)` does, moves it as soon as nobody reads the old one any more:
// then the new value of the other can be computed in place. The node behind which that is; null: it is moved at the
// end.
const Node* LoweringContext::hand_on_early(const Block* body, size_t to, const std::vector<Place>& places) {
  const Value* source = root(body->outputs()[to + 1]);
  const Node* last = live_.last_user(body->inputs()[to + 1], body);
  if (last == nullptr || last == body->return_node() || live_.yields(source, body) != 1) return nullptr;
  // Nodes that leave their work to the jump behind them read their operands there.
  for (const Value* output : last->outputs()) {
    if (feeds_jump(last, output)) return nullptr;
  }
  early_moves_[last].emplace_back(places[to].index, places[source->offset() - 1].index);
  return last;
}

// free_before for a parameter that has been moved to another one's register behind `handed_on`.
bool LoweringContext::free_after_handing_on(const Value* parameter, const Node* handed_on, const Value* result) const {
  if (live_.position(handed_on) >= live_.position(result->node())) return false;
  return free_before(parameter, live_.last_user_but_return(parameter, result->node()->owning_block()), result);
}

absl::Status LoweringContext::lower_loop(const Node* node) {
  const Block* body = node->block(0);
  const size_t carried = node->outputs().size();
  const std::vector<const Value*> ending = deaths_.contains(node) ? deaths_[node] : std::vector<const Value*>();
  const Value* max_trips = root(node->input(0));
  const Value* initial_condition = root(node->input(1));
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
  const Registers registers = free_registers();
  const size_t start = label();
  std::vector<Move> next_moves;
  absl::flat_hash_map<const Value*, const Node*> handed_on;  // Parameters that another one gets, and behind which node.
  for (size_t k = 0; k < carried; ++k) {
    const Value* next = root(body->outputs()[k + 1]);
    const bool rotates = next->node() == body->param_node() && next->offset() > 0 && next->offset() != k + 1;
    const Node* last = nullptr;
    if (rotates && !places[k].is_value() && places[next->offset() - 1].bank == places[k].bank) {
      last = hand_on_early(body, k, places);
    }
    if (last != nullptr) {
      handed_on[next] = last;
    } else {
      next_moves.push_back({next, places[k]});
    }
  }
  for (size_t k = 0; k < carried; ++k) {
    const Value* parameter = body->inputs()[k + 1];
    define_at(parameter, places[k]);
    const Value* next = root(body->outputs()[k + 1]);
    if (live_.last_user(parameter, body) == nullptr) emit_drop(parameter);
    const bool own = next->node()->owning_block() == body && next->node() != body->param_node();
    if (!own || constant_of(next) != nullptr || bank_of_value(next) != places[k].bank) continue;
    const auto early = handed_on.find(parameter);
    const bool free = early != handed_on.end() ? free_after_handing_on(parameter, early->second, next)
                                               : free_before(parameter, live_.last_user(parameter, body), next);
    if (free) hints_.emplace(next, places[k]);
  }
  if (counted) note_death(index, body);
  VESTA_RETURN_IF_ERROR(lower_block(body, {}));
  current_ = node;
  const BackEdge back{body, start, counted ? counter.index : -1, limit};
  VESTA_RETURN_IF_ERROR(next_condition_is_choice(body) ? emit_chosen_back_edge(back, next_moves, exits)
                                                       : emit_back_edge(back, next_moves, exits));
  for (const size_t exit : exits) patch(exit);

  // Behind the loop.
  restore(registers);
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
