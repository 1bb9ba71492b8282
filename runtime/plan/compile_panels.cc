// Products of a few rows with constant weights, by kernels of our own: where the work is so little that a primitive of
// oneDNN takes longer to begin than to end.

#include <algorithm>

#include <ATen/EmptyTensor.h>
#include <ATen/Parallel.h>

#include "absl/strings/str_cat.h"
#include "runtime/plan/compiler_context.h"
#include "runtime/plan/panel_kernels.h"
#include "runtime/plan/pointwise_kernels.h"

namespace vesta::runtime::plan {
namespace {

// Weights: beyond these oneDNN's share of memory's speed, or of several threads, is the larger one.
constexpr int64_t kMostWeights = int64_t{1} << 19;
constexpr int64_t kMostWeightsOfThreads = int64_t{1} << 17;

// Inputs: rows, packed weights, the bias where there is one, what post-ops read.
class PanelStep : public Kernel {
 public:
  PanelStep(const PanelProduct& product, bool has_bias, const std::vector<PostOp>& post_ops)
      : product_(product), has_bias_(has_bias) {
    for (const PostOp& post : post_ops) {
      const int arity = point_op_arity(post.op);
      // The result itself, and behind it one tensor or numbers.
      const size_t numbers = post.input >= 0 || arity == 1 ? 0 : arity == 2 ? 2 : 6;
      After after;
      after.loop = point_loops()[static_cast<size_t>(post.op) * kPointVariants + numbers];
      after.input = post.input;
      after.numbers[0] = post.alpha;
      after.numbers[1] = post.beta;
      after_.push_back(after);
    }
  }

  bool run(const float* const* inputs, float* const* outputs) const override {
    PanelProduct product = product_;
    product.a = inputs[0];
    product.panels = inputs[1];
    product.bias = has_bias_ ? inputs[2] : nullptr;
    product.out = outputs[0];
    kernel_(product);
    for (const After& after : after_) {
      const float* const second = after.input >= 0 ? inputs[after.input] : &after.numbers[0];
      const float* const args[3] = {product.out, second, &after.numbers[1]};
      after.loop(args, product.out, product.rows * product.columns);
    }
    return true;
  }

 private:
  struct After {
    PointLoop loop;
    int32_t input;
    float numbers[2];
  };
  PanelProduct product_;
  bool has_bias_;
  PanelKernel kernel_ = panel_kernel();
  std::vector<After> after_;
};

}  // namespace

bool Compiler::takes_panels(const Step& step, const MatmulParams& params) const {
  const PlanTensor& b = tensor(step.inputs[1]);
  if (!params.rows || !b.is_constant() || b.dims.size() != 2) return false;
  const int64_t rows = tensor(step.outputs[0]).numel() / b.dims[1];
  const int64_t most = at::get_num_threads() == 1 ? kMostWeights : kMostWeightsOfThreads;
  return rows <= panel_rows() && b.numel() <= most;
}

absl::Status Compiler::panel_product(const Step& step, const MatmulParams& params) {
  const at::Tensor& weight = tensor(step.inputs[1]).constant;
  const PlanTensor& output = tensor(step.outputs[0]);
  const int64_t depth = weight.size(0);
  const int64_t columns = weight.size(1);
  const int64_t packed_size = depth * padded_columns(columns);
  const at::Tensor panels = constants_.get(
      "panels", {weight},
      [&] {
        const at::Tensor made(at::detail::empty_cpu({packed_size}, at::kFloat));
        pack_panels(weight.const_data_ptr<float>(), depth, columns, weight.stride(0), weight.stride(1),
                    made.mutable_data_ptr<float>());
        return made;
      },
      DerivedConstants::Form{at::kFloat, {packed_size}});
  std::vector<BufferPart> inputs = {in_layout(step.inputs[0], plain(tensor(step.inputs[0]).dims)).part,
                                    constant_location(panels).part};
  if (params.has_bias) inputs.push_back(in_layout(step.inputs[2], plain({columns})).part);
  // Of the others those that post-ops read, under their own numbers.
  for (size_t i = inputs.size(); i < step.inputs.size(); ++i)
    inputs.push_back(in_layout(step.inputs[i], plain(tensor(step.inputs[i]).dims)).part);
  PanelProduct product{};
  product.rows = output.numel() / columns;
  product.depth = depth;
  product.columns = columns;
  product.a_stride = depth;
  const BufferPart result = new_location(step.outputs[0], plain(output.dims)).part;
  emit(absl::StrCat("panels ", product.rows, "x", depth, "x", columns, " + ", step.post_ops.size()),
       std::make_unique<PanelStep>(product, params.has_bias, step.post_ops), std::move(inputs), {result});
  return absl::OkStatus();
}

}  // namespace vesta::runtime::plan
