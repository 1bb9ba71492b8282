// Expressions. An operator of libtorch is `torch.<name>(...)` or `ops.<namespace>.<name>(...)`; what the language has
// forms for is printed in them. All forms are ones that torch's reader of archives knows.

#include <array>

#include <ATen/core/enum_type.h>

#include "absl/strings/str_cat.h"
#include "frontend/function_printer.h"
#include "frontend/types.h"
#include "ir/operator.h"
#include "ir/support/status.h"

namespace vesta::frontend {
namespace {

using c10::TypeKind;

const c10::IValue* stored_constant(const ir::Value& value) {
  if (value.node()->kind() != ir::prim::Constant) return nullptr;
  const ir::AttributeValue* stored = value.node()->find(ir::attr::value);
  static const c10::IValue* const none = new c10::IValue();
  return stored != nullptr ? std::get_if<c10::IValue>(stored) : none;
}

// Whether arguments of these types could mean `schema`; types with variables, and ints for lists of them, may.
bool could_take(const c10::FunctionSchema& schema, const ir::Node& node, const c10::FunctionSchema& own, size_t count) {
  std::vector<bool> given(schema.arguments().size(), false);
  for (size_t i = 0; i < count; ++i) {
    const c10::Argument& argument = own.arguments()[i];
    size_t place = i;
    if (argument.kwarg_only()) {
      const auto found = schema.argumentIndexWithName(argument.name());
      if (!found.has_value()) return false;
      place = static_cast<size_t>(*found);
    }
    if (place >= schema.arguments().size() || (!argument.kwarg_only() && schema.arguments()[place].kwarg_only()))
      return false;
    given[place] = true;
    const c10::TypePtr& wanted = schema.arguments()[place].type();
    const c10::TypePtr& actual = node.input(i)->type();
    const auto* repeated =
        schema.arguments()[place].N().has_value() ? unwrap_optional(wanted)->castRaw<c10::ListType>() : nullptr;
    const bool repeats = repeated != nullptr && actual->isSubtypeOf(*repeated->getElementType());
    if (!wanted->hasFreeVariables() && !repeats && !actual->isSubtypeOf(*wanted)) return false;
  }
  for (size_t i = 0; i < given.size(); ++i) {
    if (!given[i] && !schema.arguments()[i].default_value().has_value()) return false;
  }
  return true;
}

bool means_operator(const ir::Operator& op, const ir::Node& node, size_t count) {
  for (const ir::Operator* candidate : ir::OperatorCatalog::standard().candidates(op.schema.name())) {
    if (candidate == &op) return true;
    if (could_take(candidate->schema, node, op.schema, count)) return false;
  }
  return true;
}

struct CastForm {
  std::string_view op;
  std::string_view function;
  TypeKind result;
};
constexpr std::array kCasts = {
    CastForm{"aten::Int", "int", TypeKind::IntType}, CastForm{"aten::Float", "float", TypeKind::FloatType},
    CastForm{"aten::Bool", "bool", TypeKind::BoolType}, CastForm{"aten::Complex", "complex", TypeKind::ComplexType},
    CastForm{"aten::str", "str", TypeKind::StringType}};
constexpr std::array<std::string_view, 4> kImplicit = {"aten::IntImplicit", "aten::FloatImplicit",
                                                       "aten::ComplexImplicit", "aten::ScalarImplicit"};

}  // namespace

size_t needed_arguments(const ir::Node& node, size_t first_input, const c10::FunctionSchema& schema,
                        size_t first_argument) {
  size_t count = node.inputs().size() - first_input;
  while (count > 0) {
    const c10::Argument& argument = schema.arguments()[first_argument + count - 1];
    const c10::IValue* value = stored_constant(*node.input(first_input + count - 1));
    if (!argument.default_value().has_value() || value == nullptr) break;
    if (!same_plain_constant(*value, *argument.default_value())) break;
    --count;
  }
  return count;
}

size_t needed_arguments(const ir::Node& node) {
  const c10::FunctionSchema& schema = node.op()->schema;
  const size_t all = node.inputs().size();
  if (schema.is_vararg() || all != schema.arguments().size()) return all;
  for (size_t count = needed_arguments(node, 0, schema, 0); count < all; ++count) {
    if (means_operator(*node.op(), node, count)) return count;
  }
  return all;
}

absl::Status FunctionPrinter::use(const ir::Value& value) {
  const ir::Value* source = &value;
  while (captured_.contains(source)) source = captured_.at(source);
  if (source->node()->kind() == ir::prim::Constant) return constant(*source);
  if (plan_->is_inline(source->node())) {
    const absl::Status status = expression(*source->node());
    if (!ranges_.empty()) out_.mark(ranges_.back());
    return status;
  }
  const std::string* name = names_->find(source);
  if (name == nullptr) return unprintable(*source->node(), "is read where it has no name");
  out_ << *name;
  return absl::OkStatus();
}

absl::Status FunctionPrinter::base(const ir::Value& value) {
  const ir::Value* source = &value;
  while (captured_.contains(source)) source = captured_.at(source);
  if (source->node()->kind() != ir::prim::Constant) return use(value);
  out_ << "(";
  VESTA_RETURN_IF_ERROR(constant(*source));
  out_ << ")";
  return absl::OkStatus();
}

absl::Status FunctionPrinter::use_as(const ir::Value& value, const c10::TypePtr& type) {
  const std::string wanted = program_.annotation(*type);
  if (wanted == annotation(value)) return use(value);
  out_ << "unchecked_cast(" << wanted << ", ";
  VESTA_RETURN_IF_ERROR(use(value));
  out_ << ")";
  return absl::OkStatus();
}

absl::Status FunctionPrinter::constant(const ir::Value& value) {
  if (value.node()->has(ir::attr::name)) {  // a function
    const auto* function = value.type()->castRaw<c10::FunctionType>();
    if (function == nullptr) return unprintable(*value.node(), "is no function");
    out_ << program_.of(*function->function());
    return absl::OkStatus();
  }
  out_ << literal(*stored_constant(value), value.type(), program_, constants_);
  return absl::OkStatus();
}

absl::Status FunctionPrinter::expression(const ir::Node& node) {
  ranges_.push_back(out_.mark(plan_->place(node)));
  absl::Status status = node.op() != nullptr ? call_operator(node) : structural(node);
  ranges_.pop_back();
  return status;
}

absl::Status FunctionPrinter::structural(const ir::Node& node) {
  switch (static_cast<c10::unique_t>(node.kind())) {
    case ir::prim::GetAttr:
      return attribute(node);
    case ir::prim::ListConstruct:
      return list(node);
    case ir::prim::DictConstruct:
      return dict(node);
    case ir::prim::TupleConstruct:
      return tuple(node);
    case ir::prim::TupleIndex:
      return tuple_index(node);
    case ir::prim::isinstance:
      return is_instance(node);
    case ir::prim::CallMethod:
      return call_method(node);
    case ir::prim::CallFunction:
      return call_function(node);
    case ir::prim::unchecked_cast:
      return wrapped(absl::StrCat("unchecked_cast(", annotation(*node.output()), ", "), *node.input(0), ")");
    case ir::prim::Uninitialized:
      out_ << "uninitialized(" << annotation(*node.output()) << ")";
      return absl::OkStatus();
    case ir::prim::CreateObject: {
      const std::string type = annotation(*node.output());
      out_ << type << ".__new__(" << type << ")";
      return absl::OkStatus();
    }
    case ir::prim::EnumName:
    case ir::prim::EnumValue:
      VESTA_RETURN_IF_ERROR(base(*node.input(0)));
      out_ << (node.kind() == ir::prim::EnumName ? ".name" : ".value");
      return absl::OkStatus();
    case ir::prim::Enter:
      VESTA_RETURN_IF_ERROR(base(*node.input(0)));
      out_ << ".__enter__()";
      return absl::OkStatus();
    case ir::prim::Exit:
      VESTA_RETURN_IF_ERROR(base(*node.input(0)));
      out_ << ".__exit__(";
      VESTA_RETURN_IF_ERROR(sequence(node, 1));
      out_ << ")";
      return absl::OkStatus();
    case ir::prim::RaiseException:
      out_ << "ops.prim.RaiseException(";
      VESTA_RETURN_IF_ERROR(sequence(node, 0));
      out_ << ")";
      return absl::OkStatus();
    default:
      return unprintable(node, "has no form in source");
  }
}

absl::Status FunctionPrinter::wrapped(std::string_view before, const ir::Value& value, std::string_view after) {
  out_ << before;
  VESTA_RETURN_IF_ERROR(use(value));
  out_ << after;
  return absl::OkStatus();
}

absl::Status FunctionPrinter::sequence(const ir::Node& node, size_t first) {
  for (size_t i = first; i < node.inputs().size(); ++i) {
    out_ << (i > first ? ", " : "");
    VESTA_RETURN_IF_ERROR(use(*node.input(i)));
  }
  return absl::OkStatus();
}

absl::Status FunctionPrinter::attribute(const ir::Node& node) {
  const std::string& name = node.s(ir::attr::name);
  if (!is_plain_name(name)) return wrapped("getattr(", *node.input(0), absl::StrCat(", ", string_literal(name), ")"));
  VESTA_RETURN_IF_ERROR(base(*node.input(0)));
  out_ << "." << name;
  return absl::OkStatus();
}

absl::Status FunctionPrinter::list(const ir::Node& node) {
  const c10::TypePtr& type = node.output()->type();
  const auto* list_type = type->castRaw<c10::ListType>();
  if (list_type == nullptr) return unprintable(node, "makes no list");
  const std::string element = program_.annotation(*list_type->getElementType());
  bool told = !node.inputs().empty();
  for (const ir::Value* input : node.inputs()) told = told && annotation(*input) == element;
  if (!told) out_ << "annotate(" << program_.annotation(*type) << ", ";
  out_ << "[";
  VESTA_RETURN_IF_ERROR(sequence(node, 0));
  out_ << (told ? "]" : "])");
  return absl::OkStatus();
}

absl::Status FunctionPrinter::dict(const ir::Node& node) {
  const c10::TypePtr& type = node.output()->type();
  const auto* dict_type = type->castRaw<c10::DictType>();
  if (dict_type == nullptr) return unprintable(node, "makes no dict");
  const std::string part[2] = {program_.annotation(*dict_type->getKeyType()),
                               program_.annotation(*dict_type->getValueType())};
  bool told = !node.inputs().empty();
  for (size_t i = 0; i < node.inputs().size(); ++i) told = told && annotation(*node.input(i)) == part[i % 2];
  if (!told) out_ << "annotate(" << program_.annotation(*type) << ", ";
  out_ << "{";
  for (size_t i = 0; i < node.inputs().size(); ++i) {
    out_ << (i == 0 ? "" : i % 2 == 0 ? ", " : ": ");
    VESTA_RETURN_IF_ERROR(use(*node.input(i)));
  }
  out_ << (told ? "}" : "})");
  return absl::OkStatus();
}

absl::Status FunctionPrinter::tuple(const ir::Node& node) {
  const auto* type = node.output()->type()->castRaw<c10::TupleType>();
  if (type == nullptr) return unprintable(node, "makes no tuple");
  const bool named = is_program_tuple(*type);
  if (named) out_ << annotation(*node.output());
  out_ << "(";
  VESTA_RETURN_IF_ERROR(sequence(node, 0));
  out_ << (node.inputs().size() == 1 && !named ? ",)" : ")");
  return absl::OkStatus();
}

absl::Status FunctionPrinter::tuple_index(const ir::Node& node) {
  VESTA_RETURN_IF_ERROR(base(*node.input(0)));
  const c10::IValue* index = stored_constant(*node.input(1));
  const auto* type = node.input(0)->type()->castRaw<c10::TupleType>();
  if (index == nullptr || !index->isInt() || type == nullptr) return unprintable(node, "has no constant index");
  const std::string field = automatic_name(*node.output());
  if (field.empty()) {
    out_ << "[" << absl::StrCat(index->toInt()) << "]";
  } else {
    out_ << "." << field;
  }
  return absl::OkStatus();
}

absl::Status FunctionPrinter::is_instance(const ir::Node& node) {
  const auto& types = std::get<std::vector<c10::TypePtr>>(*node.find(ir::attr::types));
  std::string text;
  for (const c10::TypePtr& type : types) absl::StrAppend(&text, text.empty() ? "" : ", ", program_.annotation(*type));
  return wrapped("isinstance(", *node.input(0),
                 types.size() == 1 ? absl::StrCat(", ", text, ")") : absl::StrCat(", (", text, "))"));
}

absl::Status FunctionPrinter::arguments(const ir::Node& node, size_t first_input, const c10::FunctionSchema* schema,
                                        size_t first_argument, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    out_ << (i > 0 ? ", " : "");
    if (schema != nullptr && first_argument + i < schema->arguments().size()) {
      const c10::Argument& argument = schema->arguments()[first_argument + i];
      if (argument.kwarg_only()) out_ << argument.name() << "=";
    }
    VESTA_RETURN_IF_ERROR(use(*node.input(first_input + i)));
  }
  return absl::OkStatus();
}

absl::Status FunctionPrinter::call_method(const ir::Node& node) {
  const std::string& name = node.s(ir::attr::name);
  const c10::TypePtr& type = node.input(0)->type();
  const c10::FunctionSchema* schema = nullptr;
  if (const auto* object = type->castRaw<c10::ClassType>()) {
    torch::jit::Function* method = object->findMethod(name);
    if (method == nullptr) return unprintable(node, absl::StrCat("calls '", name, "', which its class does not have"));
    schema = &method->getSchema();
  } else if (const auto* interface_type = type->castRaw<c10::InterfaceType>()) {
    schema = interface_type->getMethod(name);
  }
  VESTA_RETURN_IF_ERROR(base(*node.input(0)));
  out_ << "." << name << "(";
  size_t count = node.inputs().size() - 1;
  if (schema != nullptr && schema->arguments().size() == count + 1) count = needed_arguments(node, 1, *schema, 1);
  VESTA_RETURN_IF_ERROR(arguments(node, 1, schema, 1, count));
  out_ << ")";
  return absl::OkStatus();
}

absl::Status FunctionPrinter::call_function(const ir::Node& node) {
  const auto* type = node.input(0)->type()->castRaw<c10::FunctionType>();
  if (type == nullptr) return unprintable(node, "calls no function");
  VESTA_RETURN_IF_ERROR(use(*node.input(0)));
  out_ << "(";
  const c10::FunctionSchema& schema = type->function()->getSchema();
  size_t count = node.inputs().size() - 1;
  if (schema.arguments().size() == count) count = needed_arguments(node, 1, schema, 0);
  VESTA_RETURN_IF_ERROR(arguments(node, 1, &schema, 0, count));
  out_ << ")";
  return absl::OkStatus();
}

absl::StatusOr<bool> FunctionPrinter::special_operator(const ir::Node& node) {
  const std::string_view name = node.kind().toQualString();
  const size_t count = node.inputs().size();
  auto done = [](absl::Status status) -> absl::StatusOr<bool> {
    if (!status.ok()) return status;
    return true;
  };
  if (count == 1) {
    const c10::TypePtr& from = node.input(0)->type();
    for (const CastForm& form : kCasts) {
      const bool plain = from->kind() != form.result && from->kind() != TypeKind::ClassType;
      if (name == form.op && plain && !names_->is_hidden(form.function))
        return done(wrapped(absl::StrCat(std::string(form.function), "("), *node.input(0), ")"));
    }
    for (const std::string_view implicit : kImplicit) {
      if (name == implicit && from->kind() == TypeKind::TensorType)
        return done(wrapped(absl::StrCat("annotate(", annotation(*node.output()), ", "), *node.input(0), ")"));
    }
  }
  if (name == "prim::Print" && !names_->is_hidden("print")) {
    out_ << "print(";
    VESTA_RETURN_IF_ERROR(sequence(node, 0));
    out_ << ")";
    return true;
  }
  if (name == "aten::__getitem__" && count == 2) {
    VESTA_RETURN_IF_ERROR(base(*node.input(0)));
    return done(wrapped("[", *node.input(1), "]"));
  }
  if (name == "prim::tolist") {
    out_ << "annotate(" << annotation(*node.output()) << ", ";
    VESTA_RETURN_IF_ERROR(base(*node.input(0)));
    out_ << ".tolist())";
    return true;
  }
  if (name == "prim::ModuleContainerIndex") {
    out_ << "annotate(" << annotation(*node.output()) << ", ";
    VESTA_RETURN_IF_ERROR(base(*node.input(0)));
    return done(wrapped("[", *node.input(1), "])"));
  }
  return false;
}

absl::Status FunctionPrinter::call_operator(const ir::Node& node) {
  ++operators_[node.op()];
  VESTA_ASSIGN_OR_RETURN(const bool printed, special_operator(node));
  if (printed) return absl::OkStatus();
  const c10::FunctionSchema& schema = node.op()->schema;
  const std::string& full = schema.name();
  const size_t colons = full.find("::");
  const std::string space = full.substr(0, colons);
  if (space == "aten") {
    out_ << "torch.";
  } else {
    out_ << "ops." << space << ".";
  }
  out_ << full.substr(colons + 2) << "(";
  VESTA_RETURN_IF_ERROR(arguments(node, 0, &schema, 0, needed_arguments(node)));
  out_ << ")";
  return absl::OkStatus();
}

}  // namespace vesta::frontend
