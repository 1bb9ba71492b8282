// Plain names come from one table, generic ones (`List[...]`) from another whose rows build the type out
// of its arguments. c10 throws on what it does not allow (a Dict keyed by lists, a Union of nothing): the
// builders check first.

#include "frontend/types.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "frontend/parser.h"
#include "ir/support/status.h"
#include "ir/support/suggestion.h"
#include "ir/type_cycles.h"
#include "ir/type_parts.h"

namespace vesta::frontend {
namespace {

using support::SourceRange;

const std::unordered_map<std::string, c10::TypePtr>& plain_types() {
  static const auto* const types = new std::unordered_map<std::string, c10::TypePtr>{
      {"Tensor", c10::TensorType::get()},
      {"torch.Tensor", c10::TensorType::get()},
      {"torch.nn.Parameter", c10::TensorType::get()},
      {"int", c10::IntType::get()},
      {"float", c10::FloatType::get()},
      {"bool", c10::BoolType::get()},
      {"complex", c10::ComplexType::get()},
      {"str", c10::StringType::get()},
      {"number", c10::NumberType::get()},
      {"Scalar", c10::NumberType::get()},
      {"None", c10::NoneType::get()},
      {"NoneType", c10::NoneType::get()},
      {"Any", c10::AnyType::get()},
      {"AnyType", c10::AnyType::get()},
      {"typing.Any", c10::AnyType::get()},
      {"object", c10::AnyType::get()},
      {"Device", c10::DeviceObjType::get()},
      {"device", c10::DeviceObjType::get()},
      {"torch.device", c10::DeviceObjType::get()},
      {"torch.Device", c10::DeviceObjType::get()},
      {"Stream", c10::StreamObjType::get()},
      {"torch.Stream", c10::StreamObjType::get()},
      {"Generator", c10::GeneratorType::get()},
      {"torch.Generator", c10::GeneratorType::get()},
      {"Storage", c10::StorageType::get()},
      {"QScheme", c10::IntType::get()},
      {"torch.dtype", c10::IntType::get()},
      {"torch.layout", c10::IntType::get()},
      {"torch.memory_format", c10::IntType::get()},
      {"torch.qscheme", c10::IntType::get()},
      {"ScalarType", c10::IntType::get()},
      {"Layout", c10::IntType::get()},
      {"MemoryFormat", c10::IntType::get()},
      {"torch.Size", c10::ListType::ofInts()},
      {"Capsule", c10::CapsuleType::get()},
      {"AnyListType", c10::AnyListType::get()},
      {"AnyTupleType", c10::AnyTupleType::get()},
      {"AnyEnumType", c10::AnyEnumType::get()},
      {"AnyClassType", c10::AnyClassType::get()},
  };
  return *types;
}

// Null with `why` set where the arguments do not fit.
using Builder = c10::TypePtr (*)(const std::vector<c10::TypePtr>& arguments, std::string& why);

c10::TypePtr one_argument(const std::vector<c10::TypePtr>& arguments, std::string& why,
                          c10::TypePtr (*make)(const c10::TypePtr&)) {
  if (arguments.size() == 1) return make(arguments[0]);
  why = absl::StrCat("takes one type, got ", arguments.size());
  return nullptr;
}

c10::TypePtr make_list(const std::vector<c10::TypePtr>& arguments, std::string& why) {
  return one_argument(arguments, why, [](const c10::TypePtr& t) -> c10::TypePtr { return c10::ListType::create(t); });
}
c10::TypePtr make_optional_type(const std::vector<c10::TypePtr>& arguments, std::string& why) {
  return one_argument(arguments, why, [](const c10::TypePtr& t) -> c10::TypePtr {
    if (t->kind() == c10::TypeKind::NoneType || t->kind() == c10::TypeKind::OptionalType) return t;
    return c10::OptionalType::create(t);
  });
}
c10::TypePtr make_future(const std::vector<c10::TypePtr>& arguments, std::string& why) {
  return one_argument(arguments, why, [](const c10::TypePtr& t) -> c10::TypePtr { return c10::FutureType::create(t); });
}
c10::TypePtr make_await(const std::vector<c10::TypePtr>& arguments, std::string& why) {
  return one_argument(arguments, why, [](const c10::TypePtr& t) -> c10::TypePtr { return c10::AwaitType::create(t); });
}
c10::TypePtr make_final(const std::vector<c10::TypePtr>& arguments, std::string& why) {
  return one_argument(arguments, why, [](const c10::TypePtr& t) -> c10::TypePtr { return t; });
}
c10::TypePtr make_tuple(const std::vector<c10::TypePtr>& arguments, std::string&) {
  return c10::TupleType::create(arguments);
}
c10::TypePtr make_dict(const std::vector<c10::TypePtr>& arguments, std::string& why) {
  if (arguments.size() != 2) {
    why = absl::StrCat("takes a key type and a value type, got ", arguments.size(), " types");
    return nullptr;
  }
  if (!is_dict_key(*arguments[0])) {
    why = absl::StrCat("takes int, bool, float, complex, str, Tensor or device as key, got ", type_text(*arguments[0]));
    return nullptr;
  }
  return c10::DictType::create(arguments[0], arguments[1]);
}
c10::TypePtr make_union(const std::vector<c10::TypePtr>& arguments, std::string& why) {
  std::vector<c10::TypePtr> distinct;
  for (const c10::TypePtr& type : arguments) {
    if (type->kind() == c10::TypeKind::AnyType) return type;  // It holds the others: c10 knows no union with it.
    const bool known =
        std::any_of(distinct.begin(), distinct.end(), [&](const auto& other) { return *other == *type; });
    if (!known) distinct.push_back(type);
  }
  if (distinct.empty()) {
    why = "takes at least one type";
    return nullptr;
  }
  if (distinct.size() == 1) return distinct[0];
  if (distinct.size() == 2) {
    for (size_t i = 0; i < 2; ++i) {
      if (distinct[i]->kind() == c10::TypeKind::NoneType) return make_optional_type({distinct[1 - i]}, why);
    }
  }
  return c10::UnionType::create(std::move(distinct));
}

struct Generic {
  Builder build;
  const char* name;
};

const std::unordered_map<std::string, Generic>& generic_types() {
  static const auto* const types = new std::unordered_map<std::string, Generic>{
      {"List", {make_list, "List"}},
      {"list", {make_list, "List"}},
      {"Dict", {make_dict, "Dict"}},
      {"dict", {make_dict, "Dict"}},
      {"Tuple", {make_tuple, "Tuple"}},
      {"tuple", {make_tuple, "Tuple"}},
      {"Optional", {make_optional_type, "Optional"}},
      {"Union", {make_union, "Union"}},
      {"Future", {make_future, "Future"}},
      {"torch.jit.Future", {make_future, "Future"}},
      {"Await", {make_await, "Await"}},
      {"torch.jit._Await", {make_await, "Await"}},
      {"Final", {make_final, "Final"}},
      {"torch.jit.Final", {make_final, "Final"}},
      {"ClassVar", {make_final, "ClassVar"}},
  };
  return *types;
}

std::string without_typing(std::string name) {
  if (name.starts_with("typing.") && name != "typing.Any") return name.substr(7);
  return name;
}

class Reader {
 public:
  explicit Reader(const TypeScope& scope) : scope_(scope) {}

  absl::StatusOr<c10::TypePtr> read(const Expr& expr, int64_t depth) {
    if (depth > scope_.limits.type_depth) {
      return support::error_at(absl::StatusCode::kResourceExhausted, place(expr),
                               absl::StrCat("a type nests deeper than the limit of ", scope_.limits.type_depth));
    }
    if (expr.kind == ExprKind::kNoneLiteral) return c10::NoneType::get();
    if (const auto* text = as<StringLiteral>(&expr)) return read_quoted(*text, depth);
    if (const auto* subscript = as<Subscript>(&expr)) return read_generic(*subscript, depth);
    if (const auto* binary = as<Binary>(&expr); binary != nullptr && binary->op == BinaryOp::kBitOr) {
      return read_alternatives(*binary, depth);
    }
    const std::string name = without_typing(dotted_name(expr));
    if (!name.empty()) return read_name(name, expr);
    return error(expr, absl::StrCat("expected a type, got ", describe(expr.kind)));
  }

 private:
  SourceRange place(const Expr& expr) const { return scope_.original ? scope_.original(expr.range) : expr.range; }
  absl::Status error(const Expr& expr, std::string_view message) const {
    return support::error_at(place(expr), message);
  }

  absl::StatusOr<c10::TypePtr> read_name(const std::string& name, const Expr& expr) {
    auto plain = plain_types().find(name);
    if (plain != plain_types().end()) return plain->second;
    if (scope_.find) {
      VESTA_ASSIGN_OR_RETURN(c10::TypePtr found, scope_.find(name));
      if (found != nullptr) return found;
    }
    auto generic = generic_types().find(name);
    if (generic != generic_types().end()) {
      return error(expr, absl::StrCat("'", name, "' needs its argument types, such as '", name,
                                      generic->second.build == make_dict ? "[str, Tensor]'" : "[int]'"));
    }
    std::vector<std::string> known;
    for (const auto& [type, unused] : plain_types()) known.push_back(type);
    for (const auto& [type, unused] : generic_types()) known.push_back(type);
    return error(expr, absl::StrCat("unknown type '", name, "'", support::did_you_mean(name, known)));
  }

  absl::StatusOr<c10::TypePtr> read_quoted(const StringLiteral& text, int64_t depth) {
    auto source = std::make_shared<support::Source>();
    source->text = text.value;
    source->filename = "annotation";
    VESTA_ASSIGN_OR_RETURN(ParsedExpr parsed, parse_expression(source, {StringEscapes::kPython, scope_.limits}));
    return read(*parsed.expr, depth + 1);
  }

  // `A | B | C` leans to the left.
  absl::StatusOr<c10::TypePtr> read_alternatives(const Binary& binary, int64_t depth) {
    std::vector<c10::TypePtr> types;
    const Expr* rest = &binary;
    std::vector<const Expr*> parts;
    while (const auto* pair = as<Binary>(rest)) {
      if (pair->op != BinaryOp::kBitOr) break;
      parts.push_back(pair->right);
      rest = pair->left;
    }
    parts.push_back(rest);
    std::reverse(parts.begin(), parts.end());
    for (const Expr* part : parts) {
      VESTA_ASSIGN_OR_RETURN(c10::TypePtr type, read(*part, depth + 1));
      types.push_back(std::move(type));
    }
    std::string why;
    return make_union(types, why);
  }

  absl::StatusOr<c10::TypePtr> read_generic(const Subscript& subscript, int64_t depth) {
    const std::string name = without_typing(dotted_name(*subscript.value));
    if (name == "RRef" || name.ends_with(".RRef")) {
      return support::error_at(absl::StatusCode::kUnimplemented, place(subscript),
                               "'RRef' needs torch.distributed.rpc, which a program run here does not have");
    }
    auto generic = generic_types().find(name);
    if (generic == generic_types().end()) {
      return error(*subscript.value,
                   name.empty() ? std::string("expected a type") : absl::StrCat("unknown generic type '", name, "'"));
    }
    std::vector<const Expr*> arguments;
    if (const auto* tuple = as<Tuple>(subscript.index)) {
      arguments = tuple->elements;
    } else {
      arguments.push_back(subscript.index);
    }
    std::vector<c10::TypePtr> types;
    for (const Expr* argument : arguments) {
      VESTA_ASSIGN_OR_RETURN(c10::TypePtr type, read(*argument, depth + 1));
      types.push_back(std::move(type));
    }
    std::string why;
    c10::TypePtr type = generic->second.build(types, why);
    if (type == nullptr) return error(subscript, absl::StrCat("'", generic->second.name, "' ", why));
    return type;
  }

  const TypeScope& scope_;
};

}  // namespace

bool is_dict_key(const c10::Type& type) {
  switch (type.kind()) {
    case c10::TypeKind::AnyType:
    case c10::TypeKind::IntType:
    case c10::TypeKind::BoolType:
    case c10::TypeKind::FloatType:
    case c10::TypeKind::ComplexType:
    case c10::TypeKind::StringType:
    case c10::TypeKind::TensorType:
    case c10::TypeKind::DeviceObjType:
      return true;
    default:
      return false;
  }
}

absl::StatusOr<c10::TypePtr> annotation_type(const Expr& annotation, const TypeScope& scope) {
  VESTA_ASSIGN_OR_RETURN(c10::TypePtr type, Reader(scope).read(annotation, 0));
  VESTA_RETURN_IF_ERROR(check_type_size(*type, scope.original ? scope.original(annotation.range) : annotation.range));
  return type;
}

absl::Status check_type_size(const c10::Type& type, const SourceRange& range) {
  if (!ir::is_too_large(type)) return absl::OkStatus();
  return support::error_at(
      absl::StatusCode::kResourceExhausted, range,
      absl::StrCat("this type has more than ", ir::kMostTypeParts,
                   " parts, with those of its parts counted each time; use a class, which is one"));
}

absl::Status check_no_cycle(const c10::Type& attribute, const c10::ClassType& owner, std::string_view name,
                            const SourceRange& range) {
  if (!ir::leads_to(attribute, owner)) return absl::OkStatus();
  const std::string own = type_text(owner);
  return support::error_at(
      range, absl::StrCat("attribute '", std::string(name), "' of '", own, "' has type '", type_text(attribute),
                          "', which holds '", own,
                          "' again; a class cannot: keep such objects in a list, and their indices here"));
}

bool is_final_annotation(const Expr& annotation) {
  const auto* subscript = as<Subscript>(&annotation);
  const std::string name = without_typing(dotted_name(subscript != nullptr ? *subscript->value : annotation));
  return name == "Final" || name == "torch.jit.Final";
}

std::string written_name(const c10::QualifiedName& name) {
  return std::string(absl::StripPrefix(name.qualifiedName(), "__torch__."));
}

std::string type_text(const c10::Type& type) {
  return type.annotation_str([](const c10::Type& part) -> std::optional<std::string> {
    if (part.kind() == c10::TypeKind::UnionType) {
      std::vector<std::string> members;
      for (const c10::TypePtr& member : part.containedTypes()) members.push_back(type_text(*member));
      return absl::StrCat("Union[", absl::StrJoin(members, ", "), "]");
    }
    const auto* named = dynamic_cast<const c10::NamedType*>(&part);
    if (named == nullptr || !named->name().has_value()) return std::nullopt;
    const std::string name = written_name(*named->name());
    return part.kind() == c10::TypeKind::FunctionType ? absl::StrCat("function ", name) : name;
  });
}

c10::TypePtr unwrap_optional(const c10::TypePtr& type) {
  if (type->kind() == c10::TypeKind::OptionalType) return type->castRaw<c10::OptionalType>()->getElementType();
  return type;
}

}  // namespace vesta::frontend
