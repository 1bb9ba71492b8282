// Convolutions of 3 x 3 taps by kernels of our own with fewer multiplications than oneDNN's direct ones.

#include <algorithm>

#include <ATen/Parallel.h>

#include "absl/strings/str_cat.h"
#include "runtime/plan/compiler_context.h"
#include "runtime/plan/file_pages.h"
#include "runtime/plan/panel_kernels.h"
#include "runtime/plan/parallel.h"
#include "runtime/plan/post_ops.h"

namespace vesta::runtime::plan {
namespace {

// At once: their windows and what the products make of them stay in the cache.
constexpr int64_t kTilesAtOnce = 32;

// Inputs: images, weights, the bias where there is one, what post-ops read. Outputs: the result, room for each part.
class WinogradStep : public Kernel {
 public:
  // Of the rows of tiles, `rows_at_once`, in `parts` that each are done by one thread.
  WinogradStep(const WinogradConvolution& convolution, int64_t rows, int64_t rows_at_once, int64_t parts, bool has_bias,
               const std::vector<PostOp>& post_ops)
      : convolution_(convolution),
        rows_(rows),
        rows_at_once_(rows_at_once),
        parts_(parts),
        has_bias_(has_bias),
        post_ops_(post_ops) {}

  bool run(const float* const* inputs, float* const* outputs) const override {
    for_each_part(parts_, [&](int64_t part) { work(inputs, outputs, part); });
    return true;
  }

 private:
  void work(const float* const* inputs, float* const* outputs, int64_t part) const {
    WinogradConvolution convolution = convolution_;
    convolution.in = inputs[0];
    convolution.weights = inputs[1];
    convolution.bias = has_bias_ ? inputs[2] : nullptr;
    convolution.out = outputs[0];
    convolution.room = outputs[1 + part];
    const int64_t end = rows_ * (part + 1) / parts_;
    for (int64_t row = rows_ * part / parts_; row < end; row += rows_at_once_) {
      convolution.first = row;
      convolution.last = std::min(row + rows_at_once_, end);
      kernels_.convolve(convolution);
      const int64_t first = first_result(convolution.first);
      post_ops_.apply(inputs, outputs[0], first, first_result(convolution.last) - first);
    }
  }

  // Of this row of tiles: rows lie one behind the other, through all images.
  int64_t first_result(int64_t row) const {
    const int64_t down = winograd_tiles(convolution_.out_height);
    const int64_t line = row / down * convolution_.out_height + row % down * kWinogradTile;
    return line * convolution_.out_width * convolution_.results;
  }

  WinogradConvolution convolution_;
  int64_t rows_, rows_at_once_, parts_;
  bool has_bias_;
  PostOps post_ops_;
  const PanelKernels& kernels_ = panel_kernels();
};

}  // namespace

bool Compiler::takes_winograd(const Step& step, const ConvParams& params) const {
  const Dims& weight = tensor(step.inputs[1]).dims;
  const Dims& out = tensor(step.outputs[0]).dims;
  if (!panels_take_all() || params.transposed || params.groups != 1 || weight.size() != 4) return false;
  if (weight[2] != 3 || weight[3] != 3 || !all_are(params.stride, 1) || !all_are(params.dilation, 1)) return false;
  if (weight[0] % kPanelUnit != 0 || weight[1] % kPanelUnit != 0) return false;
  // Measured with AVX2 only. Transformed weights are four times as large as the others: where there are more, or few
  // tiles, reading them takes what the multiplications save, and the module more memory than torch::jit.
  constexpr int64_t kMostWeights = 128 * 256;
  constexpr int64_t kFewTiles = 9;
  if (weight[0] * weight[1] > kMostWeights) return false;
  const int64_t tiles = out[0] * winograd_tiles(out[2]) * winograd_tiles(out[3]);
  return std::max(tiles, kFewTiles) * kWinogradPlaces * 3 / 2 < out[0] * out[2] * out[3] * 9;
}

absl::Status Compiler::winograd(const Step& step, const ConvParams& params) {
  const PlanTensor& held = tensor(step.inputs[1]);
  const Dims& in = tensor(step.inputs[0]).dims;
  const Dims& out = tensor(step.outputs[0]).dims;
  const int64_t size = kWinogradPlaces * in[1] * out[1];
  const at::Tensor weights = constants_.get(
      "winograd", held.sources(),
      [&] {
        const at::Tensor taps = held.constant.contiguous();
        const at::Tensor made = constants_.new_bytes(size * static_cast<int64_t>(sizeof(float))).view(at::kFloat);
        panel_kernels().transform_taps(taps.const_data_ptr<float>(),
                                       held.scale.defined() ? held.scale.const_data_ptr<float>() : nullptr, out[1],
                                       in[1], made.mutable_data_ptr<float>());
        leave_to_file(held.constant);
        return made;
      },
      DerivedConstants::Form{at::kFloat, {size}});
  std::vector<BufferPart> inputs = channels_last_inputs(step, params, weights);
  WinogradConvolution convolution{};
  convolution.height = in[2];
  convolution.width = in[3];
  convolution.channels = in[1];
  convolution.out_height = out[2];
  convolution.out_width = out[3];
  convolution.results = out[1];
  convolution.above = params.padding_before[0];
  convolution.left = params.padding_before[1];
  const int64_t rows = out[0] * winograd_tiles(out[2]);
  const int64_t across = winograd_tiles(out[3]);
  const int64_t parts = std::min<int64_t>(at::get_num_threads(), rows);
  const int64_t rows_at_once = std::clamp<int64_t>(kTilesAtOnce / across, 1, (rows + parts - 1) / parts);
  const int64_t room = winograd_room(rows_at_once * across, in[1], out[1]);
  std::vector<BufferPart> outputs = {new_location(step.outputs[0], channels_together(out)).part};
  for (int64_t part = 0; part < parts; ++part) {
    outputs.push_back({new_buffer(Buffer::Kind::kArena, -1, static_cast<size_t>(room) * sizeof(float)), 0});
  }
  emit(absl::StrCat("winograd ", out[0], "x", out[2], "x", out[3], " ", in[1], " -> ", out[1], " + ",
                    step.post_ops.size()),
       std::make_unique<WinogradStep>(convolution, rows, rows_at_once, parts, params.has_bias, step.post_ops),
       std::move(inputs), std::move(outputs));
  return absl::OkStatus();
}

}  // namespace vesta::runtime::plan
