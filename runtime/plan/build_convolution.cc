// Convolutions, pooling and what goes with them. A batch norm becomes a scale and a shift by channel, which the
// rewrites put into the weights of what stands before it.

#include <cmath>

#include <ATen/ops/add.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/neg.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/zeros_like.h>

#include "absl/strings/str_cat.h"
#include "runtime/plan/builder_context.h"

namespace vesta::runtime::plan {

// conv{1,2,3}d(input, weight, bias, stride, padding, dilation, groups)
void Builder::convolution(const Node& node) {
  if (failed() || dims(tensor(node, 0)).size() < 3) return refuse("takes an input without a batch");
  const size_t spatial = dims(tensor(node, 0)).size() - 2;
  ConvParams params;
  params.stride = integers(node, 3, spatial);
  params.dilation = integers(node, 5, spatial);
  const Abstract& padding = value(node.input(4));
  if (padding.kind == Abstract::Kind::kConstant && padding.constant.isString()) {
    const Dims& kernel = dims(tensor(node, 1));
    const bool same = padding.constant.toStringRef() == "same";
    if (kernel.size() != spatial + 2) return refuse("takes weights of another rank");
    for (size_t i = 0; i < spatial; ++i) {
      const int64_t total = same ? params.dilation[i] * (kernel[i + 2] - 1) : 0;
      params.padding_before.push_back(total / 2);
      params.padding_after.push_back(total - total / 2);
    }
  } else {
    params.padding_before = params.padding_after = integers(node, 4, spatial);
  }
  params.groups = integer(node, 6);
  emit_convolution(node, std::move(params), Dims(spatial, 0));
}

// [_]convolution(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups, ...)
void Builder::any_convolution(const Node& node) {
  if (failed() || dims(tensor(node, 0)).size() < 3) return refuse("takes an input without a batch");
  const size_t spatial = dims(tensor(node, 0)).size() - 2;
  ConvParams params;
  params.stride = integers(node, 3, spatial);
  params.padding_before = params.padding_after = integers(node, 4, spatial);
  params.dilation = integers(node, 5, spatial);
  params.transposed = boolean(node, 6);
  params.groups = integer(node, 8);
  emit_convolution(node, std::move(params), integers(node, 7, spatial));
}

// conv_transpose{1,2,3}d(input, weight, bias, stride, padding, output_padding, groups, dilation)
void Builder::transposed_convolution(const Node& node) {
  if (failed() || dims(tensor(node, 0)).size() < 3) return refuse("takes an input without a batch");
  const size_t spatial = dims(tensor(node, 0)).size() - 2;
  ConvParams params;
  params.transposed = true;
  params.stride = integers(node, 3, spatial);
  params.padding_before = params.padding_after = integers(node, 4, spatial);
  params.groups = integer(node, 6);
  params.dilation = integers(node, 7, spatial);
  emit_convolution(node, std::move(params), integers(node, 5, spatial));
}

void Builder::emit_convolution(const Node& node, ConvParams params, const Dims& output_padding) {
  const TensorId input = plain(tensor(node, 0));
  const at::Tensor weight_tensor = constant_of(node, 1);
  if (failed()) return;
  const TensorId weight = constant_tensor(weight_tensor);
  const Dims& in = dims(input);
  const Dims& kernel = dims(weight);
  const size_t spatial = in.size() - 2;
  if (kernel.size() != in.size() || params.groups < 1) return refuse("takes weights of another rank");
  const int64_t in_channels = params.transposed ? kernel[0] : kernel[1] * params.groups;
  const int64_t out_channels = params.transposed ? kernel[1] * params.groups : kernel[0];
  if (in[1] != in_channels || out_channels % params.groups != 0 || in_channels % params.groups != 0)
    return refuse("takes another number of channels");
  Dims out = {in[0], out_channels};
  for (size_t i = 0; i < spatial; ++i) {
    if (params.stride[i] < 1 || params.dilation[i] < 1 || params.padding_before[i] < 0)
      return refuse("takes sizes above 0");
    const int64_t extent = params.dilation[i] * (kernel[i + 2] - 1) + 1;
    if (params.transposed) {
      if (output_padding[i] < 0) return refuse("takes paddings above 0");
      params.padding_after[i] -= output_padding[i];
      out.push_back((in[i + 2] - 1) * params.stride[i] - params.padding_before[i] - params.padding_after[i] + extent);
    } else {
      const int64_t room = in[i + 2] + params.padding_before[i] + params.padding_after[i] - extent;
      if (room < 0) return refuse("has a kernel that is larger than its input");
      out.push_back(room / params.stride[i] + 1);
    }
    if (out.back() < 1) return refuse("has no output");
  }
  std::vector<TensorId> inputs = {input, weight};
  if (!is_none(node, 2)) {
    const at::Tensor bias = constant_of(node, 2);
    if (failed() || bias.dim() != 1 || bias.size(0) != out_channels) return refuse("takes another bias");
    params.has_bias = true;
    inputs.push_back(constant_tensor(bias));
  }
  const TensorId output = new_tensor(std::move(out));
  if (failed()) return;
  new_step(std::move(params), std::move(inputs), output);
  bind(node.output(), output);
}

// batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, ...)
void Builder::batch_norm(const Node& node) {
  const TensorId input = tensor(node, 0);
  if (boolean(node, 5)) return refuse("computes statistics");
  const at::Tensor mean = constant_of(node, 3);
  const at::Tensor variance = constant_of(node, 4);
  const double epsilon = number(node, 7);
  const at::Tensor weight = is_none(node, 1) ? at::Tensor() : constant_of(node, 1);
  const at::Tensor bias = is_none(node, 2) ? at::Tensor() : constant_of(node, 2);
  if (failed()) return;
  const Dims& in = dims(input);
  if (in.size() < 2) return refuse("takes an input with channels");
  for (const at::Tensor& held : {mean, variance, weight, bias}) {
    if (held.defined() && (held.dim() != 1 || held.size(0) != in[1])) return refuse("takes another number of channels");
  }
  Dims by_channel(in.size(), 1);
  by_channel[1] = in[1];
  std::vector<at::Tensor> sources = {mean, variance};
  if (weight.defined()) sources.push_back(weight);
  const at::Tensor scale = constants_.get(absl::StrCat("batch_norm_scale:", epsilon, ":", in.size()), sources, [&] {
    const at::Tensor inverse = at::rsqrt(at::add(variance.to(at::kDouble), epsilon));
    return (weight.defined() ? at::mul(inverse, weight) : inverse).to(at::kFloat).reshape(by_channel);
  });
  if (bias.defined()) sources.push_back(bias);
  const at::Tensor shift = constants_.get(absl::StrCat("batch_norm_shift:", epsilon, ":", in.size()), sources, [&] {
    const at::Tensor inverse = at::rsqrt(at::add(variance.to(at::kDouble), epsilon));
    const at::Tensor moved = at::neg(at::mul(weight.defined() ? at::mul(inverse, weight) : inverse, mean));
    return (bias.defined() ? at::add(moved, bias) : moved).to(at::kFloat).reshape(by_channel);
  });
  bind_point(node, PointOp::k_fma,
             {{.tensor = input}, {.tensor = constant_tensor(scale)}, {.tensor = constant_tensor(shift)}});
}

// ---- Pooling

// max_pool{1,2,3}d(self, kernel_size, stride, padding, dilation, ceil_mode)
void Builder::max_pool(const Node& node) {
  if (failed() || dims(tensor(node, 0)).size() < 3) return refuse("takes an input without a batch");
  const size_t spatial = dims(tensor(node, 0)).size() - 2;
  PoolParams params;
  params.kind = PoolParams::Kind::kMax;
  params.kernel = integers(node, 1, spatial);
  const Dims stride = integers(node, 2);
  params.stride = stride.empty() ? params.kernel : integers(node, 2, spatial);
  params.padding_before = params.padding_after = integers(node, 3, spatial);
  params.dilation = integers(node, 4, spatial);
  emit_pool(node, std::move(params), boolean(node, 5));
}

// avg_pool{1,2,3}d(self, kernel_size, stride, padding, ceil_mode, count_include_pad, [divisor_override])
void Builder::average_pool(const Node& node) {
  if (failed() || dims(tensor(node, 0)).size() < 3) return refuse("takes an input without a batch");
  const size_t spatial = dims(tensor(node, 0)).size() - 2;
  PoolParams params;
  params.kernel = integers(node, 1, spatial);
  const Dims stride = integers(node, 2);
  params.stride = stride.empty() ? params.kernel : integers(node, 2, spatial);
  params.padding_before = params.padding_after = integers(node, 3, spatial);
  params.dilation = Dims(spatial, 1);
  params.kind = boolean(node, 5) ? PoolParams::Kind::kAverageWithPadding : PoolParams::Kind::kAverage;
  if (node.inputs().size() > 6 && !is_none(node, 6)) return refuse("divides by another number");
  const bool ceil_mode = boolean(node, 4);
  // In ceil mode ATen counts padding of its own differently from the window's.
  if (ceil_mode && params.kind == PoolParams::Kind::kAverageWithPadding) return refuse("counts padding in ceil mode");
  emit_pool(node, std::move(params), ceil_mode);
}

void Builder::emit_pool(const Node& node, PoolParams params, bool ceil_mode) {
  const TensorId input = plain(tensor(node, 0));
  if (failed()) return;
  const Dims in = dims(input);
  Dims out = {in[0], in[1]};
  for (size_t i = 0; i + 2 < in.size(); ++i) {
    if (params.stride[i] < 1 || params.kernel[i] < 1 || params.dilation[i] < 1 || params.padding_before[i] < 0 ||
        params.padding_before[i] > params.kernel[i] / 2)
      return refuse("takes sizes above 0");
    const int64_t extent = params.dilation[i] * (params.kernel[i] - 1) + 1;
    const int64_t room = in[i + 2] + 2 * params.padding_before[i] - extent;
    if (room < 0) return refuse("has a window that is larger than its input");
    int64_t size = room / params.stride[i] + 1;
    if (ceil_mode && room % params.stride[i] != 0) {
      // A window that would start in the padding behind the input is left out.
      if (size * params.stride[i] < in[i + 2] + params.padding_before[i]) ++size;
    }
    out.push_back(size);
    params.padding_after[i] = (size - 1) * params.stride[i] + extent - in[i + 2] - params.padding_before[i];
    if (params.padding_after[i] < 0) params.padding_after[i] = 0;
  }
  const TensorId output = new_tensor(std::move(out));
  if (failed()) return;
  new_step(std::move(params), {input}, output);
  bind(node.output(), output);
}

// adaptive_avg_pool{1,2,3}d(self, output_size): where all windows have one size.
void Builder::adaptive_average_pool(const Node& node) {
  if (failed() || dims(tensor(node, 0)).size() < 3) return refuse("takes an input without a batch");
  const Dims in = dims(tensor(node, 0));
  const size_t spatial = in.size() - 2;
  const Dims sizes = integers(node, 1, spatial);
  PoolParams params;
  params.kind = PoolParams::Kind::kAverage;
  for (size_t i = 0; i < spatial; ++i) {
    if (sizes[i] < 1 || in[i + 2] % sizes[i] != 0) return refuse("has windows of several sizes");
    params.kernel.push_back(in[i + 2] / sizes[i]);
  }
  params.stride = params.kernel;
  params.padding_before = params.padding_after = Dims(spatial, 0);
  params.dilation = Dims(spatial, 1);
  emit_pool(node, std::move(params), false);
}

}  // namespace vesta::runtime::plan
