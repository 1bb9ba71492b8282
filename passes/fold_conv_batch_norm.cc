// A batch norm outside of training is y = (x - mean) * scale + shift for each channel, with scale = weight /
// sqrt(variance + eps). Behind a convolution whose weights are constants it goes into them: W * scale, and
// (b - mean) * scale + shift. The scale is computed in double; results differ from those of two steps by rounding.

#include <optional>

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

// Arguments 1 and 2 are weight and bias. `transposed` and `groups`: where these arguments are, -1 for none.
struct ConvolutionRow {
  std::string_view name;
  bool transposed;
  int groups;
};
constexpr ConvolutionRow kConvolutions[] = {
    {"aten::conv1d", false, 6},          {"aten::conv2d", false, 6},          {"aten::conv3d", false, 6},
    {"aten::conv_transpose1d", true, 6}, {"aten::conv_transpose2d", true, 6}, {"aten::conv_transpose3d", true, 6},
    {"aten::_convolution", false, 8},
};

const ConvolutionRow* convolution_row(const Node& node) {
  if (node.op() == nullptr) return nullptr;
  for (const ConvolutionRow& row : kConvolutions) {
    if (node.op()->schema.name() == row.name) return &row;
  }
  return nullptr;
}

// What plans take they scale when they pack the weights (runtime/plan/rewrites.cc): done here, they would be in memory
// once more.
bool is_left_to_plans(const Node& convolution, const at::Tensor& weight, const PassContext& context) {
  return !context.leaves_out("group_planned_nodes") && weight.scalar_type() == c10::kFloat && weight.is_cpu() &&
         !convolution.has(unplanned_mark());
}

bool is_float(const at::Tensor& tensor) {
  return tensor.scalar_type() == c10::kFloat || tensor.scalar_type() == c10::kDouble;
}

// A constant tensor of one element a channel, or None.
bool is_per_channel(const Value* value, const at::Tensor& weight, int64_t channels, bool may_be_none) {
  const IValue* constant = constant_of(value);
  if (constant == nullptr) return false;
  if (constant->isNone()) return may_be_none;
  const std::optional<at::Tensor> tensor = constant_tensor(value);
  return tensor.has_value() && tensor->dim() == 1 && tensor->numel() == channels &&
         tensor->scalar_type() == weight.scalar_type() && tensor->device() == weight.device();
}

class Folder {
 public:
  Folder(Graph& graph, const PassContext& context) : context_(context), aliases_(graph) {}

  bool fold(Node* norm) const {
    if (norm->kind() != c10::aten::batch_norm || norm->op() == nullptr || !is_constant(norm->input(5), false)) {
      return false;
    }
    Node* convolution = norm->input(0)->node();
    const ConvolutionRow* row = convolution_row(*convolution);
    if (row == nullptr || norm->input(0)->uses().size() != 1) return false;
    const std::optional<size_t> dim = channel_dim(*convolution, *row);
    const std::optional<at::Tensor> weight = constant_tensor(convolution->input(1));
    if (!dim.has_value() || !weight.has_value() || weight->dim() < 3 || !is_float(*weight)) return false;
    if (is_left_to_plans(*convolution, *weight, context_)) return false;
    const int64_t channels = weight->size(static_cast<int64_t>(*dim));
    if (!is_per_channel(convolution->input(2), *weight, channels, true)) return false;
    for (size_t i = 1; i <= 4; ++i) {
      if (!is_per_channel(norm->input(i), *weight, channels, i <= 2)) return false;
    }
    for (const Value* value : {convolution->input(1), convolution->input(2), norm->input(1), norm->input(2),
                               norm->input(3), norm->input(4)}) {
      if (aliases_.has_writers(value)) return false;
    }
    const IValue* epsilon = constant_of(norm->input(7));
    return epsilon != nullptr && epsilon->isDouble() && rewrite(norm, convolution, *weight, *dim);
  }

 private:
  // Which dimension of the weight is the output's channels.
  static std::optional<size_t> channel_dim(const Node& convolution, const ConvolutionRow& row) {
    bool transposed = row.transposed;
    if (row.name == "aten::_convolution") {
      transposed = is_constant(convolution.input(6), true);
      if (!transposed && !is_constant(convolution.input(6), false)) return std::nullopt;
    }
    if (!transposed) return 0;
    const IValue* groups = constant_of(convolution.input(static_cast<size_t>(row.groups)));
    if (groups == nullptr || !groups->isInt() || groups->toInt() != 1) return std::nullopt;
    return 1;
  }

  bool rewrite(Node* norm, Node* convolution, const at::Tensor& weight, size_t dim) const {
    Calculator calculator(context_);
    const auto value = [](const Value* constant) { return *constant_of(constant); };
    const auto wide = [&](const IValue& tensor) {
      return calculator.call("aten::to", "dtype", {tensor, static_cast<int64_t>(c10::kDouble)});
    };
    const auto narrow = [&](const IValue& tensor) {
      return calculator.call("aten::to", "dtype", {tensor, static_cast<int64_t>(weight.scalar_type())});
    };
    IValue scale =
        calculator.call("aten::add", "Scalar", {wide(value(norm->input(4))), value(norm->input(7)), int64_t{1}});
    scale = calculator.call("aten::rsqrt", "", {scale});
    if (!value(norm->input(1)).isNone()) {
      scale = calculator.call("aten::mul", "Tensor", {scale, wide(value(norm->input(1)))});
    }
    IValue shift = calculator.call("aten::neg", "", {wide(value(norm->input(3)))});
    if (!value(convolution->input(2)).isNone()) {
      shift = calculator.call("aten::add", "Tensor", {shift, wide(value(convolution->input(2))), int64_t{1}});
    }
    shift = calculator.call("aten::mul", "Tensor", {shift, scale});
    if (!value(norm->input(2)).isNone()) {
      shift = calculator.call("aten::add", "Tensor", {shift, wide(value(norm->input(2))), int64_t{1}});
    }
    std::vector<int64_t> shape(static_cast<size_t>(weight.dim()), 1);
    shape[dim] = -1;
    const IValue factors = calculator.call("aten::reshape", "", {narrow(scale), IValue(shape)});
    IValue folded = calculator.call("aten::mul", "Tensor", {IValue(weight), factors});
    IValue bias = narrow(shift);
    if (!calculator.ok()) return false;
    convolution->replace_input(1, constant_before(convolution, std::move(folded), c10::TensorType::get()));
    convolution->replace_input(2, constant_before(convolution, std::move(bias), c10::TensorType::get()));
    norm->output()->replace_all_uses_with(convolution->output());
    norm->destroy();
    return true;
  }

  const PassContext& context_;
  const AliasAnalysis aliases_;
};

}  // namespace

absl::StatusOr<bool> fold_conv_batch_norm(Graph& graph, PassContext& context) {
  if (context.uses_autocast) return false;
  const Folder folder(graph, context);
  bool changed = false;
  for_each_node(graph.block(), [&](Node* node) { changed = folder.fold(node) || changed; });
  return changed;
}

}  // namespace vesta::passes
