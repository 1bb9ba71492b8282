// Types and functions are printed in the order in which they are named; printing names more.

#include "frontend/source_printer.h"

#include <algorithm>
#include <array>

#include <ATen/core/enum_type.h>

#include "absl/strings/str_cat.h"
#include "frontend/function_printer.h"
#include "ir/support/status.h"

namespace vesta::frontend {
namespace {

// The lowest version that torch writes.
constexpr int64_t kLowestWritten = 3;

// Operators whose meaning has changed, and the first version that has today's.
// Source: torch 2.11's table of operator versions; a test compares.
struct ChangedOperator {
  std::string_view name;
  int64_t since;
};
constexpr std::array kChanged = {ChangedOperator{"aten::div", 4},      ChangedOperator{"aten::div_", 4},
                                 ChangedOperator{"aten::full", 5},     ChangedOperator{"aten::linspace", 8},
                                 ChangedOperator{"aten::logspace", 9}, ChangedOperator{"aten::gelu", 10}};

std::pair<std::string, std::string> split_name(const std::string& qualified) {
  const size_t dot = qualified.rfind('.');
  return {qualified.substr(0, dot), qualified.substr(dot + 1)};
}

std::string name_list(const std::vector<std::string>& names) {
  std::string text = "[";
  for (const std::string& name : names) absl::StrAppend(&text, string_literal(name), ", ");
  return text + "]";
}

std::vector<std::string> function_names(const std::vector<torch::jit::Function*>& functions) {
  std::vector<std::string> names;
  for (const torch::jit::Function* function : functions) names.push_back(function->name());
  return names;
}

}  // namespace

SourceText& SourcePrinter::text_of(const std::string& qualifier) {
  for (PrintedSource& source : sources_) {
    if (source.qualifier == qualifier) return source.source;
  }
  sources_.push_back({qualifier, {}});
  return sources_.back().source;
}

absl::StatusOr<std::vector<PrintedSource>> SourcePrinter::print() {
  size_t next_type = 0;
  size_t next_function = 0;
  while (next_type < names_.types().size() || next_function < names_.functions().size()) {
    SourceText text;
    std::string qualifier;
    if (next_type < names_.types().size()) {
      const c10::NamedTypePtr type = names_.types()[next_type++];
      if (is_registered_class(*type)) continue;
      qualifier = split_name(names_.of(type)).first;
      VESTA_RETURN_IF_ERROR(print_type(type, text));
    } else {
      const ir::Function& function = *names_.functions()[next_function++];
      const auto [prefix, name] = split_name(names_.of(const_cast<ir::Function&>(function)));
      qualifier = prefix;
      VESTA_RETURN_IF_ERROR(print_function(function, name, false, 0, text));
    }
    text_of(qualifier).append(text);
  }
  return std::move(sources_);
}

absl::Status SourcePrinter::print_function(const ir::Function& function, std::string_view name, bool is_method,
                                           int depth, SourceText& out) {
  FunctionPrinter printer(names_, constants_, operators_, out);
  VESTA_RETURN_IF_ERROR(printer.print(function, name, is_method, depth));
  if (names_.function_value() == nullptr) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat("'", function.name(), "' cannot be written as source: '",
                                               names_.function_value()->name(),
                                               "' is a value in it, and functions have no type that source can name"));
}

absl::Status SourcePrinter::print_type(const c10::NamedTypePtr& type, SourceText& out) {
  switch (type->kind()) {
    case c10::TypeKind::ClassType:
      return print_class(type->expectRef<c10::ClassType>(), out);
    case c10::TypeKind::TupleType:
      return print_named_tuple(type->expectRef<c10::TupleType>(), out);
    case c10::TypeKind::EnumType:
      return print_enum(type->expectRef<c10::EnumType>(), out);
    case c10::TypeKind::InterfaceType:
      return print_interface(type->expectRef<c10::InterfaceType>(), out);
    default:
      return absl::UnimplementedError(absl::StrCat("type '", type->annotation_str(), "' cannot be written as source"));
  }
}

absl::Status SourcePrinter::print_class(const c10::ClassType& type, SourceText& out) {
  const std::string name = split_name(names_.of(named_type(type))).second;
  out << "class " << name << (type.is_module() ? "(Module):\n" : ":\n");
  const size_t head = out.text().size();
  if (type.is_module()) {
    std::vector<std::string> parameters, buffers;
    for (size_t i = 0; i < type.numAttributes(); ++i) {
      if (type.is_parameter(i)) parameters.push_back(type.getAttributeName(i));
      if (type.is_buffer(i)) buffers.push_back(type.getAttributeName(i));
    }
    out << "  __parameters__ = " << name_list(parameters) << "\n";
    out << "  __buffers__ = " << name_list(buffers) << "\n";
    const std::vector<std::string> pre_hooks = function_names(type.getForwardPreHooks());
    const std::vector<std::string> hooks = function_names(type.getForwardHooks());
    if (!pre_hooks.empty()) out << "  __forward_pre_hooks__ = " << name_list(pre_hooks) << "\n";
    if (!hooks.empty()) out << "  __forward_hooks__ = " << name_list(hooks) << "\n";
  }
  for (size_t i = 0; i < type.numAttributes(); ++i) {
    const std::string& attribute = type.getAttributeName(i);
    const std::string annotation = names_.annotation(*type.getAttribute(i));
    if (is_plain_name(attribute)) {
      out << "  " << attribute << " : " << annotation << "\n";
    } else {
      out << "  __annotations__[" << string_literal(attribute) << "] = " << annotation << "\n";
    }
  }
  for (size_t i = 0; i < type.numConstants(); ++i) {
    const c10::IValue value = type.getConstant(i);
    out << "  " << type.getConstantName(i) << " : Final[" << names_.annotation(*value.type())
        << "] = " << literal(value, nullptr, names_, constants_) << "\n";
  }
  for (torch::jit::Function* method : type.methods())
    VESTA_RETURN_IF_ERROR(print_function(*ir::Function::from(method), method->name(), true, 1, out));
  std::vector<std::string> printed;
  for (const auto* functions : {&type.getForwardHooks(), &type.getForwardPreHooks()}) {
    for (torch::jit::Function* hook : *functions) {
      if (std::find(printed.begin(), printed.end(), hook->name()) != printed.end()) continue;
      printed.push_back(hook->name());
      VESTA_RETURN_IF_ERROR(print_function(*ir::Function::from(hook), hook->name(), true, 1, out));
    }
  }
  if (out.text().size() == head) out << "  pass\n";
  return absl::OkStatus();
}

absl::Status SourcePrinter::print_named_tuple(const c10::TupleType& type, SourceText& out) {
  const std::string name = split_name(names_.of(named_type(type))).second;
  out << "class " << name << "(NamedTuple):\n";
  for (const c10::Argument& field : type.schema()->arguments()) {
    const std::string annotation = names_.annotation(*field.type());
    if (!is_plain_name(field.name())) {
      out << "  __annotations__[" << string_literal(field.name()) << "] = " << annotation << "\n";
      continue;
    }
    out << "  " << field.name() << " : " << annotation;
    if (field.default_value().has_value()) out << " = " << literal(*field.default_value(), nullptr, names_, constants_);
    out << "\n";
  }
  if (type.schema()->arguments().empty()) out << "  pass\n";
  return absl::OkStatus();
}

absl::Status SourcePrinter::print_enum(const c10::EnumType& type, SourceText& out) {
  out << "class " << split_name(names_.of(named_type(type))).second << "(Enum):\n";
  for (const auto& [member, value] : type.enumNamesValues())
    out << "  " << member << " = " << literal(value, nullptr, names_, constants_) << "\n";
  return absl::OkStatus();
}

absl::Status SourcePrinter::print_interface(const c10::InterfaceType& type, SourceText& out) {
  const std::string full = names_.of(named_type(type));
  out << "class " << split_name(full).second << (type.is_module() ? "(ModuleInterface):\n" : "(Interface):\n");
  for (const c10::FunctionSchema& method : type.methods()) {
    FunctionPrinter printer(names_, constants_, operators_, out);
    VESTA_RETURN_IF_ERROR(printer.print_declaration(method, full, 1));
  }
  if (type.methods().empty()) out << "  pass\n";
  return absl::OkStatus();
}

int64_t SourcePrinter::version() const {
  int64_t version = kLowestWritten;
  for (const auto& [op, calls] : operators_) {
    if (op->is_builtin()) continue;  // Numbers divide as ever.
    for (const ChangedOperator& changed : kChanged) {
      if (op->schema.name() == changed.name) version = std::max(version, changed.since);
    }
  }
  return version;
}

}  // namespace vesta::frontend
