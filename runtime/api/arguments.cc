// Conversion is a table of functions by kind of type: each looks at the value's tag and either leaves it, replaces it,
// or says what it found. Tensors, which nearly all arguments are, are answered before the table is asked.

#include "runtime/api/arguments.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/core/class_type.h>
#include <ATen/core/enum_type.h>
#include <ATen/core/jit_type.h>
#include <vesta/value.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ir/printer.h"
#include "ir/value_type.h"

namespace vesta::internal {
namespace {

std::string got(const c10::IValue& value) { return absl::StrCat("got ", vesta::type_name(value)); }

// Empty where `why` is: an error found inside gets the place put behind it.
std::string at_place(std::string why, std::string_view kind, const std::string& place) {
  if (why.empty()) return why;
  return absl::StrCat(why, " in ", absl::string_view(kind.data(), kind.size()), " ", place);
}

std::string convert_float(c10::IValue& value, const c10::TypePtr&) {
  if (value.isDouble()) return {};
  if (!value.isInt()) return got(value);
  value = static_cast<double>(value.toInt());
  return {};
}

std::string convert_complex(c10::IValue& value, const c10::TypePtr&) {
  if (value.isComplexDouble()) return {};
  if (value.isInt()) {
    value = c10::complex<double>(static_cast<double>(value.toInt()), 0);
  } else if (value.isDouble()) {
    value = c10::complex<double>(value.toDouble(), 0);
  } else {
    return got(value);
  }
  return {};
}

std::string convert_number(c10::IValue& value, const c10::TypePtr&) {
  return value.isInt() || value.isDouble() || value.isComplexDouble() ? "" : got(value);
}

std::string convert_list(c10::IValue& value, const c10::TypePtr& type) {
  const c10::TypePtr element = type->containedType(0);
  if (value.isList()) {
    const c10::TypePtr have = ir::type_of(value);
    if (have->containedType(0)->isSubtypeOf(*element) && element->isSubtypeOf(*have->containedType(0))) return {};
  }
  std::optional<std::vector<c10::IValue>> items = elements(value);
  if (!items.has_value()) return got(value);
  c10::impl::GenericList list(element);
  list.reserve(items->size());
  for (size_t i = 0; i < items->size(); ++i) {
    std::string why = convert((*items)[i], element);
    if (!why.empty()) return at_place(std::move(why), "element", absl::StrCat(i));
    list.push_back(std::move((*items)[i]));
  }
  value = std::move(list);
  return {};
}

std::string convert_dict(c10::IValue& value, const c10::TypePtr& type) {
  if (!value.isGenericDict()) return got(value);
  const c10::TypePtr key_type = type->containedType(0);
  const c10::TypePtr value_type = type->containedType(1);
  const c10::impl::GenericDict dict = value.toGenericDict();
  if (*dict.keyType() == *key_type && *dict.valueType() == *value_type) return {};
  c10::impl::GenericDict converted(key_type, value_type);
  converted.reserve(dict.size());
  for (const auto& entry : dict) {
    c10::IValue key = entry.key();
    c10::IValue item = entry.value();
    const std::string place = ir::print_constant(key);
    std::string why = at_place(convert(key, key_type), "key", place);
    if (why.empty()) why = at_place(convert(item, value_type), "the value of key", place);
    if (!why.empty()) return why;
    converted.insert_or_assign(std::move(key), std::move(item));
  }
  value = std::move(converted);
  return {};
}

// A NamedTuple's field names; empty for a plain tuple.
std::vector<std::string> field_names(const c10::TupleType& type) {
  std::vector<std::string> names;
  if (type.schema() == nullptr) return names;
  for (const c10::Argument& argument : type.schema()->arguments()) names.push_back(argument.name());
  return names;
}

std::string convert_tuple(c10::IValue& value, const c10::TypePtr& type) {
  if (!value.isTuple()) return got(value);
  const auto expected = type->expect<c10::TupleType>();
  const auto& elements_of = expected->elements();
  const c10::ivalue::Tuple& tuple = value.toTupleRef();
  if (tuple.size() != elements_of.size()) return absl::StrCat(got(value), " of ", tuple.size(), " elements");
  const c10::TypePtr have = ir::type_of(value);
  const std::vector<std::string> names = field_names(*have->expect<c10::TupleType>());
  const std::vector<std::string> wanted = field_names(*expected);
  if (!names.empty() && !wanted.empty() && names != wanted) {
    return absl::StrCat(got(value), " with the fields ", absl::StrJoin(names, ", "));
  }
  if (have->isSubtypeOf(*expected)) return {};
  std::vector<c10::IValue> items(tuple.elements().begin(), tuple.elements().end());
  for (size_t i = 0; i < items.size(); ++i) {
    std::string why = convert(items[i], elements_of[i]);
    if (!why.empty()) return at_place(std::move(why), "element", absl::StrCat(i));
  }
  value = wanted.empty() ? c10::ivalue::Tuple::create(std::move(items))
                         : c10::ivalue::Tuple::createNamed(std::move(items), expected);
  return {};
}

std::string convert_union(c10::IValue& value, const c10::TypePtr& type) {
  const c10::TypePtr have = ir::type_of(value);
  if (value.isNone() && have->isSubtypeOf(*type)) return {};
  const auto members = type->containedTypes();  // Of an Optional: the element alone.
  for (const c10::TypePtr& member : members) {
    if (have->isSubtypeOf(*member)) return {};
  }
  std::string why;
  for (const c10::TypePtr& member : members) {
    if (member->kind() == c10::TypeKind::NoneType) continue;
    c10::IValue candidate = value;
    why = convert(candidate, member);
    if (why.empty()) {
      value = std::move(candidate);
      return {};
    }
  }
  // With one alternative besides None, what is wrong with it is worth telling.
  const auto nones = std::count_if(members.begin(), members.end(), [](const c10::TypePtr& member) {
    return member->kind() == c10::TypeKind::NoneType;
  });
  return static_cast<std::ptrdiff_t>(members.size()) - nones == 1 && !why.empty() ? why : got(value);
}

std::string convert_class(c10::IValue& value, const c10::TypePtr& type) {
  if (!value.isObject()) return got(value);
  const c10::TypePtr have = ir::type_of(value);
  if (have->isSubtypeOf(*type)) return {};
  const bool same_name = have->annotation_str() == type->annotation_str();
  return absl::StrCat(got(value), same_name ? " of another program" : "");
}

std::string convert_exactly(c10::IValue& value, const c10::TypePtr& type) {
  return ir::type_of(value)->isSubtypeOf(*type) ? "" : got(value);
}

using Converter = std::string (*)(c10::IValue&, const c10::TypePtr&);

Converter converter_for(c10::TypeKind kind) {
  switch (kind) {
    case c10::TypeKind::FloatType:
      return convert_float;
    case c10::TypeKind::ComplexType:
      return convert_complex;
    case c10::TypeKind::NumberType:
      return convert_number;
    case c10::TypeKind::ListType:
      return convert_list;
    case c10::TypeKind::DictType:
      return convert_dict;
    case c10::TypeKind::TupleType:
      return convert_tuple;
    case c10::TypeKind::OptionalType:
    case c10::TypeKind::UnionType:
      return convert_union;
    case c10::TypeKind::ClassType:
    case c10::TypeKind::InterfaceType:
      return convert_class;
    default:
      return convert_exactly;
  }
}

std::string one_line(const std::string& name, const std::string& problem) {
  return absl::StrCat("'", name, "' ", problem);
}

// Collects what is wrong with one call.
class Binder {
 public:
  Binder(const c10::FunctionSchema& schema, size_t bound) : schema_(schema), bound_(bound) {}

  absl::StatusOr<std::vector<c10::IValue>> bind(std::vector<c10::IValue> args, const Kwargs& kwargs) {
    const size_t wanted = schema_.arguments().size() - bound_;
    const size_t positional = std::min(args.size(), positional_limit());
    if (args.size() > positional) {
      problem(absl::StrCat("takes ", positional, positional == 1 ? " positional argument" : " positional arguments",
                           ", got ", args.size()));
      args.resize(positional);
    }
    if (!kwargs.empty()) check_names(args.size(), kwargs);
    args.reserve(wanted);
    for (size_t i = 0; i < wanted; ++i) {
      const c10::Argument& argument = schema_.arguments()[i + bound_];
      if (i >= positional && !fill(argument, kwargs, args)) continue;
      const std::string why = convert(args[i], argument.type());
      if (!why.empty()) {
        problem(absl::StrCat("takes ", annotation(argument.type()), " for argument '", argument.name(), "', ", why));
      }
    }
    if (problems_.empty()) return args;
    return absl::InvalidArgumentError(absl::StrCat(absl::StrJoin(problems_, "\n"), "\n  ", signature(schema_, bound_)));
  }

 private:
  void problem(const std::string& text) { problems_.push_back(one_line(schema_.name(), text)); }

  size_t positional_limit() const {
    size_t count = 0;
    for (size_t i = bound_; i < schema_.arguments().size(); ++i) count += schema_.arguments()[i].kwarg_only() ? 0 : 1;
    return count;
  }

  void check_names(size_t positional, const Kwargs& kwargs) {
    for (size_t k = 0; k < kwargs.size(); ++k) {
      const std::string& name = kwargs[k].first;
      const auto same = [&](const auto& other) { return other.first == name; };
      if (std::find_if(kwargs.begin(), kwargs.begin() + static_cast<std::ptrdiff_t>(k), same) !=
          kwargs.begin() + static_cast<std::ptrdiff_t>(k)) {
        problem(absl::StrCat("got argument '", name, "' twice"));
        continue;
      }
      size_t index = bound_;
      while (index < schema_.arguments().size() && schema_.arguments()[index].name() != name) ++index;
      if (index == schema_.arguments().size()) {
        problem(absl::StrCat("has no argument '", name, "'"));
      } else if (index - bound_ < positional) {
        problem(absl::StrCat("got argument '", name, "' twice: by position and by name"));
      }
    }
  }

  // Appends the value of an argument that was not given by position. False where there is none.
  bool fill(const c10::Argument& argument, const Kwargs& kwargs, std::vector<c10::IValue>& args) {
    const auto it =
        std::find_if(kwargs.begin(), kwargs.end(), [&](const auto& entry) { return entry.first == argument.name(); });
    if (it != kwargs.end()) {
      args.push_back(it->second);
      return true;
    }
    if (argument.default_value().has_value()) {
      args.push_back(*argument.default_value());
      return false;
    }
    problem(absl::StrCat("needs argument '", argument.name(), "' (", annotation(argument.type()), ")"));
    args.emplace_back();
    return false;
  }

  const c10::FunctionSchema& schema_;
  size_t bound_;
  std::vector<std::string> problems_;
};

}  // namespace

std::string convert(c10::IValue& value, const c10::TypePtr& type) {
  if (value.isTensor() && type->kind() == c10::TypeKind::TensorType) return {};
  if (type->kind() == c10::TypeKind::AnyType) return {};
  return converter_for(type->kind())(value, type);
}

absl::StatusOr<std::vector<c10::IValue>> bind_arguments(const c10::FunctionSchema& schema, size_t bound,
                                                        std::vector<c10::IValue> args, const Kwargs& kwargs) {
  return Binder(schema, bound).bind(std::move(args), kwargs);
}

std::string annotation(const c10::TypePtr& type) { return type->annotation_str(); }

std::string signature(const c10::FunctionSchema& schema, size_t bound) {
  std::vector<std::string> parts;
  bool keyword_only = false;
  for (size_t i = bound; i < schema.arguments().size(); ++i) {
    const c10::Argument& argument = schema.arguments()[i];
    if (argument.kwarg_only() && !keyword_only) {
      keyword_only = true;
      parts.push_back("*");
    }
    std::string part = absl::StrCat(argument.name(), ": ", annotation(argument.type()));
    if (argument.default_value().has_value()) {
      const c10::IValue& value = *argument.default_value();
      absl::StrAppend(&part, "=", value.isNone() ? "None" : ir::print_constant(value));
    }
    parts.push_back(std::move(part));
  }
  std::vector<std::string> results;
  for (const c10::Argument& result : schema.returns()) results.push_back(annotation(result.type()));
  const std::string result = results.size() == 1 ? results[0] : absl::StrCat("(", absl::StrJoin(results, ", "), ")");
  return absl::StrCat(schema.name(), "(", absl::StrJoin(parts, ", "), ") -> ", result);
}

}  // namespace vesta::internal
