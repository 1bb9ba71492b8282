// A primitive for each kind of step. Descriptors are asked for with layouts left open; what a primitive then prefers is
// what its inputs are brought into and what its result is known to lie in.

#include <algorithm>
#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/plan/compiler_context.h"
#include "runtime/plan/instruction_set.h"

namespace vesta::runtime::plan {
namespace {

using dnnl::algorithm;

struct EltwiseRow {
  PointOp op;
  algorithm kind;
  float alpha;
  float beta;
};
constexpr EltwiseRow kEltwise[] = {
    {PointOp::k_relu, algorithm::eltwise_relu, 0, 0},
    {PointOp::k_sigmoid, algorithm::eltwise_logistic, 0, 0},
    {PointOp::k_tanh, algorithm::eltwise_tanh, 0, 0},
    {PointOp::k_silu, algorithm::eltwise_swish, 1, 0},
    {PointOp::k_gelu_erf, algorithm::eltwise_gelu_erf, 0, 0},
    {PointOp::k_gelu_tanh, algorithm::eltwise_gelu_tanh, 0, 0},
    {PointOp::k_hardswish, algorithm::eltwise_hardswish, 1.0F / 6, 0.5F},
    {PointOp::k_hardsigmoid, algorithm::eltwise_hardsigmoid, 1.0F / 6, 0.5F},
    {PointOp::k_abs, algorithm::eltwise_abs, 0, 0},
    {PointOp::k_square, algorithm::eltwise_square, 0, 0},
    {PointOp::k_sqrt, algorithm::eltwise_sqrt, 0, 0},
    {PointOp::k_exp, algorithm::eltwise_exp, 0, 0},
};

void append_eltwise(dnnl::post_ops& ops, const PostOp& post) {
  switch (post.op) {
    case PointOp::k_clamp:
      return ops.append_eltwise(algorithm::eltwise_clip_v2, post.alpha, post.beta);
    case PointOp::k_leaky_relu:
      return ops.append_eltwise(algorithm::eltwise_relu, post.alpha, 0);
    case PointOp::k_elu:
      return ops.append_eltwise(algorithm::eltwise_elu, post.alpha, 0);
    case PointOp::k_add:
      return ops.append_eltwise(algorithm::eltwise_linear, 1, post.alpha);
    case PointOp::k_mul:
      return ops.append_eltwise(algorithm::eltwise_linear, post.alpha, 0);
    default:
      break;
  }
  for (const EltwiseRow& row : kEltwise) {
    if (row.op == post.op) return ops.append_eltwise(row.kind, row.alpha, row.beta);
  }
}

algorithm binary_kind(PointOp op) {
  return op == PointOp::k_add   ? algorithm::binary_add
         : op == PointOp::k_sub ? algorithm::binary_sub
                                : algorithm::binary_mul;
}

// Channels in a block: a register.
int64_t channel_block() { return instruction_set() == InstructionSet::kAvx512 ? 16 : 8; }

MemoryDesc channel_blocks(const Dims& dims) {
  using Tag = dnnl::memory::format_tag;
  return MemoryDesc(dims, dnnl::memory::data_type::f32, channel_block() == 16 ? Tag::nChw16c : Tag::nChw8c);
}

Dims minus_one(Dims values) {
  for (int64_t& value : values) --value;
  return values;
}

}  // namespace

dnnl::primitive_attr Compiler::attributes(const Step& step, const std::vector<MemoryDesc>& binary_descs) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (step.post_ops.empty()) return attr;
  dnnl::post_ops ops;
  size_t binary = 0;
  for (const PostOp& post : step.post_ops) {
    if (post.input >= 0) {
      ops.append_binary(binary_kind(post.op), binary_descs[binary++]);
    } else {
      append_eltwise(ops, post);
    }
  }
  attr.set_post_ops(ops);
  return attr;
}

// The tensors that post-ops read, in the layouts that the primitive wants; `dims` are those of its result.
void Compiler::add_post_op_arguments(const Step& step, const dnnl::primitive_desc_base& pd, const Dims& dims,
                                     Arguments& arguments) {
  for (size_t i = 0; i < step.post_ops.size(); ++i) {
    if (step.post_ops[i].input < 0) continue;
    const TensorId id = step.inputs[static_cast<size_t>(step.post_ops[i].input)];
    const int name = DNNL_ARG_ATTR_MULTIPLE_POST_OP(static_cast<int>(i)) | DNNL_ARG_SRC_1;
    MemoryDesc wanted = pd.query_md(dnnl::query::exec_arg_md, name);
    if (tensor(id).dims == dims) {
      arguments.push_back({name, in_layout(id, wanted)});
      continue;
    }
    // Rows of a matrix: the same memory under other dims.
    Location location = in_layout(id, plain(tensor(id).dims));
    location.desc = wanted;
    arguments.push_back({name, location});
  }
}

bool Compiler::may_take_blocks(const PlanGraph& graph) {
  if (instruction_set() == InstructionSet::kBase) return false;
  bool any = false;
  for (const Step& step : graph.steps) {
    const auto* conv = step.as<ConvParams>();
    if (conv == nullptr) continue;
    if (conv->transposed || graph.tensor(step.inputs[0]).dims.size() != 4) return false;
    any = true;
  }
  return any;
}

// Left to itself, oneDNN takes the kernels for channels that lie together, which are better for all but depthwise
// convolutions and those of few channels beside them. Measured with oneDNN 3, AVX-512 and AVX2 (docs/performance.md).
ConvolutionLayouts Compiler::layouts_by_rule(const PlanGraph& graph) {
  size_t count = 0;
  bool depthwise = false;
  for (const Step& step : graph.steps) {
    const auto* conv = step.as<ConvParams>();
    if (conv == nullptr) continue;
    ++count;
    depthwise = depthwise || (conv->groups > 1 && conv->groups == graph.tensor(step.inputs[0]).dims[1]);
  }
  return ConvolutionLayouts(count, depthwise && may_take_blocks(graph));
}

absl::Status Compiler::convolution(const Step& step, const ConvParams& params) {
  const bool takes_blocks = layouts_[convolutions_++];
  if (takes_panels(step, params)) return panel_convolution(step, params);
  if (!takes_blocks && takes_winograd(step, params)) return winograd(step, params);
  if (!takes_blocks && takes_pixel_panels(step, params)) return pixel_panels(step, params);
  const PlanTensor& input = tensor(step.inputs[0]);
  const PlanTensor& weight = tensor(step.inputs[1]);
  const PlanTensor& output = tensor(step.outputs[0]);
  // Weights as oneDNN counts them: (groups), out, in, kernel.
  Dims dims = weight.dims;
  Dims strides = weight.strides;
  if (params.groups > 1) {
    dims[0] /= params.groups;
    dims.insert(dims.begin(), params.groups);
    strides.insert(strides.begin(), strides[0] * dims[1]);
  }
  if (params.transposed) {
    const size_t out = params.groups > 1 ? 1 : 0;
    std::swap(dims[out], dims[out + 1]);
    std::swap(strides[out], strides[out + 1]);
  }
  const MemoryDesc weight_desc = strided(dims, strides);
  const MemoryDesc bias_desc = params.has_bias ? plain({output.dims[1]}) : MemoryDesc();
  std::vector<MemoryDesc> binary;
  for (const PostOp& post : step.post_ops) {
    if (post.input >= 0) binary.push_back(any_layout(output.dims));
  }
  const dnnl::primitive_attr attr = attributes(step, binary);
  const auto described = [&](const MemoryDesc& from, const MemoryDesc& to) {
    return dnnl::convolution_forward::primitive_desc(
        cpu_engine(), dnnl::prop_kind::forward_inference, algorithm::convolution_direct, from, any_layout(dims),
        bias_desc, to, params.stride, minus_one(params.dilation), params.padding_before, params.padding_after, attr);
  };
  const auto compile = [&](const auto& pd, const dnnl::primitive& primitive) {
    Arguments arguments = {{DNNL_ARG_SRC, in_layout(step.inputs[0], pd.src_desc())},
                           {DNNL_ARG_WEIGHTS, packed(weight, weight_desc, pd.weights_desc())}};
    if (params.has_bias) {
      arguments.push_back({DNNL_ARG_BIAS, packed(tensor(step.inputs[2]), bias_desc, bias_desc)});
    }
    add_post_op_arguments(step, pd, output.dims, arguments);
    arguments.push_back({DNNL_ARG_DST, new_location(step.outputs[0], pd.dst_desc())});
    emit(absl::StrCat("convolution ", pd.impl_info_str()), primitive, std::move(arguments), pd.scratchpad_desc());
  };
  constexpr auto kForward = dnnl::prop_kind::forward_inference;
  if (params.transposed) {
    const dnnl::deconvolution_forward::primitive_desc pd(
        cpu_engine(), kForward, algorithm::deconvolution_direct, any_layout(input.dims), any_layout(dims), bias_desc,
        any_layout(output.dims), params.stride, minus_one(params.dilation), params.padding_before, params.padding_after,
        attr);
    compile(pd, dnnl::deconvolution_forward(pd));
    return absl::OkStatus();
  }
  const auto chosen = [&] {
    if (takes_blocks) {
      // Images of few channels are read as they are.
      const MemoryDesc from = input.dims[1] < channel_block() ? any_layout(input.dims) : channel_blocks(input.dims);
      auto blocked = described(from, channel_blocks(output.dims));
      if (absl::StartsWith(blocked.impl_info_str(), "jit")) return blocked;
    }
    return described(any_layout(input.dims), any_layout(output.dims));
  };
  const dnnl::convolution_forward::primitive_desc pd = chosen();
  compile(pd, dnnl::convolution_forward(pd));
  return absl::OkStatus();
}

std::vector<BufferPart> Compiler::channels_last_inputs(const Step& step, const ConvParams& params,
                                                       const at::Tensor& weights) {
  const Dims& out = tensor(step.outputs[0]).dims;
  std::vector<BufferPart> inputs = {in_layout(step.inputs[0], channels_together(tensor(step.inputs[0]).dims)).part,
                                    constant_location(weights).part};
  if (params.has_bias) inputs.push_back(in_layout(step.inputs[2], plain({out[1]})).part);
  for (size_t i = inputs.size(); i < step.inputs.size(); ++i)
    inputs.push_back(in_layout(step.inputs[i], channels_together(out)).part);
  return inputs;
}

absl::Status Compiler::matmul(const Step& step, const MatmulParams& params) {
  if (takes_panels(step, params)) return panel_product(step, params);
  if (takes_strided_panels(step, params)) return strided_panel_product(step, params);
  const PlanTensor& a = tensor(step.inputs[0]);
  const PlanTensor& b = tensor(step.inputs[1]);
  const PlanTensor& output = tensor(step.outputs[0]);
  Dims out = output.dims;
  MemoryDesc a_desc;
  Location source;
  if (params.rows) {
    out = {output.numel() / out.back(), out.back()};
    a_desc = plain({out[0], a.dims.back()});
    source = in_layout(step.inputs[0], plain(a.dims));
  } else {
    source = strided_location(step.inputs[0]);
    a_desc = source.desc;
  }
  const bool packs = b.is_constant() && b.dims.size() == 2;
  const Location given = strided_location(step.inputs[1]);
  const MemoryDesc bias_desc = params.has_bias ? plain({1, out.back()}) : MemoryDesc();
  std::vector<MemoryDesc> binary(step.post_ops.size(), plain(out));
  const dnnl::matmul::primitive_desc pd(cpu_engine(), a_desc, packs ? any_layout(b.dims) : given.desc, bias_desc,
                                        plain(out), attributes(step, binary));
  source.desc = a_desc;
  Arguments arguments = {{DNNL_ARG_SRC, source}};
  arguments.push_back({DNNL_ARG_WEIGHTS, packs ? packed(b, given.desc, pd.weights_desc()) : given});
  if (params.has_bias) {
    const PlanTensor& bias = tensor(step.inputs[2]);
    Location location = packed(bias, strided(bias.dims, bias.strides), plain({out.back()}));
    location.desc = bias_desc;
    arguments.push_back({DNNL_ARG_BIAS, location});
  }
  add_post_op_arguments(step, pd, out, arguments);
  Location made = new_location(step.outputs[0], plain(output.dims));
  made.desc = pd.dst_desc();
  arguments.push_back({DNNL_ARG_DST, made});
  emit(absl::StrCat("matmul ", pd.impl_info_str()), dnnl::matmul(pd), std::move(arguments), pd.scratchpad_desc());
  return absl::OkStatus();
}

absl::Status Compiler::pool(const Step& step, const PoolParams& params) {
  const PlanTensor& output = tensor(step.outputs[0]);
  const Location source = located(step.inputs[0]);
  const algorithm kind = params.kind == PoolParams::Kind::kMax       ? algorithm::pooling_max
                         : params.kind == PoolParams::Kind::kAverage ? algorithm::pooling_avg_exclude_padding
                                                                     : algorithm::pooling_avg_include_padding;
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const dnnl::pooling_forward::primitive_desc pd(
      cpu_engine(), dnnl::prop_kind::forward_inference, kind, source.desc, any_layout(output.dims), params.stride,
      params.kernel, minus_one(params.dilation), params.padding_before, params.padding_after, attr);
  Arguments arguments = {{DNNL_ARG_SRC, source}, {DNNL_ARG_DST, new_location(step.outputs[0], pd.dst_desc())}};
  emit(absl::StrCat("pool ", pd.impl_info_str()), dnnl::pooling_forward(pd), std::move(arguments),
       pd.scratchpad_desc());
  return absl::OkStatus();
}

absl::Status Compiler::softmax(const Step& step, const SoftmaxParams& params) {
  const MemoryDesc desc = plain(tensor(step.outputs[0]).dims);
  const Location source = in_layout(step.inputs[0], desc);
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const dnnl::softmax_forward::primitive_desc pd(
      cpu_engine(), dnnl::prop_kind::forward_inference,
      params.logarithm ? algorithm::softmax_log : algorithm::softmax_accurate, desc, desc,
      static_cast<int>(params.axis), attr);
  Arguments arguments = {{DNNL_ARG_SRC, source}, {DNNL_ARG_DST, new_location(step.outputs[0], desc)}};
  emit(absl::StrCat("softmax ", pd.impl_info_str()), dnnl::softmax_forward(pd), std::move(arguments),
       pd.scratchpad_desc());
  return absl::OkStatus();
}

absl::Status Compiler::copy(const Step& step) {
  const PlanTensor& output = tensor(step.outputs[0]);
  const Location source = strided_location(step.inputs[0]);
  emit_reorder(source, new_location(step.outputs[0], strided(output.dims, output.strides)));
  return absl::OkStatus();
}

}  // namespace vesta::runtime::plan
