// One walk over the blocks. Subgraphs are numbered in the order in which they are met and printed behind
// the graph ("with prim::fork_0 = graph(...)"), as they may be long.

#include "ir/printer.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/enum_type.h>
#include <c10/core/ScalarType.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace vesta::ir {
namespace {

std::string quoted(const std::string& text) { return absl::StrCat("\"", absl::CHexEscape(text), "\""); }

std::string print_double(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value).ptr;
  std::string text(buffer, end);
  if (text.find_first_of(".e") == std::string::npos) text += ".";
  return text;
}

std::string print_tensor(const at::Tensor& tensor) {
  if (!tensor.defined()) return "<Tensor undefined>";
  std::vector<std::string> sizes;
  for (const int64_t size : tensor.sizes()) sizes.push_back(absl::StrCat(size));
  std::string shape;
  for (size_t i = 0; i < sizes.size(); ++i) absl::StrAppend(&shape, i ? ", " : "", sizes[i]);
  return absl::StrCat("<Tensor ", c10::toString(tensor.scalar_type()), "[", shape, "]>");
}

template <class Range, class Print>
std::string joined(const Range& range, const char* open, const char* close, Print print_one) {
  std::string text = open;
  bool first = true;
  for (const auto& item : range) {
    absl::StrAppend(&text, first ? "" : ", ", print_one(item));
    first = false;
  }
  return text + close;
}

class Printer {
 public:
  explicit Printer(const PrintOptions& options) : options_(options) {}

  void graph(const Graph& graph) {
    out_ += "graph(";
    for (size_t i = 0; i < graph.inputs().size(); ++i) {
      if (i > 0) out_ += ",\n      ";
      declare(graph.inputs()[i]);
    }
    out_ += "):\n";
    block(*graph.block(), 1);
    absl::StrAppend(&out_, "  return (", names(graph.outputs()), ")\n");
    // subgraphs_ may grow while it is walked: subgraphs hold subgraphs.
    for (; printed_subgraphs_ < subgraphs_.size();) {
      const auto [name, subgraph] = subgraphs_[printed_subgraphs_++];
      absl::StrAppend(&out_, "with ", name, " = ");
      this->graph(*subgraph);
    }
  }

  void node(const Node& node, int depth) {
    indent(depth);
    for (size_t i = 0; i < node.outputs().size(); ++i) {
      if (i > 0) out_ += ", ";
      declare(node.outputs()[i]);
    }
    absl::StrAppend(&out_, " = ", kind(node), attributes(node), "(", names(node.inputs()), ")");
    if (options_.ranges && node.range().known()) absl::StrAppend(&out_, " # ", node.range().short_description());
    out_ += "\n";
    for (size_t i = 0; i < node.blocks().size(); ++i) {
      const Block& inner = *node.blocks()[i];
      indent(depth + 1);
      absl::StrAppend(&out_, "block", i, "(");
      for (size_t j = 0; j < inner.inputs().size(); ++j) {
        if (j > 0) out_ += ", ";
        declare(inner.inputs()[j]);
      }
      out_ += "):\n";
      block(inner, depth + 2);
      indent(depth + 2);
      absl::StrAppend(&out_, "-> (", names(inner.outputs()), ")\n");
    }
  }

  std::string take() { return std::move(out_); }

 private:
  void indent(int depth) { out_.append(static_cast<size_t>(depth) * 2, ' '); }
  void declare(const Value* value) { absl::StrAppend(&out_, "%", value->name(), " : ", print(*value->type())); }
  static std::string names(const std::vector<Value*>& values) {
    return joined(values, "", "", [](const Value* value) { return "%" + value->name(); });
  }
  void block(const Block& block, int depth) {
    for (const Node* inner : block.nodes()) node(*inner, depth);
  }

  // "aten::add", and "prim::fork_0" for a node with a subgraph.
  std::string kind(const Node& node) {
    const AttributeValue* attribute = node.find(attr::Subgraph);
    // Broken graphs are printed too: to say that they are.
    const auto* subgraph = attribute == nullptr ? nullptr : std::get_if<std::shared_ptr<Graph>>(attribute);
    if (subgraph == nullptr) return node.kind().toQualString();
    std::string name = absl::StrCat(node.kind().toQualString(), "_", subgraphs_.size());
    subgraphs_.emplace_back(name, subgraph->get());
    return name;
  }

  static std::string attributes(const Node& node) {
    std::string text;
    for (const auto& [name, value] : node.attributes()) {
      if (name == attr::Subgraph && std::holds_alternative<std::shared_ptr<Graph>>(value)) continue;
      absl::StrAppend(&text, text.empty() ? "[" : ", ", name.toUnqualString(), "=",
                      std::visit(PrintAttribute{}, value));
    }
    return text.empty() ? text : text + "]";
  }

  struct PrintAttribute {
    std::string operator()(int64_t value) const { return absl::StrCat(value); }
    std::string operator()(double value) const { return print_double(value); }
    std::string operator()(const std::string& value) const { return quoted(value); }
    std::string operator()(const std::vector<int64_t>& values) const {
      return joined(values, "[", "]", [](int64_t v) { return absl::StrCat(v); });
    }
    std::string operator()(const std::vector<std::string>& values) const { return joined(values, "[", "]", quoted); }
    std::string operator()(const c10::TypePtr& type) const { return print(*type); }
    std::string operator()(const std::vector<c10::TypePtr>& types) const {
      return joined(types, "[", "]", [](const c10::TypePtr& type) { return print(*type); });
    }
    std::string operator()(const c10::IValue& value) const { return print_constant(value); }
    std::string operator()(const std::shared_ptr<Graph>&) const { return "<Graph>"; }
  };

  const PrintOptions& options_;
  std::string out_;
  std::vector<std::pair<std::string, const Graph*>> subgraphs_;
  size_t printed_subgraphs_ = 0;
};

}  // namespace

std::string print_constant(const c10::IValue& value) {
  if (value.isNone()) return "None";
  if (value.isInt()) return absl::StrCat(value.toInt());
  if (value.isBool()) return value.toBool() ? "True" : "False";
  if (value.isDouble()) return print_double(value.toDouble());
  if (value.isString()) return quoted(value.toStringRef());
  if (value.isDevice()) return quoted(value.toDevice().str());
  if (value.isTensor()) return print_tensor(value.toTensor());
  if (value.isComplexDouble()) {
    const c10::complex<double> number = value.toComplexDouble();
    return absl::StrCat("(", print_double(number.real()), ", ", print_double(number.imag()), "j)");
  }
  if (value.isList()) return joined(value.toListRef(), "[", "]", print_constant);
  if (value.isTuple()) return joined(value.toTupleRef().elements(), "(", ")", print_constant);
  if (value.isEnum())
    return absl::StrCat(value.toEnumHolder()->qualifiedClassName(), ".", value.toEnumHolder()->name());
  if (value.isGenericDict()) {
    std::string text;
    for (const auto& entry : value.toGenericDict()) {
      absl::StrAppend(&text, text.empty() ? "" : ", ", print_constant(entry.key()), ": ",
                      print_constant(entry.value()));
    }
    return absl::StrCat("{", text, "}");
  }
  return absl::StrCat("<", print(*value.type()), ">");
}

namespace {

bool holds_union(const c10::Type& type) {
  if (type.kind() == c10::TypeKind::UnionType) return true;
  if (type.kind() == c10::TypeKind::ClassType) return false;
  const auto parts = type.containedTypes();
  return std::any_of(parts.begin(), parts.end(), [](const c10::TypePtr& part) { return holds_union(*part); });
}

}  // namespace

// As c10 has it, but for unions: it forgets a comma, or writes one too many, where all kinds of numbers are members.
std::string print(const c10::Type& type) {
  if (holds_union(type)) {
    const auto inner = [](const c10::TypePtr& part) { return print(*part); };
    const auto parts = type.containedTypes();
    if (type.kind() == c10::TypeKind::UnionType) return joined(parts, "Union(", ")", inner);
    if (type.kind() == c10::TypeKind::DictType) return joined(parts, "Dict(", ")", inner);
    if (type.kind() == c10::TypeKind::ListType) return print(*parts[0]) + "[]";
    if (const auto* optional = type.castRaw<c10::OptionalType>()) return print(*optional->getElementType()) + "?";
    const auto* tuple = type.castRaw<c10::TupleType>();
    if (tuple != nullptr && tuple->schema() == nullptr) return joined(parts, "(", ")", inner);
  }
  std::ostringstream out;
  out << type;
  return out.str();
}

std::string print(const Graph& graph, const PrintOptions& options) {
  Printer printer(options);
  printer.graph(graph);
  return printer.take();
}

std::string print(const Node& node, const PrintOptions& options) {
  Printer printer(options);
  printer.node(node, 0);
  return printer.take();
}

}  // namespace vesta::ir
