#include "tracer/retarget.h"

#include <functional>

#include "absl/strings/str_cat.h"
#include "ir/operator.h"
#include "ir/printer.h"
#include "tracer/constants.h"
#include "tracer/generalize.h"

namespace vesta::tracer {
namespace {

class Retargeter {
 public:
  Retargeter(ir::Graph& graph, const at::Tensor& anchor, Findings& findings)
      : graph_(graph), anchor_(anchor), findings_(findings) {}

  void block(ir::Block* block) {
    for (ir::Node* node : block->nodes()) {
      for (ir::Block* inner : node->blocks()) this->block(inner);
      if (node->op() == nullptr) continue;
      const auto& arguments = node->op()->schema.arguments();
      for (size_t i = 0; i < arguments.size() && i < node->inputs().size(); ++i) {
        const c10::IValue* value = constant_of(node->input(i));
        if (value == nullptr) continue;
        if (arguments[i].name() == "device" && value->isDevice()) device(node, i, value->toDevice());
        if (arguments[i].name() == "dtype" && value->isInt()) dtype(node, i, value->toScalarType());
      }
    }
  }

 private:
  void device(ir::Node* node, size_t i, c10::Device device) {
    if (anchor_.defined() && anchor_.device() == device) {
      node->replace_input(i, ask("prim::device", node));
    } else {
      findings_.add(FindingKind::kDeviceBaked,
                    absl::StrCat("'", node->kind().toQualString(), "' names the device '", device.str(), "'"),
                    scope_of(*node));
    }
  }
  void dtype(ir::Node* node, size_t i, c10::ScalarType dtype) {
    if (!c10::isFloatingType(dtype)) return;
    if (anchor_.defined() && anchor_.scalar_type() == dtype) {
      node->replace_input(i, ask("prim::dtype", node));
    } else {
      findings_.add(FindingKind::kDtypeBaked,
                    absl::StrCat("'", node->kind().toQualString(), "' names the dtype ", c10::toString(dtype)),
                    scope_of(*node));
    }
  }

  ir::Value* ask(const char* question, ir::Node* before) {
    if (constant_ == nullptr) {
      ir::Node* node = graph_.create_constant(c10::IValue(anchor_), c10::TensorType::get());
      graph_.block()->prepend(node);
      constant_ = node->output();
    }
    ir::Node* node = graph_.create(c10::Symbol::fromQualString(question), {constant_});
    node->set_op(ir::OperatorCatalog::standard().find(question, ""));
    node->output()->set_type(node->op()->schema.returns()[0].type());
    node->insert_before(before);
    return node->output();
  }

  ir::Graph& graph_;
  const at::Tensor& anchor_;
  Findings& findings_;
  ir::Value* constant_ = nullptr;
};

}  // namespace

void retarget(ir::Graph& graph, const at::Tensor& anchor, Findings& findings) {
  Retargeter(graph, anchor, findings).block(graph.block());
}

}  // namespace vesta::tracer
