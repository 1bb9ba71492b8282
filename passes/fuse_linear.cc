// matmul(x, M) + b, with a constant matrix M and a constant vector b as long as M's rows, is linear(x, M.t(), b): one
// operator that adds the bias while it multiplies. It stands where the product stood, and fails where that failed.

#include "passes/alias_analysis.h"
#include "passes/calculator.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace vesta::passes {
namespace {

using c10::IValue;
using ir::Graph;
using ir::Node;
using ir::Value;

class Fuser {
 public:
  Fuser(Graph& graph, const PassContext& context) : graph_(graph), context_(context), aliases_(graph) {}

  bool fuse(Node* add) const {
    if (add->kind() != c10::aten::add || add->op() == nullptr || add->op()->schema.overload_name() != "Tensor") {
      return false;
    }
    const IValue* alpha = constant_of(add->input(2));
    if (alpha == nullptr || !alpha->isInt() || alpha->toInt() != 1) return false;
    return fuse(add, add->input(0), add->input(1)) || fuse(add, add->input(1), add->input(0));
  }

 private:
  bool fuse(Node* add, Value* product, const Value* addend) const {
    Node* matmul = product->node();
    if (matmul->kind() != c10::aten::matmul || matmul->op() == nullptr || product->uses().size() != 1) return false;
    const std::optional<at::Tensor> matrix = constant_tensor(matmul->input(1));
    const std::optional<at::Tensor> bias = constant_tensor(addend);
    if (!matrix.has_value() || !bias.has_value() || matrix->dim() != 2 || bias->dim() != 1) return false;
    const bool fits = bias->size(0) == matrix->size(1) && bias->scalar_type() == matrix->scalar_type() &&
                      bias->device() == matrix->device() && c10::isFloatingType(matrix->scalar_type());
    if (!fits || aliases_.has_writers(matmul->input(1)) || aliases_.has_writers(addend)) return false;
    const ir::Operator* linear = operator_named("aten::linear");
    Calculator calculator(context_);
    IValue weight = calculator.call("aten::t", "", {IValue(*matrix)});
    if (!calculator.ok() || linear == nullptr) return false;
    Value* weight_constant = constant_before(matmul, std::move(weight), c10::TensorType::get());
    Value* bias_constant = constant_before(matmul, IValue(*bias), c10::TensorType::get());
    Node* fused = graph_.create(c10::aten::linear, {matmul->input(0), weight_constant, bias_constant}, 1);
    fused->set_op(linear);
    fused->set_place_of(*matmul);
    fused->insert_before(matmul);
    add->output()->replace_all_uses_with(fused->output());
    add->destroy();
    matmul->destroy();
    return true;
  }

  Graph& graph_;
  const PassContext& context_;
  const AliasAnalysis aliases_;
};

}  // namespace

absl::StatusOr<bool> fuse_linear(Graph& graph, PassContext& context) {
  if (context.uses_autocast) return false;
  const Fuser fuser(graph, context);
  bool changed = false;
  // The product stands in front of the sum: both may go.
  for_each_node(graph.block(), [&](Node* node) { changed = fuser.fuse(node) || changed; });
  return changed;
}

}  // namespace vesta::passes
