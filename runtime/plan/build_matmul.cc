// Matrix products, softmax, layer norm, attention.

#include <cmath>
#include <limits>

#include <ATen/ops/empty_like.h>

#include "runtime/plan/builder_context.h"

namespace vesta::runtime::plan {

// linear(input, weight, bias)
void Builder::linear(const Node& node) {
  TensorId input = tensor(node, 0);
  const at::Tensor weight = constant_of(node, 1);
  if (failed()) return;
  const Dims in = dims(input);
  if (weight.dim() != 2 || in.empty() || in.back() != weight.size(1)) return refuse("takes weights of another size");
  TensorId bias = kNoTensor;
  if (!is_none(node, 2)) {
    const at::Tensor held = constant_of(node, 2);
    if (failed() || held.dim() != 1 || held.size(0) != weight.size(0)) return refuse("takes a bias of another size");
    bias = constant_tensor(held);
  }
  // One transposed view for all plans: packed weights are found by identity.
  const TensorId transposed = constant_tensor(constants_.get("transposed", {weight}, [&] { return weight.t(); }));
  const TensorId product = emit_rows(input, transposed, bias);
  if (!failed()) bind(node.output(), product);
}

// addmm(self, mat1, mat2, beta, alpha)
void Builder::addmm(const Node& node) {
  if (number(node, 3) != 1 || number(node, 4) != 1) return refuse("scales its operands");
  const at::Tensor bias = constant_of(node, 0);
  const TensorId a = tensor(node, 1);
  const TensorId b = tensor(node, 2);
  if (failed()) return;
  if (dims(a).size() != 2 || dims(b).size() != 2 || bias.dim() != 1 || bias.size(0) != dims(b)[1])
    return refuse("takes operands of another size");
  if (dims(a)[1] != dims(b)[0]) return refuse("takes operands of another size");
  if (!at(b).is_constant()) return refuse("multiplies with what is no constant");
  const TensorId product = emit_rows(a, b, constant_tensor(bias));
  if (!failed()) bind(node.output(), product);
}

// matmul, mm, bmm
void Builder::matmul(const Node& node) {
  TensorId a = tensor(node, 0);
  const TensorId b = tensor(node, 1);
  if (failed()) return;
  const Dims left = dims(a);
  if (left.size() < 2 || dims(b).size() < 2) return refuse("takes matrices");
  if (dims(b).size() == 2 && at(b).is_constant()) {
    if (left.back() != dims(b)[0]) return refuse("takes operands of other sizes");
    const TensorId product = emit_rows(a, b, kNoTensor);
    if (!failed()) bind(node.output(), product);
    return;
  }
  if (dims(b).size() != left.size()) return refuse("takes operands of one rank");
  const TensorId product = emit_matmul(a, b, kNoTensor);
  if (!failed()) bind(node.output(), product);
}

// The product of all rows with constant weights.
TensorId Builder::emit_rows(TensorId a, TensorId b, TensorId bias) {
  const TensorId source = contiguous(a);
  if (failed()) return a;
  Dims out = dims(source);
  out.back() = dims(b)[1];
  const TensorId output = new_tensor(std::move(out));
  std::vector<TensorId> inputs = {source, b};
  if (bias != kNoTensor) inputs.push_back(bias);
  new_step(MatmulParams{bias != kNoTensor, true}, std::move(inputs), output);
  return output;
}

TensorId Builder::emit_matmul(TensorId a, TensorId b, TensorId bias) {
  const Dims left = dims(a);
  const Dims right = dims(b);
  const size_t rank = left.size();
  if (rank != right.size() || rank < 2 || rank > 5 || left[rank - 1] != right[rank - 2]) {
    refuse("takes operands of other sizes");
    return a;
  }
  Dims out = left;
  for (size_t i = 0; i + 2 < rank; ++i) {
    if (left[i] != right[i] && left[i] != 1 && right[i] != 1) refuse("takes operands of other batches");
    out[i] = std::max(left[i], right[i]);
  }
  out[rank - 1] = right[rank - 1];
  const TensorId output = new_tensor(std::move(out));
  std::vector<TensorId> inputs = {a, b};
  if (bias != kNoTensor) inputs.push_back(bias);
  new_step(MatmulParams{bias != kNoTensor}, std::move(inputs), output);
  return output;
}

// softmax.int(self, dim, dtype), log_softmax.int; _softmax(self, dim, half_to_float)
void Builder::softmax(const Node& node) {
  const TensorId input = tensor(node, 0);
  static const c10::Symbol kInner[] = {c10::Symbol::aten("_softmax"), c10::Symbol::aten("_log_softmax")};
  const bool inner = node.kind() == kInner[0] || node.kind() == kInner[1];
  if (inner ? boolean(node, 2) : !is_none(node, 2)) return refuse("changes the type");
  const int64_t axis = wrap(integer(node, 1), dims(input).size());
  if (failed()) return;
  const bool logarithm = node.kind() == c10::aten::log_softmax || node.kind() == kInner[1];
  bind(node.output(), emit_softmax(input, axis, logarithm));
}

TensorId Builder::emit_softmax(TensorId input, int64_t axis, bool logarithm) {
  const TensorId source = contiguous(input);
  const TensorId output = new_tensor(dims(source));
  if (dims(source).empty() || at(source).mask) refuse("takes numbers in dimensions");
  new_step(SoftmaxParams{axis, logarithm}, {source}, output);
  return output;
}

// layer_norm(input, normalized_shape, weight, bias, eps, cudnn_enable)
void Builder::layer_norm(const Node& node) {
  const TensorId input = tensor(node, 0);
  const Dims shape = integers(node, 1);
  if (failed() || shape.size() != 1 || dims(input).empty() || dims(input).back() != shape[0])
    return refuse("is no norm over the last dimension");
  const at::Tensor scale = is_none(node, 2) ? at::Tensor() : constant_of(node, 2);
  const at::Tensor shift = is_none(node, 3) ? at::Tensor() : constant_of(node, 3);
  const TensorId output = emit_layer_norm(input, scale, shift, number(node, 4));
  if (!failed()) bind(node.output(), output);
}

// scaled_dot_product_attention(query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa)
void Builder::attention(const Node& node) {
  const TensorId query = tensor(node, 0);
  const TensorId keys = tensor(node, 1);
  const TensorId values = tensor(node, 2);
  if (number(node, 4) != 0 || boolean(node, 7)) return refuse("drops, or groups");
  AttentionParams params;
  params.safe = true;
  params.causal = boolean(node, 5);
  if (failed() || dims(query).empty()) return refuse("takes no matrices");
  params.scale =
      static_cast<float>(is_none(node, 6) ? 1 / std::sqrt(static_cast<double>(dims(query).back())) : number(node, 6));
  TensorId mask = kNoTensor;
  if (!is_none(node, 3)) {
    Operand given = operand(node, 3);
    if (params.causal) return refuse("takes two masks");
    if (given.is_mask) {
      const Operand allowed[] = {given, {.number = 0}, {.number = -std::numeric_limits<double>::infinity()}};
      given.tensor = emit_point(PointOp::k_where, allowed);
    }
    mask = given.tensor;
    if (!failed() && (mask == kNoTensor || at(mask).integers)) return refuse("takes a mask of another type");
  }
  const TensorId result = emit_attention(query, keys, values, mask, std::move(params));
  if (!failed()) bind(node.output(), result);
}

TensorId Builder::emit_attention(TensorId query, TensorId keys, TensorId values, TensorId mask,
                                 AttentionParams params) {
  if (failed()) return query;
  const size_t rank = dims(query).size();
  const auto refused = [&](std::string_view what) {
    refuse(what);
    return query;
  };
  if (rank < 3 || rank > 5 || dims(keys).size() != rank || dims(values).size() != rank)
    return refused("takes operands of one rank");
  Dims out = dims(query);
  for (size_t d = 0; d + 2 < rank; ++d) {
    out[d] = std::max(out[d], dims(keys)[d]);
    for (TensorId id : {query, keys, values}) {
      if (dims(id)[d] != out[d] && dims(id)[d] != 1) return refused("takes operands of other batches");
    }
  }
  if (dims(keys).back() != out.back() || dims(keys)[rank - 2] != dims(values)[rank - 2])
    return refused("takes operands of other sizes");
  std::vector<TensorId> inputs = {query, keys, values};
  params.has_mask = mask != kNoTensor;
  if (params.has_mask) {
    const Dims& given = dims(mask);
    for (size_t d = 0; d < given.size(); ++d) {
      const size_t in = rank - given.size() + d;
      const int64_t wanted = in + 1 == rank ? dims(keys)[rank - 2] : in < rank ? out[in] : 0;
      if (given.size() > rank || (given[d] != wanted && given[d] != 1)) return refused("takes a mask of another size");
    }
    inputs.push_back(mask);
  }
  out.back() = dims(values).back();
  params.out_strides = contiguous_strides(out);
  // Plain execution's fused kernel, which takes what follows, keeps the order of the query's dimensions.
  bool fused = rank == 4 && dims(values).back() == dims(query).back();
  for (TensorId id : {query, keys, values}) {
    fused = fused && dims(id)[0] == out[0] && dims(id)[1] == out[1] && at(id).strides.back() == 1;
  }
  if (fused) params.out_strides = at::empty_like(meta_of(query)).strides().vec();
  const TensorId result = new_tensor(out, params.out_strides);
  new_step(std::move(params), std::move(inputs), result);
  return result;
}

}  // namespace vesta::runtime::plan
