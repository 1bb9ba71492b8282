// Control flow: `if`, loops, and the joining of what their blocks have assigned.
//
// Joining an `if`: a name that either side has assigned becomes an output of the node. A side that always
// leaves has no say in a name's type; where it has no fitting value itself it yields an uninitialized one,
// which nothing reads. A name that one side only has refined to a narrower type gets its old meaning back.
//
// Loops: the names that the body assigns and that exist before it are carried. A body that may `break` or
// `return` ends the loop through its condition; a returned value is carried out beside a flag.

#include <algorithm>
#include <bit>
#include <limits>

#include "absl/strings/str_cat.h"
#include "frontend/emitter.h"
#include "ir/support/status.h"

namespace vesta::frontend {

using support::SourceRange;

namespace {

const ir::Value* without_casts(const ir::Value* value) {
  while (value->node()->kind() == ir::prim::unchecked_cast) value = value->node()->input(0);
  return value;
}

// What such a side assigns is read by nothing but what it returns.
bool is_dead(const Exit& exit) {
  return exit.always && (exit.may & (Exit::bit(Exit::kBreak) | Exit::bit(Exit::kContinue))) == 0;
}

bool is_single_way(uint8_t may) { return std::has_single_bit(static_cast<unsigned>(may & 7)); }

}  // namespace

void assigned_names(const Expr& target, std::set<std::string>& names) {
  if (const auto* name = as<Name>(&target)) names.insert(name->id);
  if (const auto* starred = as<Starred>(&target)) assigned_names(*starred->value, names);
  if (const auto* tuple = as<Tuple>(&target)) {
    for (const Expr* element : tuple->elements) assigned_names(*element, names);
  }
  if (const auto* list = as<List>(&target)) {
    for (const Expr* element : list->elements) assigned_names(*element, names);
  }
}

void assigned_names(const Block& statements, std::set<std::string>& names) {
  for (const Stmt* stmt : statements) {
    if (const auto* assign = as<Assign>(stmt)) {
      for (const Expr* target : assign->targets) assigned_names(*target, names);
    } else if (const auto* augmented = as<AugmentedAssign>(stmt)) {
      assigned_names(*augmented->target, names);
    } else if (const auto* deletion = as<Delete>(stmt)) {
      for (const Expr* target : deletion->targets) assigned_names(*target, names);
    } else if (const auto* conditional = as<If>(stmt)) {
      for (const IfBranch& branch : conditional->branches) assigned_names(branch.body, names);
      assigned_names(conditional->orelse, names);
    } else if (const auto* loop = as<For>(stmt)) {
      assigned_names(*loop->target, names);
      assigned_names(loop->body, names);
    } else if (const auto* loop_while = as<While>(stmt)) {
      assigned_names(loop_while->body, names);
    } else if (const auto* with = as<With>(stmt)) {
      for (const WithItem& item : with->items) {
        if (item.target != nullptr) assigned_names(*item.target, names);
      }
      assigned_names(with->body, names);
    } else if (const auto* def = as<Function>(stmt)) {
      names.insert(def->name);
    }
  }
}

absl::Status Emitter::refine(const std::vector<Refinement>& refinements, const SourceRange& range) {
  for (const Refinement& refinement : refinements) {
    const Binding* binding = frame_->find(refinement.name);
    const Sugar sugar = binding != nullptr ? binding->sugar : capture(refinement.name);
    if (!sugar.is(Kind::kValue)) continue;
    ir::Value* value = sugar.value;
    if (*value->type() == *refinement.type) continue;
    ir::Value* refined = retype(value, refinement.type, range);
    refined->set_name(refinement.name);
    frame_->set(refinement.name, {Sugar::of(refined), refinement.type});
  }
  return absl::OkStatus();
}

ir::Value* Emitter::taken(const Exit& exit, int way, const SourceRange& range) {
  if ((exit.may & Exit::bit(way)) == 0) return constant(false, range);
  if (exit.taken[way] != nullptr) return exit.taken[way];
  return constant(true, range);
}

absl::StatusOr<ir::Value*> Emitter::any_taken(const Exit& exit, uint8_t ways, const SourceRange& range) {
  ir::Value* any = nullptr;
  for (int way = 0; way < 3; ++way) {
    if ((exit.may & ways & Exit::bit(way)) == 0) continue;
    ir::Value* one = taken(exit, way, range);
    if (any == nullptr) {
      any = one;
    } else {
      VESTA_ASSIGN_OR_RETURN(any, call_operator("aten::__or__", {any, one}, range));
    }
  }
  return any;
}

absl::StatusOr<Exit> Emitter::branch(ir::Value* condition, const SourceRange& range,
                                     const std::vector<Refinement>& if_true, const std::vector<Refinement>& if_false,
                                     BlockEmitter then, BlockEmitter otherwise) {
  ir::Node* node = insert(ir::prim::If, {condition}, 0, range);
  const std::shared_ptr<Frame> outer = frame_;
  Exit exits[2];
  std::shared_ptr<Frame> frames[2];
  for (int side = 0; side < 2; ++side) {
    ir::InsertPoint point(node->add_block());
    frames[side] = std::make_shared<Frame>();
    frames[side]->parent = outer;
    frame_ = frames[side];
    VESTA_RETURN_IF_ERROR(refine(side == 0 ? if_true : if_false, range));
    VESTA_ASSIGN_OR_RETURN(exits[side], side == 0 ? then() : otherwise());
  }
  frame_ = outer;
  return join(node, frames[0], frames[1], exits[0], exits[1], range);
}

ir::Value* Emitter::join_values(ir::Node* node, ir::Value* then_value, ir::Value* else_value, c10::TypePtr type,
                                const SourceRange& range) {
  ir::Value* values[2] = {then_value, else_value};
  for (int side = 0; side < 2; ++side) {
    ir::InsertPoint point(node->block(static_cast<size_t>(side)));
    if (values[side] == nullptr) values[side] = uninitialized(type, range);
    node->block(static_cast<size_t>(side))->add_output(values[side]);
  }
  return node->add_output(std::move(type));
}

void Emitter::join_exits(ir::Node* node, const Exit& then_exit, const Exit& else_exit, Exit& joined,
                         const SourceRange& range) {
  joined.may = then_exit.may | else_exit.may;
  joined.always = then_exit.always && else_exit.always;
  if (!joined.always) joined.may &= 7;  // Nothing follows a raise: who falls through need not ask.
  if (!(joined.always && is_single_way(joined.may))) {
    for (int way = 0; way < 3; ++way) {
      if ((joined.may & Exit::bit(way)) == 0) continue;
      ir::Value* flags[2];
      const Exit* exits[2] = {&then_exit, &else_exit};
      for (int side = 0; side < 2; ++side) {
        ir::InsertPoint point(node->block(static_cast<size_t>(side)));
        flags[side] = taken(*exits[side], way, range);
      }
      joined.taken[way] = join_values(node, flags[0], flags[1], c10::BoolType::get(), range);
    }
  }
  if (then_exit.result != nullptr || else_exit.result != nullptr) {
    joined.result = join_values(node, then_exit.result, else_exit.result,
                                result_type_ != nullptr ? result_type_ : inferred_type_, range);
    results_.insert(joined.result);
  }
}

absl::StatusOr<Exit> Emitter::join(ir::Node* node, const std::shared_ptr<Frame>& then_frame,
                                   const std::shared_ptr<Frame>& else_frame, const Exit& then_exit,
                                   const Exit& else_exit, const SourceRange& range) {
  Exit joined;
  if (!(is_dead(then_exit) && is_dead(else_exit))) {
    for (const std::string& name : then_frame->order) {
      VESTA_RETURN_IF_ERROR(join_name(node, name, *then_frame, *else_frame, then_exit, else_exit, range));
    }
    for (const std::string& name : else_frame->order) {
      if (then_frame->find_here(name) != nullptr) continue;
      VESTA_RETURN_IF_ERROR(join_name(node, name, *then_frame, *else_frame, then_exit, else_exit, range));
    }
  }
  join_exits(node, then_exit, else_exit, joined, range);
  return joined;
}

absl::Status Emitter::join_name(ir::Node* node, const std::string& name, Frame& then_frame, Frame& else_frame,
                                const Exit& then_exit, const Exit& else_exit, const SourceRange& range) {
  const Binding* outer = frame_->find(name);
  const Binding* sides[2] = {then_frame.find(name), else_frame.find(name)};
  const Exit* exits[2] = {&then_exit, &else_exit};
  ir::Value* values[2] = {nullptr, nullptr};
  for (int side = 0; side < 2; ++side) {
    const Binding* binding = sides[side];
    if (binding != nullptr && binding->sugar.is(Kind::kValue)) {
      values[side] = binding->sugar.value;
      continue;
    }
    if (exits[side]->always) continue;
    // A name for something that is no value, or nothing at all.
    if (binding != nullptr && !binding->sugar.is(Kind::kUndefined)) {
      const bool other_gone = exits[1 - side]->always;
      const bool same = sides[1 - side] != nullptr && same_meaning(sides[1 - side]->sugar, binding->sugar);
      if ((other_gone || same) && !holds_values(binding->sugar) && !binding->sugar.is(Kind::kClosure)) {
        frame_->set(name, *binding);
        return absl::OkStatus();
      }
      const std::string why = other_gone || same
                                  ? absl::StrCat(" is ", describe(binding->sugar), " inside of a branch only")
                                  : " is not the same on every path to here";
      frame_->set(name, {Sugar::named(Kind::kUndefined, absl::StrCat("'", name, "'", why)), nullptr});
      return absl::OkStatus();
    }
    frame_->set(
        name,
        {Sugar::named(Kind::kUndefined,
                      absl::StrCat("'", name, "' is not defined on every path: it is missing where the condition is ",
                                   side == 0 ? "true" : "false")),
         nullptr});
    return absl::OkStatus();
  }
  if (values[0] == nullptr && values[1] == nullptr) return absl::OkStatus();
  if (values[0] == values[1]) {
    if (outer == nullptr || outer->sugar.value != values[0]) frame_->set(name, *sides[0]);
    return absl::OkStatus();
  }
  c10::TypePtr type;
  for (int side = 0; side < 2; ++side) {
    if (values[side] == nullptr ||
        (is_dead(*exits[side]) && values[1 - side] != nullptr && !is_dead(*exits[1 - side]))) {
      type = values[1 - side]->type();
      if (values[side] != nullptr && !values[side]->type()->isSubtypeOf(*type)) values[side] = nullptr;
    }
  }
  if (type == nullptr) {
    const c10::TypePtr outer_type = outer != nullptr ? outer->type : nullptr;
    std::optional<c10::TypePtr> unified =
        c10::unifyTypes(values[0]->type(), values[1]->type(), /*default_to_union=*/true,
                        outer_type != nullptr ? outer_type : c10::TypePtr());
    if (!unified.has_value() && outer_type != nullptr) unified = outer_type;
    if (!unified.has_value()) {
      frame_->set(name,
                  {Sugar::named(Kind::kUndefined,
                                absl::StrCat("'", name, "' has type '", type_text(*values[0]->type()),
                                             "' on one path and '", type_text(*values[1]->type()), "' on the other")),
                   nullptr});
      return absl::OkStatus();
    }
    type = *unified;
    const bool only_refined = outer != nullptr && outer->sugar.is(Kind::kValue) &&
                              without_casts(values[0]) == without_casts(outer->sugar.value) &&
                              without_casts(values[1]) == without_casts(outer->sugar.value);
    if (only_refined && outer->sugar.value->type()->isSubtypeOf(*type)) return absl::OkStatus();
  }
  ir::Value* joined = join_values(node, values[0], values[1], type, range);
  joined->set_name(name);
  frame_->set(name, {Sugar::of(joined), type});
  return absl::OkStatus();
}

absl::StatusOr<Exit> Emitter::emit_if(const If& stmt, size_t branch_index, std::span<const Stmt* const> rest,
                                      bool& took_rest) {
  Condition condition;
  for (;; ++branch_index) {  // Past the branches that are never taken.
    if (branch_index == stmt.branches.size()) return emit_block(stmt.orelse);
    const IfBranch& branch = stmt.branches[branch_index];
    VESTA_ASSIGN_OR_RETURN(condition, emit_condition(*branch.test));
    if (!condition.known.has_value()) break;
    VESTA_RETURN_IF_ERROR(refine(*condition.known ? condition.if_true : condition.if_false, branch.range));
    if (*condition.known) return emit_block(branch.body);
  }
  const IfBranch& current = stmt.branches[branch_index];
  const bool is_last = branch_index + 1 == stmt.branches.size();
  const Nesting nesting(*this);
  VESTA_RETURN_IF_ERROR(check_depth("branches", current.range));
  ir::Node* node = insert(ir::prim::If, {condition.value}, 0, current.range);
  ir::Block* blocks[2] = {node->add_block(), node->add_block()};
  const std::shared_ptr<Frame> outer = frame_;
  std::shared_ptr<Frame> frames[2] = {std::make_shared<Frame>(), std::make_shared<Frame>()};
  frames[0]->parent = frames[1]->parent = outer;
  auto enter = [&](int side) { frame_ = frames[side]; };

  Exit then_exit;
  {
    ir::InsertPoint point(blocks[0]);
    enter(0);
    VESTA_RETURN_IF_ERROR(refine(condition.if_true, current.range));
    VESTA_ASSIGN_OR_RETURN(then_exit, emit_block(current.body));
  }
  const bool else_takes_rest = then_exit.always && then_exit.jumps() && !rest.empty();
  Exit else_exit;
  {
    ir::InsertPoint point(blocks[1]);
    enter(1);
    VESTA_RETURN_IF_ERROR(refine(condition.if_false, current.range));
    bool inner_took = false;
    if (is_last) {
      VESTA_ASSIGN_OR_RETURN(else_exit, emit_block(stmt.orelse));
    } else {
      VESTA_ASSIGN_OR_RETURN(else_exit, emit_if(stmt, branch_index + 1,
                                                else_takes_rest ? rest : std::span<const Stmt* const>(), inner_took));
    }
    if (else_takes_rest && !inner_took) {
      VESTA_ASSIGN_OR_RETURN(else_exit, emit_rest_of(else_exit, rest));
    }
  }
  took_rest = else_takes_rest;
  if (!took_rest && else_exit.always && else_exit.jumps() && !then_exit.always && !rest.empty()) {
    ir::InsertPoint point(blocks[0]);
    enter(0);
    VESTA_ASSIGN_OR_RETURN(then_exit, emit_rest_of(then_exit, rest));
    took_rest = true;
  }
  frame_ = outer;
  return join(node, frames[0], frames[1], then_exit, else_exit, current.range);
}

absl::StatusOr<Exit> Emitter::emit_rest_of(const Exit& before, std::span<const Stmt* const> rest) {
  return before.may == 0 ? emit_block(rest) : emit_rest(before, rest);
}

// In the order in which the names were first assigned: printed source assigns them just before the loop, in the order
// in which the graph carries them.
std::vector<Emitter::Carried> Emitter::carry_names(const LoopParts& parts, ir::Block* body) {
  std::vector<const Frame*> frames;
  for (const Frame* frame = frame_->parent.get(); frame != nullptr; frame = frame->parent.get())
    frames.insert(frames.begin(), frame);
  std::vector<std::string> names;
  for (const Frame* frame : frames) {
    for (const std::string& name : frame->order) {
      if (!parts.assigned.contains(name)) continue;
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  std::vector<Carried> carried;
  for (const std::string& name : names) {
    const Binding* binding = frame_->parent->find(name);
    if (binding == nullptr || !binding->sugar.is(Kind::kValue)) continue;
    Carried one{name, binding->sugar.value, body->add_input(binding->sugar.value->type(), name), nullptr};
    frame_->set(name, {Sugar::of(one.input), binding->type});
    carried.push_back(std::move(one));
  }
  return carried;
}

absl::StatusOr<ir::Value*> Emitter::next_condition(const LoopParts& parts, const Exit& exit) {
  const uint8_t stops = Exit::bit(Exit::kReturn) | Exit::bit(Exit::kBreak);
  if (exit.always && (exit.may & Exit::bit(Exit::kContinue)) == 0) return constant(false, parts.range);
  VESTA_ASSIGN_OR_RETURN(ir::Value * stop, any_taken(exit, stops, parts.range));
  auto again = [&]() -> absl::StatusOr<ir::Value*> {
    if (parts.condition == nullptr) return constant(true, parts.range);
    VESTA_ASSIGN_OR_RETURN(Condition condition, emit_condition(*parts.condition));
    return condition_value(condition, parts.condition->range);
  };
  if (stop == nullptr) return again();
  if (parts.condition == nullptr) return call_operator("aten::__not__", {stop}, parts.range);
  ir::Node* node = insert(ir::prim::If, {stop}, 0, parts.range);
  for (int side = 0; side < 2; ++side) {
    ir::Block* block = node->add_block();
    ir::InsertPoint point(block);
    if (side == 0) {
      block->add_output(constant(false, parts.range));
      continue;
    }
    const std::shared_ptr<Frame> outer = frame_;
    frame_ = std::make_shared<Frame>();
    frame_->parent = outer;
    VESTA_ASSIGN_OR_RETURN(ir::Value * value, again());
    frame_ = outer;
    block->add_output(value);
  }
  return node->add_output(c10::BoolType::get());
}

// Drops the names that the body has not changed after all, and connects the others.
void Emitter::close_loop(ir::Node* loop, std::vector<Carried>& carried, Exit& exit) {
  ir::Block* body = loop->block(0);
  for (size_t i = carried.size(); i-- > 0;) {
    Carried& one = carried[i];
    if (one.last != one.input) continue;
    one.input->replace_all_uses_with(one.initial);
    for (Carried& other : carried) {
      if (other.last == one.input && &other != &one) other.last = one.initial;
    }
    if (exit.result == one.input) exit.result = one.initial;
    for (ir::Value*& flag : exit.taken) {
      if (flag == one.input) flag = one.initial;
    }
    body->erase_input(i + 1);
    carried.erase(carried.begin() + static_cast<std::ptrdiff_t>(i));
  }
  for (const Carried& one : carried) {
    loop->add_input(one.initial);
    body->add_output(one.last);
    ir::Value* output = loop->add_output(one.input->type());
    output->set_name(one.name);
    frame_->set(one.name, {Sugar::of(output), one.input->type()});
  }
}

Exit Emitter::carry_result(ir::Node* loop, const Exit& exit, const SourceRange& range) {
  Exit after;
  if ((exit.may & Exit::bit(Exit::kReturn)) == 0) return after;
  ir::Block* body = loop->block(0);
  const c10::TypePtr type = result_type_ != nullptr ? result_type_ : inferred_type_;
  ir::Node* no = graph_->create_constant(false);
  no->set_range(unit_.original(range))->insert_before(loop);
  ir::Node* nothing = graph_->create(ir::prim::Uninitialized);
  nothing->set_range(unit_.original(range))->insert_before(loop);
  nothing->output()->set_type(type);
  results_.insert(nothing->output());
  loop->add_input(no->output());
  loop->add_input(nothing->output());
  body->add_input(c10::BoolType::get());
  results_.insert(body->add_input(type));
  ir::Value* result = exit.result;
  {
    ir::InsertPoint point(body);
    body->add_output(taken(exit, Exit::kReturn, range));
    body->add_output(result);
  }
  after.may = Exit::bit(Exit::kReturn);
  after.taken[Exit::kReturn] = loop->add_output(c10::BoolType::get());
  after.result = loop->add_output(type);
  results_.insert(after.result);
  return after;
}

absl::StatusOr<Exit> Emitter::emit_loop(const LoopParts& parts, LoopBody body) {
  ir::Value* first = nullptr;
  std::vector<Refinement> refinements;
  if (parts.condition != nullptr) {
    VESTA_ASSIGN_OR_RETURN(Condition condition, emit_condition(*parts.condition));
    refinements = condition.if_true;
    VESTA_ASSIGN_OR_RETURN(first, condition_value(condition, parts.condition->range));
  } else {
    first = constant(true, parts.range);
  }
  ir::Node* loop = insert(ir::prim::Loop, {parts.trip_count, first}, 0, parts.range);
  ir::Block* block = loop->add_block();
  ir::Value* iteration = block->add_input(c10::IntType::get());
  const std::shared_ptr<Frame> outer = frame_;
  frame_ = std::make_shared<Frame>();
  frame_->parent = outer;
  std::vector<Carried> carried;
  Exit exit;
  {
    ir::InsertPoint point(block);
    carried = carry_names(parts, block);
    VESTA_RETURN_IF_ERROR(refine(refinements, parts.range));
    ++loop_depth_;
    VESTA_ASSIGN_OR_RETURN(exit, body(iteration));
    --loop_depth_;
    VESTA_ASSIGN_OR_RETURN(ir::Value * again, next_condition(parts, exit));
    block->add_output(again);
    for (Carried& one : carried) {
      const Binding* binding = frame_->find(one.name);
      one.last = binding != nullptr && binding->sugar.is(Kind::kValue) ? binding->sugar.value : nullptr;
      if (one.last == nullptr) return error(parts.range, binding != nullptr ? binding->sugar.name : one.name);
      if (without_casts(one.last) == one.input) one.last = one.input;
    }
  }
  const std::shared_ptr<Frame> inner = frame_;
  frame_ = outer;
  close_loop(loop, carried, exit);
  for (const std::string& name : inner->order) {
    const Binding* before = outer->find(name);
    const Sugar& after = inner->find_here(name)->sugar;
    const bool was_value = before != nullptr && (before->sugar.is(Kind::kValue) || before->sugar.is(Kind::kUndefined));
    if (before != nullptr && !was_value && !same_meaning(before->sugar, after)) {
      return error(parts.range, absl::StrCat("'", name, "' is ", describe(before->sugar),
                                             " before this loop and cannot become something else in it"));
    }
    if (before == nullptr) {
      outer->set(name, {Sugar::named(Kind::kUndefined, absl::StrCat("'", name, "' is defined only inside of the loop")),
                        nullptr});
    }
  }
  return carry_result(loop, exit, parts.range);
}

absl::StatusOr<Exit> Emitter::emit_while(const While& stmt) {
  LoopParts parts;
  parts.range = stmt.test->range;
  parts.trip_count = constant(std::numeric_limits<int64_t>::max(), stmt.test->range);
  parts.condition = stmt.test;
  assigned_names(stmt.body, parts.assigned);
  return emit_loop(parts, [&](ir::Value*) { return emit_block(stmt.body); });
}

absl::StatusOr<Exit> Emitter::emit_for(const For& stmt) {
  VESTA_ASSIGN_OR_RETURN(Sugar source, emit_sugar(*stmt.iterable));
  VESTA_ASSIGN_OR_RETURN(Iterable items, iterable(source, stmt.iterable->range));
  if (items.items.has_value()) {
    ++loop_depth_;
    VESTA_ASSIGN_OR_RETURN(Exit exit, emit_unrolled(*items.items, 0, stmt));
    --loop_depth_;
    return exit;
  }
  if (items.length == nullptr) return error(stmt.iterable->range, "the loop has no end");
  LoopParts parts;
  parts.range = stmt.iterable->range;
  parts.trip_count = items.length;
  assigned_names(*stmt.target, parts.assigned);
  assigned_names(stmt.body, parts.assigned);
  return emit_loop(parts, [&](ir::Value* iteration) -> absl::StatusOr<Exit> {
    VESTA_ASSIGN_OR_RETURN(Sugar element, item(items, iteration, stmt.iterable->range));
    VESTA_RETURN_IF_ERROR(assign(*stmt.target, element, stmt.target->range));
    return emit_block(stmt.body);
  });
}

absl::StatusOr<Exit> Emitter::emit_unrolled(const std::vector<Sugar>& items, size_t first, const For& stmt) {
  const Nesting nesting(*this);  // What follows an item that may leave the loop is a branch of a check.
  const uint8_t stops = Exit::bit(Exit::kReturn) | Exit::bit(Exit::kBreak);
  const uint8_t goes_on = static_cast<uint8_t>(~(Exit::bit(Exit::kBreak) | Exit::bit(Exit::kContinue)));
  auto leave_loop = [&](Exit exit) {
    if ((exit.may & ~goes_on & 7) != 0) exit.always = false;
    if (!exit.always && (exit.may & Exit::bit(Exit::kReturn)) != 0 && exit.taken[Exit::kReturn] == nullptr) {
      exit.taken[Exit::kReturn] = constant(true, stmt.range);
    }
    exit.may &= goes_on;
    return exit;
  };
  for (size_t i = first; i < items.size(); ++i) {
    VESTA_RETURN_IF_ERROR(check_size(stmt.range));
    VESTA_RETURN_IF_ERROR(assign(*stmt.target, items[i], stmt.target->range));
    VESTA_ASSIGN_OR_RETURN(Exit exit, emit_block(stmt.body));
    if ((exit.may & stops) == 0) {
      if (exit.always && (exit.may & Exit::bit(Exit::kContinue)) == 0) return exit;  // It raises.
      continue;
    }
    if (exit.always && (exit.may & Exit::bit(Exit::kContinue)) == 0) return leave_loop(exit);
    if (i + 1 == items.size()) return leave_loop(exit);
    VESTA_ASSIGN_OR_RETURN(ir::Value * stop, any_taken(exit, stops, stmt.range));
    Exit gone = exit;
    gone.always = true;
    gone.may &= stops;
    absl::StatusOr<Exit> joined = branch(
        stop, stmt.range, {}, {}, [&]() -> absl::StatusOr<Exit> { return gone; },
        [&]() -> absl::StatusOr<Exit> { return emit_unrolled(items, i + 1, stmt); });
    VESTA_RETURN_IF_ERROR(joined.status());
    return leave_loop(*joined);
  }
  return Exit();
}

}  // namespace vesta::frontend
