#include "tests/differential/program_text.h"

#include <unordered_map>

#include <ATen/core/class_type.h>

#include "absl/strings/str_cat.h"
#include "ir/operator.h"
#include "ir/printer.h"
#include "ir/program.h"

namespace vesta::test {
namespace {

class CanonicalPrinter {
 public:
  void graph(const ir::Graph& graph) {
    absl::StrAppend(&out_, "graph(", define(graph.inputs()), ")\n");
    block(*graph.block(), 1);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string name(const ir::Value* value) {
    if (value->node()->kind() == ir::prim::Constant) {
      if (const auto* function = value->type()->castRaw<c10::FunctionType>())
        return absl::StrCat("<function ", function->function()->qualname().qualifiedName(), ">");
      const ir::AttributeValue* stored = value->node()->find(ir::attr::value);
      const auto* constant = stored != nullptr ? std::get_if<c10::IValue>(stored) : nullptr;
      return constant != nullptr ? ir::print_constant(*constant) : "None";
    }
    auto it = numbers_.find(value);
    return it != numbers_.end() ? absl::StrCat("%", it->second) : "%?";
  }
  std::string names(const std::vector<ir::Value*>& values) {
    std::string text;
    for (const ir::Value* value : values) absl::StrAppend(&text, text.empty() ? "" : ", ", name(value));
    return text;
  }
  std::string define(const std::vector<ir::Value*>& values) {
    std::string text;
    for (const ir::Value* value : values) {
      numbers_.emplace(value, numbers_.size());
      absl::StrAppend(&text, text.empty() ? "" : ", ", name(value), " : ", ir::print(*value->type()));
    }
    return text;
  }
  void line(int depth, const std::string& text) {
    out_.append(static_cast<size_t>(depth) * 2, ' ');
    absl::StrAppend(&out_, text, "\n");
  }
  void block(const ir::Block& block, int depth) {
    for (const ir::Node* node : block.nodes()) {
      if (node->kind() == ir::prim::Constant) continue;
      const std::string inputs = names(node->inputs());
      std::string attributes;
      for (const auto& [key, value] : node->attributes()) {
        if (key == ir::attr::Subgraph) continue;
        if (const auto* text = std::get_if<std::string>(&value)) absl::StrAppend(&attributes, *text);
        if (const auto* types = std::get_if<std::vector<c10::TypePtr>>(&value)) {
          for (const c10::TypePtr& type : *types) absl::StrAppend(&attributes, ir::print(*type), " ");
        }
      }
      std::string op = node->kind().toQualString();
      if (node->op() != nullptr) absl::StrAppend(&op, ".", node->op()->schema.overload_name());
      const std::string outputs = define(node->outputs());
      line(depth, absl::StrCat(outputs, " = ", op, "[", attributes, "](", inputs, ")"));
      for (const ir::Block* inner : node->blocks()) {
        line(depth, absl::StrCat("block(", define(inner->inputs()), ")"));
        this->block(*inner, depth + 1);
      }
      if (const ir::AttributeValue* subgraph = node->find(ir::attr::Subgraph)) {
        CanonicalPrinter inner;
        inner.graph(*std::get<std::shared_ptr<ir::Graph>>(*subgraph));
        out_ += inner.take();
      }
    }
    line(depth, absl::StrCat("-> (", names(block.outputs()), ")"));
  }

  std::string out_;
  std::unordered_map<const ir::Value*, size_t> numbers_;
};

std::string class_text(const c10::ClassType& type) {
  std::string text = type.is_module() ? "module\n" : "class\n";
  for (size_t i = 0; i < type.numAttributes(); ++i) {
    absl::StrAppend(&text, type.getAttributeName(i), " : ", ir::print(*type.getAttribute(i)),
                    type.is_module() && type.is_parameter(i) ? " parameter" : "",
                    type.is_module() && type.is_buffer(i) ? " buffer" : "", "\n");
  }
  for (size_t i = 0; i < type.numConstants(); ++i)
    absl::StrAppend(&text, type.getConstantName(i), " = ", ir::print_constant(type.getConstant(i)), "\n");
  for (const auto* hook : type.getForwardPreHooks()) absl::StrAppend(&text, "pre-hook ", hook->name(), "\n");
  for (const auto* hook : type.getForwardHooks()) absl::StrAppend(&text, "hook ", hook->name(), "\n");
  return text;
}

}  // namespace

std::map<std::string, std::string> program_text(const Module& module) {
  std::map<std::string, std::string> texts;
  const c10::ClassTypePtr type = module.type();
  if (type->methods().empty()) return texts;
  const ir::Program& program = *ir::Function::from(type->methods().front())->program();
  for (const auto& function : program.functions()) {
    if (function->graph() == nullptr) continue;
    CanonicalPrinter printer;
    printer.graph(*function->graph());
    std::ostringstream schema;
    schema << function->schema();
    texts[function->qualname().qualifiedName()] = absl::StrCat(schema.str(), "\n", printer.take());
  }
  for (const c10::NamedTypePtr& named : program.types()) {
    if (const auto* object = named->castRaw<c10::ClassType>())
      texts["class " + named->name()->qualifiedName()] = class_text(*object);
    else
      texts["type " + named->name()->qualifiedName()] = named->str();
  }
  return texts;
}

std::string program_difference(const Module& reference, const Module& other) {
  const std::map<std::string, std::string> a = program_text(reference), b = program_text(other);
  std::string difference;
  for (const auto& [name, text] : a) {
    const auto found = b.find(name);
    if (found == b.end()) {
      absl::StrAppend(&difference, "missing: ", name, "\n");
    } else if (found->second != text) {
      absl::StrAppend(&difference, "=== ", name, "\n", text, "--- is now\n", found->second);
    }
  }
  return difference;
}

}  // namespace vesta::test
