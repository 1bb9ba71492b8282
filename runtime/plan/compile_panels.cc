// Products with constant weights by kernels of our own: where the work is so little that a primitive of oneDNN takes
// longer to begin than to end, and where oneDNN has no better ones.

#include <algorithm>
#include <array>

#include <ATen/EmptyTensor.h>
#include <ATen/Parallel.h>
#include <ATen/ops/mul.h>

#include "absl/strings/str_cat.h"
#include "runtime/plan/compiler_context.h"
#include "runtime/plan/file_pages.h"
#include "runtime/plan/panel_kernels.h"
#include "runtime/plan/parallel.h"
#include "runtime/plan/post_ops.h"

namespace vesta::runtime::plan {
namespace {

// Weights: beyond these oneDNN's share of memory's speed, or of several threads, is the larger one.
constexpr int64_t kMostWeights = int64_t{1} << 19;
constexpr int64_t kMostWeightsOfThreads = int64_t{1} << 17;

constexpr int64_t kFewRows = 8;                     // Of small products.
constexpr int64_t kRowsAtOnce = 128;                // Of large ones: they and their results stay in the cache.
constexpr int64_t kSmallWork = int64_t{1} << 17;    // Multiplications: not worth waking another thread for.
constexpr int64_t kMostStrided = int64_t{1} << 17;  // Multiplications of matrices that are packed in each call.

// Inputs: rows, packed weights, the bias where there is one, what post-ops read.
class PanelStep : public Kernel {
 public:
  // The rows are taken in `parts`, each by one thread.
  PanelStep(const PanelProduct& product, int64_t parts, bool has_bias, const std::vector<PostOp>& post_ops)
      : product_(product), parts_(parts), has_bias_(has_bias), post_ops_(post_ops) {}

  bool run(const float* const* inputs, float* const* outputs) const override {
    for_each_part(parts_, [&](int64_t part) { work(inputs, outputs, part); });
    return true;
  }

 private:
  void work(const float* const* inputs, float* const* outputs, int64_t part) const {
    PanelProduct product = product_;
    const int64_t first = start_of(part);
    product.rows = start_of(part + 1) - first;
    product.a = inputs[0] + first * product.a_stride;
    product.panels = inputs[1];
    product.bias = has_bias_ ? inputs[2] : nullptr;
    product.out = outputs[0] + first * product.out_stride;
    kernels_.product(product);
    post_ops_.apply(inputs, outputs[0], first * product.columns, product.rows * product.columns);
  }

  // Parts of many rows begin with a whole strip of them.
  int64_t start_of(int64_t part) const {
    const int64_t strip = product_.rows < 4 * kPanelRows * parts_ ? 1 : kPanelRows;
    const int64_t strips = (product_.rows + strip - 1) / strip;
    return std::min(product_.rows, strips * part / parts_ * strip);
  }

  PanelProduct product_;
  int64_t parts_;
  bool has_bias_;
  PostOps post_ops_;
  const PanelKernels& kernels_ = panel_kernels();
};

// Inputs: both operands, what post-ops read. Outputs: the result, room for one packed matrix.
class StridedPanelStep : public Kernel {
 public:
  using Batch = std::array<int64_t, 2>;  // Where the operands start.
  StridedPanelStep(const PanelProduct& product, int64_t row_stride, int64_t column_stride, std::vector<Batch> batches,
                   const std::vector<PostOp>& post_ops)
      : product_(product),
        row_stride_(row_stride),
        column_stride_(column_stride),
        batches_(std::move(batches)),
        post_ops_(post_ops) {}

  bool run(const float* const* inputs, float* const* outputs) const override {
    PanelProduct product = product_;
    product.panels = outputs[1];
    product.out = outputs[0];
    for (const auto& [a, b] : batches_) {
      kernels_.pack(inputs[1] + b, product.depth, product.columns, row_stride_, column_stride_, outputs[1]);
      product.a = inputs[0] + a;
      kernels_.product(product);
      product.out += product.rows * product.columns;
    }
    const auto count = static_cast<int64_t>(batches_.size()) * product.rows * product.columns;
    post_ops_.apply(inputs, outputs[0], 0, count);
    return true;
  }

 private:
  PanelProduct product_;
  int64_t row_stride_, column_stride_;
  std::vector<Batch> batches_;
  PostOps post_ops_;
  const PanelKernels& kernels_ = panel_kernels();
};

// A convolution over one dimension with few results: inputs are laid down by place rather than by channel, so that what
// a result reads is one row. Inputs: [batch, channels, width], packed weights, the bias where there is one, what
// post-ops read. Outputs: the result, room for one padded input and for one result by place.
class PanelConvolution : public Kernel {
 public:
  struct Shape {
    int64_t batch, channels, width, stride, padding, places;  // `places`: of the padded input.
  };
  PanelConvolution(const Shape& shape, const PanelProduct& product, bool has_bias, const std::vector<PostOp>& post_ops)
      : shape_(shape), product_(product), has_bias_(has_bias), post_ops_(post_ops) {}

  bool run(const float* const* inputs, float* const* outputs) const override {
    PanelProduct product = product_;
    product.panels = inputs[1];
    product.bias = has_bias_ ? inputs[2] : nullptr;
    const bool turns = product.rows > 1;
    const int64_t results = product.rows * product.columns;
    for (int64_t n = 0; n < shape_.batch; ++n) {
      float* const to = outputs[0] + n * results;
      product.a = by_place(inputs[0] + n * shape_.channels * shape_.width, outputs[1]);
      product.out = turns ? outputs[2] : to;
      kernels_.product(product);
      if (turns) turn(outputs[2], product.rows, product.columns, to);
    }
    post_ops_.apply(inputs, outputs[0], 0, shape_.batch * results);
    return true;
  }

 private:
  // [rows, columns] to [columns, rows].
  static void turn(const float* from, int64_t rows, int64_t columns, float* to) {
    for (int64_t c = 0; c < columns; ++c) {
      for (int64_t r = 0; r < rows; ++r) *to++ = from[r * columns + c];
    }
  }

  const float* by_place(const float* from, float* room) const {
    const auto& [batch, channels, width, stride, padding, places] = shape_;
    if (padding == 0 && (channels == 1 || width == 1)) return from;
    for (int64_t place = 0; place < places; ++place) {
      const int64_t x = place - padding;
      const bool inside = x >= 0 && x < width;
      float* const to = room + place * channels;
      for (int64_t c = 0; c < channels; ++c) to[c] = inside ? from[c * width + x] : 0;
    }
    return room;
  }

  Shape shape_;
  PanelProduct product_;
  bool has_bias_;
  PostOps post_ops_;
  const PanelKernels& kernels_ = panel_kernels();
};

bool is_small(int64_t rows, int64_t weights) {
  return rows <= kFewRows && weights <= (at::get_num_threads() == 1 ? kMostWeights : kMostWeightsOfThreads);
}

// As many for each thread.
int64_t parts_for(const PanelProduct& product) {
  const bool is_little = product.rows * product.depth * product.columns < kSmallWork;
  const int64_t threads = is_little ? 1 : std::min<int64_t>(at::get_num_threads(), product.rows);
  return (product.rows + threads * kRowsAtOnce - 1) / (threads * kRowsAtOnce) * threads;
}

}  // namespace

bool Compiler::takes_panels(const Step& step, const MatmulParams& params) const {
  const PlanTensor& b = tensor(step.inputs[1]);
  if (!params.rows || !b.is_constant() || b.dims.size() != 2) return false;
  const int64_t rows = tensor(step.outputs[0]).numel() / b.dims[1];
  return is_small(rows, b.numel()) || (panels_take_all() && rows > kFewRows);
}

bool Compiler::takes_panels(const Step& step, const ConvParams& params) const {
  const PlanTensor& weight = tensor(step.inputs[1]);
  const PlanTensor& output = tensor(step.outputs[0]);
  if (params.transposed || params.groups != 1 || weight.dims.size() != 3 || params.dilation[0] != 1) return false;
  return is_small(output.dims[0] * output.dims[2], weight.numel());
}

absl::Status Compiler::panel_convolution(const Step& step, const ConvParams& params) {
  const Dims& in = tensor(step.inputs[0]).dims;
  const Dims& out = tensor(step.outputs[0]).dims;
  const at::Tensor& weight = tensor(step.inputs[1]).constant;
  const at::Tensor& scale = tensor(step.inputs[1]).scale;
  const int64_t taps = weight.size(2);
  PanelProduct product{};
  product.rows = out[2];
  product.depth = taps * in[1];
  product.columns = out[1];
  product.a_stride = params.stride[0] * in[1];
  product.out_stride = product.columns;
  const int64_t packed_size = product.depth * padded_columns(product.columns);
  const at::Tensor panels = constants_.get(
      "panels of taps", tensor(step.inputs[1]).sources(),
      [&] {
        // [taps, channels, results]
        const at::Tensor rows =
            (scale.defined() ? at::mul(weight, scale.view({-1, 1, 1})) : weight).permute({2, 1, 0}).contiguous();
        const at::Tensor made(at::detail::empty_cpu({packed_size}, at::kFloat));
        panel_kernels().pack(rows.const_data_ptr<float>(), product.depth, product.columns, product.columns, 1,
                             made.mutable_data_ptr<float>());
        return made;
      },
      DerivedConstants::Form{at::kFloat, {packed_size}});
  std::vector<BufferPart> inputs = {in_layout(step.inputs[0], plain(in)).part, constant_location(panels).part};
  if (params.has_bias) inputs.push_back(in_layout(step.inputs[2], plain({out[1]})).part);
  for (size_t i = inputs.size(); i < step.inputs.size(); ++i)
    inputs.push_back(in_layout(step.inputs[i], plain(tensor(step.inputs[i]).dims)).part);
  const int64_t places = (out[2] - 1) * params.stride[0] + taps;
  const PanelConvolution::Shape shape{out[0], in[1], in[2], params.stride[0], params.padding_before[0], places};
  const auto room = [&](int64_t elements) {
    return BufferPart{new_buffer(Buffer::Kind::kArena, -1, static_cast<size_t>(elements) * sizeof(float)), 0};
  };
  const BufferPart padded = room(places * in[1]);
  const BufferPart turned = room(out[1] * out[2]);
  const BufferPart result = new_location(step.outputs[0], plain(out)).part;
  emit(absl::StrCat("panels of ", taps, " taps ", product.rows, "x", product.depth, "x", product.columns, " + ",
                    step.post_ops.size()),
       std::make_unique<PanelConvolution>(shape, product, params.has_bias, step.post_ops), std::move(inputs),
       {result, padded, turned});
  return absl::OkStatus();
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
        const at::Tensor made =
            constants_.new_bytes(packed_size * static_cast<int64_t>(sizeof(float))).view(at::kFloat);
        panel_kernels().pack(weight.const_data_ptr<float>(), depth, columns, weight.stride(0), weight.stride(1),
                             made.mutable_data_ptr<float>());
        leave_to_file(weight);
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
  product.out_stride = columns;
  const BufferPart result = new_location(step.outputs[0], plain(output.dims)).part;
  emit(absl::StrCat("panels ", product.rows, "x", depth, "x", columns, " + ", step.post_ops.size()),
       std::make_unique<PanelStep>(product, parts_for(product), params.has_bias, step.post_ops), std::move(inputs),
       {result});
  return absl::OkStatus();
}

bool Compiler::takes_pixel_panels(const Step& step, const ConvParams& params) const {
  const Dims& weight = tensor(step.inputs[1]).dims;
  return panels_take_all() && !params.transposed && params.groups == 1 && weight.size() == 4 && weight[2] == 1 &&
         weight[3] == 1 && all_are(params.stride, 1) && all_are(params.padding_before, 0) &&
         all_are(params.padding_after, 0);
}

// A convolution of a single tap: its pixels are the rows of a product.
absl::Status Compiler::pixel_panels(const Step& step, const ConvParams& params) {
  const PlanTensor& held = tensor(step.inputs[1]);
  const Dims& in = tensor(step.inputs[0]).dims;
  const Dims& out = tensor(step.outputs[0]).dims;
  const int64_t packed_size = in[1] * padded_columns(out[1]);
  const at::Tensor panels = constants_.get(
      "panels of pixels", held.sources(),
      [&] {
        const at::Tensor made =
            constants_.new_bytes(packed_size * static_cast<int64_t>(sizeof(float))).view(at::kFloat);
        // Whole panels of any instruction set, so that what is scaled takes little memory.
        constexpr int64_t kResults = 64;
        for (int64_t first = 0; first < out[1]; first += kResults) {
          const int64_t count = std::min(kResults, out[1] - first);
          at::Tensor rows = held.constant.narrow(0, first, count).flatten(1);
          if (held.scale.defined()) rows = at::mul(rows, held.scale.narrow(0, first, count).view({-1, 1}));
          panel_kernels().pack(rows.const_data_ptr<float>(), in[1], count, rows.stride(1), rows.stride(0),
                               made.mutable_data_ptr<float>() + in[1] * first);
        }
        leave_to_file(held.constant);
        return made;
      },
      DerivedConstants::Form{at::kFloat, {packed_size}});
  std::vector<BufferPart> inputs = channels_last_inputs(step, params, panels);
  PanelProduct product{};
  product.rows = out[0] * out[2] * out[3];
  product.depth = in[1];
  product.columns = out[1];
  product.a_stride = in[1];
  product.out_stride = out[1];
  emit(absl::StrCat("panels of pixels ", product.rows, "x", in[1], "x", out[1], " + ", step.post_ops.size()),
       std::make_unique<PanelStep>(product, parts_for(product), params.has_bias, step.post_ops), std::move(inputs),
       {new_location(step.outputs[0], channels_together(out)).part});
  return absl::OkStatus();
}

bool Compiler::takes_strided_panels(const Step& step, const MatmulParams& params) const {
  const PlanTensor& a = tensor(step.inputs[0]);
  const PlanTensor& output = tensor(step.outputs[0]);
  if (params.rows || params.has_bias || a.is_constant() || a.strides.back() != 1) return false;
  return output.numel() * a.dims.back() <= kMostStrided;
}

absl::Status Compiler::strided_panel_product(const Step& step, const MatmulParams&) {
  const Location a = rows_location(step.inputs[0]);
  const Location b = strided_location(step.inputs[1]);
  const Dims& out = tensor(step.outputs[0]).dims;
  const size_t rank = out.size();
  const Dims a_strides = broadcast_strides(step.inputs[0], a, rank);
  const Dims b_strides = broadcast_strides(step.inputs[1], b, rank);
  PanelProduct product{};
  product.rows = out[rank - 2];
  product.columns = out[rank - 1];
  product.depth = tensor(step.inputs[0]).dims.back();
  product.a_stride = a_strides[rank - 2];
  product.out_stride = product.columns;
  std::vector<StridedPanelStep::Batch> batches =
      batch_offsets<2>(Dims(out.begin(), out.end() - 2), {a_strides, b_strides});
  std::vector<BufferPart> inputs = {a.part, b.part};
  for (size_t i = 2; i < step.inputs.size(); ++i)
    inputs.push_back(in_layout(step.inputs[i], plain(tensor(step.inputs[i]).dims)).part);
  const size_t room = static_cast<size_t>(product.depth * padded_columns(product.columns)) * sizeof(float);
  const BufferPart packed{new_buffer(Buffer::Kind::kArena, -1, room), 0};
  const BufferPart result = new_location(step.outputs[0], plain(out)).part;
  emit(absl::StrCat("panels ", batches.size(), " of ", product.rows, "x", product.depth, "x", product.columns, " + ",
                    step.post_ops.size()),
       std::make_unique<StridedPanelStep>(product, b_strides[rank - 2], b_strides[rank - 1], std::move(batches),
                                          step.post_ops),
       std::move(inputs), {result, packed});
  return absl::OkStatus();
}

}  // namespace vesta::runtime::plan
