// Statements in order. A statement that may leave early decides where the rest of its list goes: `if`
// takes the rest into the branch that stays; behind anything else the rest is put under a check.

#include "absl/strings/str_cat.h"
#include "frontend/emitter.h"
#include "frontend/names.h"
#include "ir/support/status.h"

namespace vesta::frontend {

using support::SourceRange;

absl::StatusOr<Exit> Emitter::emit_block(std::span<const Stmt* const> statements) {
  const Nesting nesting(*this);
  if (!statements.empty()) VESTA_RETURN_IF_ERROR(check_depth("blocks", statements[0]->range));
  for (size_t i = 0; i < statements.size(); ++i) {
    VESTA_RETURN_IF_ERROR(check_size(statements[i]->range));
    const std::span<const Stmt* const> rest = statements.subspan(i + 1);
    if (const auto* conditional = as<If>(statements[i])) {
      bool took_rest = false;
      VESTA_ASSIGN_OR_RETURN(Exit exit, emit_if(*conditional, 0, rest, took_rest));
      if (took_rest || exit.always) return exit;
      if (exit.jumps() || exit.may != 0) return emit_rest(exit, rest);
      continue;
    }
    VESTA_ASSIGN_OR_RETURN(Exit exit, emit_statement(*statements[i]));
    if (exit.always) return exit;
    if (exit.may != 0) return emit_rest(exit, rest);
  }
  return Exit();
}

absl::StatusOr<Exit> Emitter::emit_rest(const Exit& before, std::span<const Stmt* const> rest) {
  if (before.always || rest.empty()) return before;
  if (!before.jumps()) {  // Some paths raise: nothing to check here.
    VESTA_ASSIGN_OR_RETURN(Exit after, emit_block(rest));
    after.may |= before.may;
    return after;
  }
  const SourceRange& range = rest[0]->range;
  VESTA_ASSIGN_OR_RETURN(ir::Value * left, any_taken(before, 7, range));
  Exit gone = before;
  gone.always = true;
  return branch(
      left, range, {}, {}, [&]() -> absl::StatusOr<Exit> { return gone; },
      [&]() -> absl::StatusOr<Exit> { return emit_block(rest); });
}

absl::StatusOr<Exit> Emitter::emit_statement(const Stmt& stmt) {
  absl::Status status;
  switch (stmt.kind) {
    case StmtKind::kExpr:
      status = emit_expression_statement(cast<ExprStmt>(stmt));
      break;
    case StmtKind::kAssign:
      status = emit_assign(cast<Assign>(stmt));
      break;
    case StmtKind::kAugmentedAssign:
      status = emit_augmented(cast<AugmentedAssign>(stmt));
      break;
    case StmtKind::kDelete:
      status = emit_delete(cast<Delete>(stmt));
      break;
    case StmtKind::kAssert:
      status = emit_assert(cast<Assert>(stmt));
      break;
    case StmtKind::kPass:
      break;
    case StmtKind::kReturn:
      return emit_return(cast<Return>(stmt));
    case StmtKind::kRaise:
      return emit_raise(cast<Raise>(stmt));
    case StmtKind::kWith:
      return emit_with(cast<With>(stmt));
    case StmtKind::kFor:
      return emit_for(cast<For>(stmt));
    case StmtKind::kWhile:
      return emit_while(cast<While>(stmt));
    case StmtKind::kBreak:
    case StmtKind::kContinue: {
      const bool is_break = stmt.kind == StmtKind::kBreak;
      if (loop_depth_ == 0)
        return error(stmt.range, absl::StrCat("'", is_break ? "break" : "continue", "' outside of a loop"));
      Exit exit;
      exit.always = true;
      exit.may = Exit::bit(is_break ? Exit::kBreak : Exit::kContinue);
      return exit;
    }
    case StmtKind::kFunction: {
      const auto& def = cast<Function>(stmt);
      Sugar sugar(Kind::kClosure);
      sugar.closure = &def;
      sugar.frame = frame_;
      status = set_name(def.name, std::move(sugar), def.name_range);
      break;
    }
    case StmtKind::kImport:
      break;  // Names are known by their qualified form.
    case StmtKind::kIf:
    case StmtKind::kClass:
      status = error(stmt.range, absl::StrCat(describe(stmt.kind), " is not possible here"));
      break;
  }
  VESTA_RETURN_IF_ERROR(status);
  return Exit();
}

absl::Status Emitter::emit_expression_statement(const ExprStmt& stmt) {
  if (stmt.value->kind == ExprKind::kStringLiteral || stmt.value->kind == ExprKind::kEllipsis) return absl::OkStatus();
  return emit_sugar(*stmt.value).status();
}

absl::Status Emitter::emit_assign(const Assign& stmt) {
  c10::TypePtr declared;
  if (stmt.annotation != nullptr) {
    VESTA_ASSIGN_OR_RETURN(declared, read_type(*stmt.annotation));
  }
  if (stmt.value == nullptr) return absl::OkStatus();  // `x: int` alone declares what an assignment will do.
  VESTA_ASSIGN_OR_RETURN(Sugar value, emit_sugar(*stmt.value, declared));
  if (stmt.targets.size() > 1 && value.is(Kind::kTuple)) {
    VESTA_ASSIGN_OR_RETURN(ir::Value * tuple, as_value(value, stmt.value->range, declared));
    value = Sugar::of(tuple);
  }
  for (const Expr* target : stmt.targets) {
    const auto* name = as<Name>(target);
    if (name != nullptr) {
      VESTA_RETURN_IF_ERROR(set_name(name->id, value, stmt.range, declared));
      continue;
    }
    if (declared != nullptr && target->kind != ExprKind::kTuple) {
      VESTA_ASSIGN_OR_RETURN(ir::Value * plain, as_value(value, stmt.value->range, declared));
      VESTA_ASSIGN_OR_RETURN(plain, convert_to(plain, declared, stmt.value->range, "the assignment"));
      value = Sugar::of(plain);
    }
    VESTA_RETURN_IF_ERROR(assign(*target, value, stmt.range));
  }
  return absl::OkStatus();
}

absl::Status Emitter::emit_augmented(const AugmentedAssign& stmt) {
  if (const auto* subscript_target = as<Subscript>(stmt.target)) {
    VESTA_ASSIGN_OR_RETURN(ir::Value * base, emit(*subscript_target->value));
    if (base->type()->kind() == c10::TypeKind::TensorType) {
      VESTA_ASSIGN_OR_RETURN(TensorIndex index, index_tensor(base, *subscript_target->index, subscript_target->range));
      ir::Value* current = index.base;
      ir::Value* indices = nullptr;
      if (!index.indices.empty()) {
        VESTA_ASSIGN_OR_RETURN(indices, tensor_indices(index, subscript_target->range));
        VESTA_ASSIGN_OR_RETURN(current, call_operator("aten::index", {index.base, indices}, stmt.range));
      }
      VESTA_ASSIGN_OR_RETURN(ir::Value * operand, emit(*stmt.value));
      VESTA_ASSIGN_OR_RETURN(ir::Value * result, augmented_value(stmt.op, current, operand, stmt.range));
      if (indices != nullptr)
        return call_operator("aten::index_put_", {index.base, indices, result}, stmt.range).status();
      return absl::OkStatus();
    }
    if (as<Slice>(subscript_target->index) != nullptr)
      return error(subscript_target->range, "a slice of a list cannot be assigned");
    VESTA_ASSIGN_OR_RETURN(ir::Value * key, emit(*subscript_target->index));
    VESTA_ASSIGN_OR_RETURN(std::optional<ir::Value*> own, magic_method("__getitem__", base, {key}, stmt.range));
    ir::Value* current = nullptr;
    if (own.has_value()) {
      current = *own;
    } else {
      VESTA_ASSIGN_OR_RETURN(current, call_operator("aten::__getitem__", {base, key}, stmt.range));
    }
    VESTA_ASSIGN_OR_RETURN(ir::Value * operand, emit(*stmt.value));
    VESTA_ASSIGN_OR_RETURN(ir::Value * result, augmented_value(stmt.op, current, operand, stmt.range));
    if (own.has_value()) return magic_method("__setitem__", base, {key, result}, stmt.range).status();
    return call_operator("aten::_set_item", {base, key, result}, stmt.range).status();
  }
  VESTA_ASSIGN_OR_RETURN(ir::Value * current, emit(*stmt.target));
  VESTA_ASSIGN_OR_RETURN(ir::Value * operand, emit(*stmt.value));
  VESTA_ASSIGN_OR_RETURN(ir::Value * result, augmented_value(stmt.op, current, operand, stmt.range));
  if (const auto* attribute_target = as<Attribute>(stmt.target))
    return assign_attribute(*attribute_target, result, stmt.range);
  return assign(*stmt.target, Sugar::of(result), stmt.range);
}

absl::Status Emitter::emit_delete(const Delete& stmt) {
  for (const Expr* target : stmt.targets) {
    if (const auto* name = as<Name>(target)) {
      VESTA_RETURN_IF_ERROR(lookup(*name).status());
      frame_->set(name->id, {Sugar::named(Kind::kUndefined, absl::StrCat("'", name->id, "' was deleted")), nullptr});
      continue;
    }
    const auto* item_target = as<Subscript>(target);
    if (item_target == nullptr)
      return error(target->range, absl::StrCat("'del' takes names and items, got ", describe(target->kind)));
    VESTA_ASSIGN_OR_RETURN(ir::Value * base, emit(*item_target->value));
    VESTA_ASSIGN_OR_RETURN(ir::Value * key, emit(*item_target->index));
    VESTA_ASSIGN_OR_RETURN(std::optional<ir::Value*> own, magic_method("__delitem__", base, {key}, stmt.range));
    if (!own.has_value()) {
      VESTA_RETURN_IF_ERROR(
          call_operator("aten::Delete", nullptr, {{"", base, stmt.range}, {"", key, stmt.range}}, stmt.range).status());
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Exit> Emitter::emit_return(const Return& stmt) {
  ir::Value* value = nullptr;
  if (stmt.value != nullptr) {
    VESTA_ASSIGN_OR_RETURN(value, emit(*stmt.value, result_type_));
  } else {
    value = none(stmt.range);
  }
  const SourceRange& range = stmt.value != nullptr ? stmt.value->range : stmt.range;
  VESTA_RETURN_IF_ERROR(check_type_size(*value->type(), unit_.original(range)));
  if (result_type_ != nullptr) {
    ir::Value* converted =
        result_type_->kind() == c10::TypeKind::AnyType ? value : convert(value, result_type_, true, range);
    if (!converted->type()->isSubtypeOf(*result_type_) && unit_.writer().last < ir::Release(1, 3) &&
        inferred_type_ == nullptr) {
      // 1.2 took a power of ints for an int, though it was a float: what is returned is believed.
      result_type_ = nullptr;
      inferred_type_ = value->type();
      infer_result_ = true;
      converted = value;
    } else if (!converted->type()->isSubtypeOf(*result_type_)) {
      return error(range, absl::StrCat("'", returning_, "' returns '", type_text(*result_type_), "', got '",
                                       type_text(*value->type()), "'"));
    }
    value = converted;
  } else if (inferred_type_ == nullptr) {
    inferred_type_ = value->type();
  } else {
    std::optional<c10::TypePtr> unified = c10::unifyTypes(inferred_type_, value->type());
    if (!unified.has_value()) {
      return error(range, absl::StrCat("a previous return gave '", type_text(*inferred_type_), "', this one gives '",
                                       type_text(*value->type()), "'; annotate the function's result"));
    }
    inferred_type_ = *unified;
  }
  Exit exit;
  exit.may = Exit::bit(Exit::kReturn);
  exit.always = true;
  exit.result = value;
  return exit;
}

absl::Status Emitter::raise(ir::Value* message, const std::string& exception, const SourceRange& range) {
  ir::Value* type = exception.empty() ? none(range) : constant(exception, range);
  insert(ir::prim::RaiseException, {message, type}, 0, range);
  return absl::OkStatus();
}

// `raise ValueError("text")`, `raise ValueError`, `raise Exception` and classes of the program's own.
absl::StatusOr<Exit> Emitter::emit_raise(const Raise& stmt) {
  Exit exit;
  exit.always = true;
  exit.may = Exit::bit(Exit::kRaise);
  if (stmt.exception == nullptr) {
    VESTA_RETURN_IF_ERROR(raise(constant(std::string(), stmt.range), "", stmt.range));
    return exit;
  }
  const auto* call = as<Call>(stmt.exception);
  const Expr& callee = call != nullptr ? *call->callee : *stmt.exception;
  absl::StatusOr<Sugar> sugar = emit_sugar(callee);
  std::string exception = dotted_name(callee);
  const bool known = sugar.ok() && (sugar->is(Kind::kException) || sugar->is(Kind::kType));
  if (sugar.ok() && !known && sugar->is(Kind::kValue)) {
    VESTA_ASSIGN_OR_RETURN(
        ir::Value * text,
        call_operator("aten::format", {constant(std::string("{}"), stmt.range), sugar->value}, stmt.range));
    VESTA_RETURN_IF_ERROR(raise(text, "", stmt.range));
    return exit;
  }
  if (!known && exception.empty()) return error(stmt.exception->range, "expected an exception");
  ir::Value* message = nullptr;
  if (call == nullptr || call->arguments.empty()) {
    message = constant(std::string(), stmt.range);
  } else {
    std::vector<ir::Value*> parts;
    std::string format;
    for (const Expr* argument : call->arguments) {
      VESTA_ASSIGN_OR_RETURN(ir::Value * value, emit(*argument));
      parts.push_back(value);
    }
    message = parts[0];
    if (parts.size() > 1 || message->type()->kind() != c10::TypeKind::StringType) {
      Arguments pieces;
      for (ir::Value* part : parts) {
        absl::StrAppend(&format, format.empty() ? "{}" : ", {}");
        pieces.push_back({"", part, stmt.range});
      }
      if (parts.size() > 1) format = absl::StrCat("(", format, ")");
      pieces.insert(pieces.begin(), {"", constant(format, stmt.range), stmt.range});
      VESTA_ASSIGN_OR_RETURN(Sugar text, call_operator("aten::format", nullptr, pieces, stmt.range));
      message = text.value;
    }
  }
  if (sugar.ok() && sugar->is(Kind::kType)) exception = sugar->type->annotation_str();
  if (is_exception_name(exception)) exception = absl::StrCat("builtins.", exception);
  VESTA_RETURN_IF_ERROR(raise(message, exception, stmt.range));
  return exit;
}

absl::Status Emitter::emit_assert(const Assert& stmt) {
  VESTA_ASSIGN_OR_RETURN(Condition condition, emit_condition(*stmt.test));
  if (condition.known.has_value() && *condition.known) return refine(condition.if_true, stmt.range);
  auto fail = [&]() -> absl::StatusOr<Exit> {
    ir::Value* message = nullptr;
    if (stmt.message != nullptr) {
      VESTA_ASSIGN_OR_RETURN(message, emit(*stmt.message));
      if (message->type()->kind() != c10::TypeKind::StringType) {
        VESTA_ASSIGN_OR_RETURN(message, call_operator("aten::str", {message}, stmt.range));
      }
      VESTA_ASSIGN_OR_RETURN(
          message,
          call_operator("aten::add", {constant(std::string("AssertionError: "), stmt.range), message}, stmt.range));
    } else {
      message = constant(std::string("AssertionError: "), stmt.range);
    }
    VESTA_RETURN_IF_ERROR(raise(message, "", stmt.range));
    Exit exit;
    exit.always = true;
    exit.may = Exit::bit(Exit::kRaise);
    return exit;
  };
  VESTA_ASSIGN_OR_RETURN(ir::Value * value, condition_value(condition, stmt.test->range));
  return branch(
             value, stmt.range, condition.if_true, condition.if_false, []() -> absl::StatusOr<Exit> { return Exit(); },
             fail)
      .status();
}

absl::StatusOr<Exit> Emitter::emit_with(const With& stmt) {
  std::vector<ir::Value*> objects;
  for (const WithItem& item : stmt.items) {
    VESTA_ASSIGN_OR_RETURN(ir::Value * object, emit(*item.context));
    const auto* type = object->type()->castRaw<c10::ClassType>();
    if (type == nullptr)
      return error(item.context->range, absl::StrCat("'with' takes an object with '__enter__' and '__exit__', got '",
                                                     type_text(*object->type()), "'"));
    torch::jit::Function* enter = type->findMethod("__enter__");
    torch::jit::Function* leave = type->findMethod("__exit__");
    if (enter == nullptr || leave == nullptr) {
      return error(item.context->range,
                   absl::StrCat("'", type_text(*type), "' has no '", enter == nullptr ? "__enter__" : "__exit__",
                                "', which 'with' calls"));
    }
    if (auto* own = dynamic_cast<ir::Function*>(enter))
      VESTA_RETURN_IF_ERROR(unit_.ensure_return_type(own, item.context->range));
    const auto& returns = enter->getSchema().returns();
    ir::Value* entered = insert_typed(ir::prim::Enter, {object},
                                      returns.empty() ? c10::NoneType::get() : returns[0].type(), item.context->range);
    if (item.target != nullptr) VESTA_RETURN_IF_ERROR(assign(*item.target, Sugar::of(entered), item.context->range));
    objects.push_back(object);
  }
  VESTA_ASSIGN_OR_RETURN(Exit exit, emit_block(stmt.body));
  for (auto object = objects.rbegin(); object != objects.rend(); ++object) {
    ir::Value* nothing = none(stmt.range);
    insert_typed(ir::prim::Exit, {*object, nothing, nothing, nothing}, c10::NoneType::get(), stmt.range);
  }
  return exit;
}

}  // namespace vesta::frontend
