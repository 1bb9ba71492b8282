// Layer norms by a kernel of our own: a primitive of oneDNN allocates a dozen times in each call. Sums of rows.

#include <algorithm>

#include <ATen/Parallel.h>

#include "absl/strings/str_cat.h"
#include "runtime/plan/compiler_context.h"
#include "runtime/plan/panel_kernels.h"
#include "runtime/plan/parallel.h"

namespace vesta::runtime::plan {
namespace {

constexpr int64_t kParallelWork = int64_t{1} << 15;  // Elements that are worth a thread.

// Rows that are taken in parts, each by one thread.
struct Parts {
  Parts(int64_t rows, int64_t size)
      : rows(rows),
        count(std::clamp<int64_t>(rows * size / kParallelWork, 1, std::min<int64_t>(at::get_num_threads(), rows))) {}

  int64_t first(int64_t part) const { return rows * part / count; }

  int64_t rows, count;
};

// Inputs: rows, scale, shift.
class NormStep : public Kernel {
 public:
  explicit NormStep(const RowNorm& norm) : norm_(norm), parts_(norm.rows, norm.size) {}

  bool run(const float* const* inputs, float* const* outputs) const override {
    for_each_part(parts_.count, [&](int64_t part) {
      RowNorm norm = norm_;
      const int64_t first = parts_.first(part);
      norm.rows = parts_.first(part + 1) - first;
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
  Parts parts_;
  const PanelKernels& kernels_ = panel_kernels();
};

class SumStep : public Kernel {
 public:
  explicit SumStep(const RowSums& sums) : sums_(sums), parts_(sums.rows, sums.size) {}

  bool run(const float* const* inputs, float* const* outputs) const override {
    for_each_part(parts_.count, [&](int64_t part) {
      RowSums sums = sums_;
      const int64_t first = parts_.first(part);
      sums.rows = parts_.first(part + 1) - first;
      sums.in = inputs[0] + first * sums.size;
      sums.out = outputs[0] + first;
      kernels_.sum_rows(sums);
    });
    return true;
  }

 private:
  RowSums sums_;
  Parts parts_;
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
  std::vector<BufferPart> inputs = {in_layout(step.inputs[0], plain(output.dims)).part,
                                    in_layout(step.inputs[1], plain({size})).part,
                                    in_layout(step.inputs[2], plain({size})).part};
  emit(absl::StrCat("layer_norm ", norm.rows, "x", size), std::make_unique<NormStep>(norm), std::move(inputs),
       {new_location(step.outputs[0], plain(output.dims)).part});
  return absl::OkStatus();
}

absl::Status Compiler::sum(const Step& step, const SumParams& params) {
  const PlanTensor& input = tensor(step.inputs[0]);
  const PlanTensor& output = tensor(step.outputs[0]);
  RowSums sums{};
  sums.rows = output.numel();
  sums.size = input.dims.back();
  sums.factor = params.factor;
  std::vector<BufferPart> inputs = {in_layout(step.inputs[0], plain(input.dims)).part};
  emit(absl::StrCat("sum ", sums.rows, "x", sums.size), std::make_unique<SumStep>(sums), std::move(inputs),
       {new_location(step.outputs[0], plain(output.dims)).part});
  return absl::OkStatus();
}

}  // namespace vesta::runtime::plan
