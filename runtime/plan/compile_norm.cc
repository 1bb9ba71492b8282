// Layer norms by a kernel of our own: a primitive of oneDNN allocates a dozen times in each call.

#include <algorithm>

#include <ATen/Parallel.h>

#include "absl/strings/str_cat.h"
#include "runtime/plan/compiler_context.h"
#include "runtime/plan/panel_kernels.h"
#include "runtime/plan/parallel.h"

namespace vesta::runtime::plan {
namespace {

constexpr int64_t kParallelWork = int64_t{1} << 15;  // Elements that are worth a thread.

// Inputs: rows, scale, shift.
class NormStep : public Kernel {
 public:
  // The rows are taken in `parts`, each by one thread.
  NormStep(const RowNorm& norm, int64_t parts) : norm_(norm), parts_(parts) {}

  bool run(const float* const* inputs, float* const* outputs) const override {
    for_each_part(parts_, [&](int64_t part) {
      RowNorm norm = norm_;
      const int64_t first = norm_.rows * part / parts_;
      norm.rows = norm_.rows * (part + 1) / parts_ - first;
      norm.in = inputs[0] + first * norm.size;
      norm.scale = inputs[1];
      norm.shift = inputs[2];
      norm.out = outputs[0] + first * norm.size;
      kernels_.normalize(norm);
    });
    return true;
  }

 private:
  RowNorm norm_;
  int64_t parts_;
  const PanelKernels& kernels_ = panel_kernels();
};

}  // namespace

absl::Status Compiler::layer_norm(const Step& step, const LayerNormParams& params) {
  const PlanTensor& output = tensor(step.outputs[0]);
  const int64_t size = output.dims.back();
  RowNorm norm{};
  norm.rows = output.numel() / size;
  norm.size = size;
  norm.epsilon = params.epsilon;
  const int64_t parts =
      std::clamp<int64_t>(output.numel() / kParallelWork, 1, std::min<int64_t>(at::get_num_threads(), norm.rows));
  std::vector<BufferPart> inputs = {in_layout(step.inputs[0], plain(output.dims)).part,
                                    in_layout(step.inputs[1], plain({size})).part,
                                    in_layout(step.inputs[2], plain({size})).part};
  emit(absl::StrCat("layer_norm ", norm.rows, "x", size), std::make_unique<NormStep>(norm, parts), std::move(inputs),
       {new_location(step.outputs[0], plain(output.dims)).part});
  return absl::OkStatus();
}

}  // namespace vesta::runtime::plan
