// Operators that are whole layers: encoder layers and attention of transformers, cells of recurrent networks. Each is
// taken apart into products and pointwise steps.

#include <cmath>

#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runtime/plan/builder_context.h"

namespace vesta::runtime::plan {

// A linear layer; `bias` may be undefined.
TensorId Builder::emit_linear(TensorId input, const at::Tensor& weight, const at::Tensor& bias) {
  if (failed()) return input;
  if (!weight.defined() || weight.dim() != 2 || dims(input).empty() || dims(input).back() != weight.size(1) ||
      (bias.defined() && (bias.dim() != 1 || bias.size(0) != weight.size(0)))) {
    refuse("takes weights of another size");
    return input;
  }
  const at::Tensor transposed = constants_.get("transposed", {weight}, [&] { return weight.t(); });
  return emit_rows(input, constant_tensor(transposed), bias.defined() ? constant_tensor(bias) : kNoTensor);
}

// `scale` and `shift` may be undefined.
TensorId Builder::emit_layer_norm(TensorId input, const at::Tensor& scale, const at::Tensor& shift, double epsilon) {
  if (failed()) return input;
  const TensorId source = contiguous(input);
  const int64_t size = dims(source).back();
  const at::Tensor factors = scale.defined() ? scale : at::ones({size});
  const at::Tensor terms = shift.defined() ? shift : at::zeros({size});
  if (factors.dim() != 1 || terms.dim() != 1 || factors.size(0) != size || terms.size(0) != size) {
    refuse("takes a scale of another size");
    return input;
  }
  const TensorId output = new_tensor(dims(source));
  new_step(LayerNormParams{static_cast<float>(epsilon)}, {source, constant_tensor(factors), constant_tensor(terms)},
           output);
  return output;
}

TensorId Builder::emit_binary(PointOp op, TensorId a, TensorId b) {
  if (failed()) return a;
  const Operand operands[] = {{.tensor = a}, {.tensor = b}};
  return emit_point(op, operands);
}

TensorId Builder::emit_unary(PointOp op, TensorId a) {
  if (failed()) return a;
  const Operand operands[] = {{.tensor = a}};
  return emit_point(op, operands);
}

// A part of the last dimension.
TensorId Builder::columns(TensorId id, int64_t first, int64_t count) {
  if (failed()) return id;
  return view_of(id, meta_of(id).narrow(-1, first, count));
}

// Self-attention of [batch, rows, size] with joined weights, without the projection's residual.
TensorId Builder::emit_self_attention(TensorId input, int64_t heads, const at::Tensor& weight, const at::Tensor& bias,
                                      const at::Tensor& out_weight, const at::Tensor& out_bias) {
  const Dims in = dims(input);
  if (in.size() != 3 || heads < 1 || in[2] % heads != 0 || !weight.defined() || weight.size(0) != 3 * in[2]) {
    refuse("takes another number of heads");
    return input;
  }
  const int64_t size = in[2] / heads;
  const TensorId joined = emit_linear(input, weight, bias);
  if (failed()) return input;
  const auto part = [&](int64_t index) {
    return meta_of(joined).narrow(-1, index * in[2], in[2]).view({in[0], in[1], heads, size}).permute({0, 2, 1, 3});
  };
  const TensorId query = view_of(joined, part(0));
  const TensorId keys = view_of(joined, part(1));
  const TensorId values = view_of(joined, part(2));
  AttentionParams params;
  params.scale = static_cast<float>(1 / std::sqrt(static_cast<double>(size)));
  const TensorId mixed = emit_attention(query, keys, values, kNoTensor, std::move(params));
  if (failed()) return input;
  const TensorId rows = contiguous(view_of(mixed, meta_of(mixed).permute({0, 2, 1, 3})));
  return emit_linear(reshaped(rows, in), out_weight, out_bias);
}

// _transformer_encoder_layer_fwd(src, embed_dim, num_heads, qkv_weight, qkv_bias, proj_weight, proj_bias, use_gelu,
//   norm_first, eps, norm_weight_1, norm_bias_1, norm_weight_2, norm_bias_2, ffn_weight_1, ffn_bias_1, ffn_weight_2,
//   ffn_bias_2, mask, mask_type)
void Builder::encoder_layer(const Node& node) {
  TensorId x = tensor(node, 0);
  if (!is_none(node, 18)) return refuse("takes a mask");
  const bool gelu = boolean(node, 7);
  const bool norm_first = boolean(node, 8);
  const double epsilon = number(node, 9);
  at::Tensor held[18];
  for (size_t i = 3; i < 18; ++i) {
    if (i < 7 || i > 9) held[i] = constant_of(node, i);
  }
  if (failed()) return;
  const auto norm = [&](TensorId id, size_t i) { return emit_layer_norm(id, held[i], held[i + 1], epsilon); };
  const TensorId attended =
      emit_self_attention(norm_first ? norm(x, 10) : x, integer(node, 2), held[3], held[4], held[5], held[6]);
  x = emit_binary(PointOp::k_add, attended, x);
  if (!norm_first) x = norm(x, 10);
  TensorId inner = emit_linear(norm_first ? norm(x, 12) : x, held[14], held[15]);
  inner = emit_unary(gelu ? PointOp::k_gelu_erf : PointOp::k_relu, inner);
  x = emit_binary(PointOp::k_add, emit_linear(inner, held[16], held[17]), x);
  if (!norm_first) x = norm(x, 12);
  if (!failed()) bind(node.output(), x);
}

// _native_multi_head_attention(query, key, value, embed_dim, num_head, qkv_weight, qkv_bias, proj_weight, proj_bias,
//   mask, need_weights, average_attn_weights, mask_type)
void Builder::native_attention(const Node& node) {
  const TensorId query = tensor(node, 0);
  if (tensor(node, 1) != query || tensor(node, 2) != query) return refuse("attends to something else");
  if (!is_none(node, 9) || boolean(node, 10) || node.output(1)->has_uses())
    return refuse("takes a mask or gives weights");
  const at::Tensor weight = constant_of(node, 5);
  const at::Tensor bias = constant_of(node, 6);
  const at::Tensor out_weight = constant_of(node, 7);
  const at::Tensor out_bias = constant_of(node, 8);
  const int64_t heads = integer(node, 4);
  if (failed()) return;
  const TensorId result = emit_self_attention(query, heads, weight, bias, out_weight, out_bias);
  if (failed()) return;
  bind(node.output(0), result);
}

// gru_cell(input, hx, w_ih, w_hh, b_ih, b_hh)
void Builder::gru_cell(const Node& node) {
  const TensorId hidden = tensor(node, 1);
  const at::Tensor bias = is_none(node, 4) ? at::Tensor() : constant_of(node, 4);
  const at::Tensor hidden_bias = is_none(node, 5) ? at::Tensor() : constant_of(node, 5);
  const at::Tensor weight = constant_of(node, 2);
  const at::Tensor hidden_weight = constant_of(node, 3);
  if (failed() || dims(hidden).size() != 2) return refuse("takes a batch");
  const int64_t size = dims(hidden)[1];
  if (weight.size(0) != 3 * size) return refuse("takes weights of another size");
  const TensorId x = emit_linear(tensor(node, 0), weight, bias);
  const TensorId h = emit_linear(hidden, hidden_weight, hidden_bias);
  const auto sum = [&](int64_t part) {
    return emit_binary(PointOp::k_add, columns(x, part * size, size), columns(h, part * size, size));
  };
  const TensorId reset = emit_unary(PointOp::k_sigmoid, sum(0));
  const TensorId update = emit_unary(PointOp::k_sigmoid, sum(1));
  const TensorId gated = emit_binary(PointOp::k_mul, columns(h, 2 * size, size), reset);
  const TensorId fresh = emit_unary(PointOp::k_tanh, emit_binary(PointOp::k_add, columns(x, 2 * size, size), gated));
  const TensorId moved = emit_binary(PointOp::k_mul, emit_binary(PointOp::k_sub, hidden, fresh), update);
  const TensorId result = emit_binary(PointOp::k_add, moved, fresh);
  if (failed() || dims(result) != dims(hidden)) return refuse("takes a hidden state of another size");
  bind(node.output(), result);
}

// lstm_cell(input, hx, w_ih, w_hh, b_ih, b_hh)
void Builder::lstm_cell(const Node& node) {
  const Abstract state = value(node.input(1));
  const at::Tensor bias = is_none(node, 4) ? at::Tensor() : constant_of(node, 4);
  const at::Tensor hidden_bias = is_none(node, 5) ? at::Tensor() : constant_of(node, 5);
  const at::Tensor weight = constant_of(node, 2);
  const at::Tensor hidden_weight = constant_of(node, 3);
  if (failed() || state.kind != Abstract::Kind::kList || state.elements.size() != 2) return refuse("takes a pair");
  const TensorId hidden = tensor_of(state.elements[0]);
  const TensorId cell = tensor_of(state.elements[1]);
  if (failed() || dims(hidden).size() != 2 || dims(cell) != dims(hidden)) return refuse("takes a batch");
  const int64_t size = dims(hidden)[1];
  if (weight.dim() != 2 || weight.size(0) != 4 * size) return refuse("takes weights of another size");
  const TensorId x = emit_linear(tensor(node, 0), weight, bias);
  const TensorId gates = emit_binary(PointOp::k_add, emit_linear(hidden, hidden_weight, hidden_bias), x);
  if (failed() || dims(gates) != Dims{dims(hidden)[0], 4 * size}) return refuse("takes a state of another size");
  const auto gate = [&](PointOp op, int64_t part) { return emit_unary(op, columns(gates, part * size, size)); };
  const TensorId kept = emit_binary(PointOp::k_mul, gate(PointOp::k_sigmoid, 1), cell);
  const TensorId added = emit_binary(PointOp::k_mul, gate(PointOp::k_sigmoid, 0), gate(PointOp::k_tanh, 2));
  const TensorId next = emit_binary(PointOp::k_add, kept, added);
  const TensorId shown = emit_binary(PointOp::k_mul, gate(PointOp::k_sigmoid, 3), emit_unary(PointOp::k_tanh, next));
  if (failed()) return;
  bind(node.output(0), shown);
  bind(node.output(1), next);
}

// zeros_like, ones_like(self, dtype, layout, device, pin_memory, memory_format)
void Builder::filled(const Node& node) {
  const TensorId input = tensor(node, 0);
  const bool float32 = is_none(node, 1) || integer(node, 1) == static_cast<int64_t>(at::kFloat);
  if (!float32 || !is_none(node, 5) || failed() || at(input).mask || !is_contiguous(at(input)))
    return refuse("makes another type");
  const double held = node.kind() == c10::Symbol::aten("zeros_like") ? 0 : 1;
  const Dims sizes = dims(input);
  const at::Tensor made = constants_.get(absl::StrCat("filled:", held, ":", absl::StrJoin(sizes, ",")), {},
                                         [&] { return at::zeros(sizes, at::kFloat).fill_(held); });
  // Writing into it is refused, as into any constant.
  bind(node.output(), constant_tensor(made));
}

}  // namespace vesta::runtime::plan
