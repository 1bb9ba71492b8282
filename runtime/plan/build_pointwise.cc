// Operators on elements, each a pointwise program of one or a few instructions; the rewrites join them.

#include <cmath>
#include <limits>

#include <ATen/ops/add.h>
#include <ATen/ops/empty_like.h>

#include "runtime/plan/builder_context.h"

namespace vesta::runtime::plan {

namespace aten = c10::aten;

Builder::Operand Builder::operand(const Node& node, size_t i) {
  const Abstract& held = value(node.input(i));
  if (held.kind == Abstract::Kind::kTensor) {
    const TensorId id = cells_[held.cell];
    return {.tensor = id, .is_mask = at(id).mask};
  }
  if (held.kind == Abstract::Kind::kConstant && held.constant.isTensor() && held.constant.toTensor().defined()) {
    const at::Tensor& constant = held.constant.toTensor();
    const c10::ScalarType type = constant.scalar_type();
    const bool is_number = constant.dim() == 0 && constant.device().is_cpu() && constant.layout() == c10::kStrided &&
                           (type == at::kFloat || type == at::kDouble || type == at::kLong || type == at::kInt);
    if (is_number) return {.number = constant.item().toDouble()};
    return {.tensor = tensor_of(held)};
  }
  return {.number = number(node, i)};
}

TensorId Builder::emit_point(PointOp op, std::span<const Operand> operands, bool mask) {
  PointwiseParams params;
  PointInstruction instruction{op, {}};
  std::vector<TensorId> inputs;
  for (size_t i = 0; i < operands.size(); ++i) {
    PointValue& argument = instruction.args[i];
    if (operands[i].tensor == kNoTensor) {
      argument = {PointValue::Kind::kNumber, 0, static_cast<float>(operands[i].number)};
      continue;
    }
    auto found = std::find(inputs.begin(), inputs.end(), operands[i].tensor);
    argument = {PointValue::Kind::kInput, static_cast<int32_t>(found - inputs.begin()), 0};
    if (found == inputs.end()) inputs.push_back(operands[i].tensor);
  }
  if (inputs.empty()) refuse("computes with numbers alone");
  if (failed()) return constant_tensor(at::Tensor());
  // As TensorIterator has it: sizes broadcast, strides follow the operands'.
  PlanTensor result;
  result.mask = mask;
  bool all_plain = true;
  for (TensorId input : inputs) all_plain = all_plain && is_contiguous(at(input)) && dims(input) == dims(inputs[0]);
  if (all_plain) {
    result.dims = dims(inputs[0]);
    result.strides = contiguous_strides(result.dims);
  } else {
    at::Tensor meta = meta_of(inputs[0]);
    if (inputs.size() == 1) meta = at::empty_like(meta);
    for (size_t i = 1; i < inputs.size(); ++i) meta = at::add(meta, meta_of(inputs[i]));
    result.dims = meta.sizes().vec();
    result.strides = meta.strides().vec();
  }
  params.dims = result.dims;
  params.program = {instruction};
  params.results = {0};
  const TensorId output = plan_.add(std::move(result));
  new_step(std::move(params), std::move(inputs), output);
  return output;
}

void Builder::bind_point(const Node& node, PointOp op, std::initializer_list<Operand> operands, bool mask) {
  if (failed()) return;
  const TensorId output = emit_point(op, std::span<const Operand>(operands.begin(), operands.size()), mask);
  if (!failed()) bind_written(node, output);
}

void Builder::unary(const Node& node) {
  static const auto* const table = new absl::flat_hash_map<std::string_view, PointOp>{
      {"relu", PointOp::k_relu},     {"sigmoid", PointOp::k_sigmoid},
      {"tanh", PointOp::k_tanh},     {"exp", PointOp::k_exp},
      {"log", PointOp::k_log},       {"log1p", PointOp::k_log1p},
      {"sqrt", PointOp::k_sqrt},     {"rsqrt", PointOp::k_rsqrt},
      {"neg", PointOp::k_neg},       {"abs", PointOp::k_abs},
      {"silu", PointOp::k_silu},     {"hardswish", PointOp::k_hardswish},
      {"square", PointOp::k_square}, {"reciprocal", PointOp::k_reciprocal},
      {"floor", PointOp::k_floor},   {"ceil", PointOp::k_ceil},
      {"isnan", PointOp::k_isnan},   {"hardsigmoid", PointOp::k_hardsigmoid},
      {"relu6", PointOp::k_clamp},
  };
  std::string_view name = node.kind().toUnqualString();
  if (name.back() == '_') name.remove_suffix(1);
  const PointOp op = table->at(name);
  const Operand x = operand(node, 0);
  if (x.is_mask) return refuse("takes numbers");
  if (op == PointOp::k_clamp) return bind_point(node, op, {x, {.number = 0}, {.number = 6}});
  bind_point(node, op, {x}, op == PointOp::k_isnan);
}

// mul, maximum, minimum
void Builder::binary(const Node& node) {
  static const auto* const table = new absl::flat_hash_map<c10::Symbol, PointOp>{
      {aten::mul, PointOp::k_mul},
      {aten::mul_, PointOp::k_mul},
      {aten::maximum, PointOp::k_max},
      {aten::minimum, PointOp::k_min},
  };
  const Operand x = operand(node, 0);
  const Operand y = operand(node, 1);
  if (x.is_mask && (y.is_mask || y.tensor == kNoTensor)) return refuse("takes bool tensors");
  if ((x.is_mask || y.is_mask) && node.kind() != aten::mul) return refuse("takes bool tensors");
  bind_point(node, table->at(node.kind()), {x, y});
}

void Builder::comparison(const Node& node) {
  static const auto* const table = new absl::flat_hash_map<c10::Symbol, PointOp>{
      {aten::gt, PointOp::k_gt}, {aten::ge, PointOp::k_ge}, {aten::lt, PointOp::k_lt},
      {aten::le, PointOp::k_le}, {aten::eq, PointOp::k_eq}, {aten::ne, PointOp::k_ne},
  };
  const Operand x = operand(node, 0);
  const Operand y = operand(node, 1);
  if (x.is_mask || y.is_mask) return refuse("takes bool tensors");
  bind_point(node, table->at(node.kind()), {x, y}, true);
}

// add, sub, rsub (self, other, alpha)
void Builder::add_or_subtract(const Node& node) {
  Operand x = operand(node, 0);
  Operand y = operand(node, 1);
  const double alpha = node.inputs().size() > 2 ? number(node, 2) : 1;
  if (failed()) return;
  if (x.is_mask || y.is_mask) return refuse("takes bool tensors");
  if (node.kind() == aten::rsub) std::swap(x, y);
  Operand& scaled = node.kind() == aten::rsub ? x : y;
  if (alpha != 1) {
    if (scaled.tensor == kNoTensor) {
      scaled.number *= alpha;
    } else {
      const Operand factors[] = {scaled, {.number = alpha}};
      scaled = {.tensor = emit_point(PointOp::k_mul, factors)};
    }
  }
  const bool is_sum = node.kind() == aten::add || node.kind() == aten::add_;
  bind_point(node, is_sum ? PointOp::k_add : PointOp::k_sub, {x, y});
}

void Builder::divide(const Node& node) {
  if (node.inputs().size() > 2 && !is_none(node, 2)) return refuse("rounds its result");
  const Operand x = operand(node, 0);
  const Operand y = operand(node, 1);
  if (x.is_mask || y.is_mask) return refuse("takes bool tensors");
  bind_point(node, PointOp::k_div, {x, y});
}

void Builder::power(const Node& node) {
  const Operand x = operand(node, 0);
  const Operand y = operand(node, 1);
  if (x.is_mask || y.is_mask) return refuse("takes bool tensors");
  if (y.tensor == kNoTensor && y.number == 2) return bind_point(node, PointOp::k_square, {x});
  if (y.tensor == kNoTensor && y.number == 0.5) return bind_point(node, PointOp::k_sqrt, {x});
  if (y.tensor == kNoTensor && y.number == -0.5) return bind_point(node, PointOp::k_rsqrt, {x});
  bind_point(node, PointOp::k_pow, {x, y});
}

// clamp(self, min, max), hardtanh(self, min_val, max_val), clamp_min, clamp_max
void Builder::clamp(const Node& node) {
  const Operand x = operand(node, 0);
  if (x.is_mask) return refuse("takes numbers");
  const bool upper_only = node.kind() == aten::clamp_max || node.kind() == aten::clamp_max_;
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  if (upper_only) {
    high = number(node, 1);
  } else {
    if (!is_none(node, 1)) low = number(node, 1);
    if (node.inputs().size() > 2 && !is_none(node, 2)) high = number(node, 2);
  }
  bind_point(node, PointOp::k_clamp, {x, {.number = low}, {.number = high}});
}

void Builder::gelu(const Node& node) {
  const Operand x = operand(node, 0);
  const Abstract& kind = value(node.input(1));
  if (x.is_mask || kind.kind != Abstract::Kind::kConstant || !kind.constant.isString()) return refuse("takes a name");
  bind_point(node, kind.constant.toStringRef() == "tanh" ? PointOp::k_gelu_tanh : PointOp::k_gelu_erf, {x});
}

void Builder::leaky_relu(const Node& node) {
  bind_point(node, PointOp::k_leaky_relu, {operand(node, 0), {.number = number(node, 1)}});
}

// elu(self, alpha, scale, input_scale)
void Builder::elu(const Node& node) {
  if (number(node, 2) != 1 || number(node, 3) != 1) return refuse("scales");
  bind_point(node, PointOp::k_elu, {operand(node, 0), {.number = number(node, 1)}});
}

// softplus(self, beta, threshold)
void Builder::softplus(const Node& node) {
  if (number(node, 1) != 1 || number(node, 2) != 20) return refuse("has another slope");
  bind_point(node, PointOp::k_softplus, {operand(node, 0)});
}

// where(condition, self, other)
void Builder::where(const Node& node) {
  if (node.inputs().size() != 3) return refuse("lists indices");
  const Operand condition = operand(node, 0);
  const Operand x = operand(node, 1);
  const Operand y = operand(node, 2);
  if (!condition.is_mask || x.is_mask || y.is_mask) return refuse("takes a computed bool tensor");
  if (x.tensor == kNoTensor && y.tensor == kNoTensor) return refuse("chooses between numbers");
  bind_point(node, PointOp::k_where, {condition, x, y});
}

// masked_fill(self, mask, value)
void Builder::masked_fill(const Node& node) {
  const Operand x = operand(node, 0);
  const Operand condition = operand(node, 1);
  const Operand value = operand(node, 2);
  if (failed() || x.tensor == kNoTensor || x.is_mask || !condition.is_mask || value.tensor != kNoTensor)
    return refuse("fills by something else than a computed bool tensor and a number");
  const Dims before = dims(x.tensor);
  if (!is_contiguous(at(x.tensor))) return refuse("fills in other strides");
  const Operand operands[] = {condition, value, x};
  const TensorId filled = emit_point(PointOp::k_where, operands);
  if (!failed() && dims(filled) != before) return refuse("fills a tensor that is made larger");
  if (!failed()) bind(node.output(), filled);
}

}  // namespace vesta::runtime::plan
