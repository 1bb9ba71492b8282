// Steps are visited in order. A step whose only reader is a pointwise one moves to the reader's place when both become
// one: what it reads is defined before, and nothing else waits for it.

#include "runtime/plan/rewrites.h"

#include <algorithm>
#include <optional>
#include <set>

#include <ATen/ops/add.h>
#include <ATen/ops/mul.h>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

namespace vesta::runtime::plan {
namespace {

using Kind = PointValue::Kind;
constexpr size_t kMaxPostOps = 8;
constexpr size_t kMaxProgram = 96;
constexpr size_t kMaxProgramInputs = 16;
constexpr size_t kMaxProgramOutputs = 8;

class Rewriter {
 public:
  Rewriter(PlanGraph& plan, DerivedConstants& constants) : plan_(plan), constants_(constants) {}

  void run() {
    remove_unread();
    index();
    recognize_silu();
    remove_unread();
    index();
    fuse_into_producers();
    remove_unread();
    index();
    join_pointwise();
    remove_unread();
  }

 private:
  struct Readers {
    std::multiset<size_t> steps;  // Those that read it twice count twice.
    bool escapes = false;         // A result of the group, or seen through views.
    bool has_views = false;
  };

  void index() {
    readers_.assign(plan_.tensors.size(), {});
    producer_.assign(plan_.tensors.size(), SIZE_MAX);
    for (size_t i = 0; i < plan_.steps.size(); ++i) {
      for (TensorId input : plan_.steps[i].inputs) readers_[static_cast<size_t>(input)].steps.insert(i);
      for (TensorId output : plan_.steps[i].outputs) producer_[static_cast<size_t>(output)] = i;
    }
    for (TensorId output : plan_.outputs) {
      readers_[static_cast<size_t>(output)].escapes = true;
      readers_[static_cast<size_t>(plan_.base(output))].escapes = true;
    }
    for (size_t i = 0; i < plan_.tensors.size(); ++i) {
      if (plan_.tensors[i].base != static_cast<TensorId>(i)) {
        Readers& base = readers_[static_cast<size_t>(plan_.tensors[i].base)];
        base.escapes = base.has_views = true;
      }
    }
  }

  const Readers& readers(TensorId id) const { return readers_[static_cast<size_t>(id)]; }
  bool removed(const Step& step) const { return step.outputs.empty(); }
  static void remove(Step& step) { step = Step(); }

  void remove_unread() {
    std::vector<bool> read(plan_.tensors.size(), false);
    const auto mark = [&](TensorId id) {
      read[static_cast<size_t>(id)] = true;
      read[static_cast<size_t>(plan_.base(id))] = true;
    };
    for (TensorId output : plan_.outputs) mark(output);
    for (size_t i = plan_.steps.size(); i-- > 0;) {
      Step& step = plan_.steps[i];
      const bool used = std::any_of(step.outputs.begin(), step.outputs.end(),
                                    [&](TensorId output) { return read[static_cast<size_t>(output)]; });
      if (!used) {
        remove(step);
      } else {
        for (TensorId input : step.inputs) mark(input);
      }
    }
    std::erase_if(plan_.steps, [this](const Step& step) { return removed(step); });
    // Views that nobody reads hide nothing.
    for (size_t i = 0; i < plan_.tensors.size(); ++i) {
      if (!read[i]) plan_.tensors[i].base = static_cast<TensorId>(i);
    }
  }

  // x * sigmoid(x)
  void recognize_silu() {
    for (Step& step : plan_.steps) {
      auto* point = step.as<PointwiseParams>();
      if (point == nullptr || point->program[0].op != PointOp::k_mul || step.inputs.size() != 2) continue;
      for (size_t i = 0; i < 2; ++i) {
        const size_t producer = producer_[static_cast<size_t>(step.inputs[i])];
        if (producer == SIZE_MAX) continue;
        const auto* inner = plan_.steps[producer].as<PointwiseParams>();
        if (inner == nullptr || inner->program[0].op != PointOp::k_sigmoid) continue;
        if (plan_.steps[producer].inputs[0] != step.inputs[1 - i]) continue;
        step.inputs = {step.inputs[1 - i]};
        point->program[0] = {PointOp::k_silu, {{Kind::kInput, 0, 0}, {}, {}}};
        break;
      }
    }
  }

  // ---- Into convolutions and matrix products

  void fuse_into_producers() {
    for (size_t i = 0; i < plan_.steps.size(); ++i) {
      while (fuse_step(i)) {
      }
    }
  }

  // Joins pointwise step `i` with the last of its producers that takes it.
  bool fuse_step(size_t i) {
    Step& step = plan_.steps[i];
    const auto* point = step.as<PointwiseParams>();
    if (point == nullptr || removed(step) || point->program.size() != 1) return false;
    std::vector<std::pair<size_t, TensorId>> producers;
    for (TensorId input : step.inputs) {
      const size_t producer = producer_[static_cast<size_t>(input)];
      if (producer != SIZE_MAX && is_fusible(plan_.steps[producer], input) && plan_.tensor(input).dims == point->dims)
        producers.emplace_back(producer, input);
    }
    std::sort(producers.rbegin(), producers.rend());
    for (const auto& [producer, input] : producers) {
      Step fused = plan_.steps[producer];
      if (!fold(fused, step, input) && !append(fused, step, input)) continue;
      fused.outputs = step.outputs;
      remove(plan_.steps[producer]);
      step = std::move(fused);
      producer_[static_cast<size_t>(step.outputs[0])] = i;
      for (TensorId read : step.inputs) {
        auto& list = readers_[static_cast<size_t>(read)].steps;
        list.erase(producer);
        if (!list.contains(i)) list.insert(i);
      }
      return true;
    }
    return false;
  }

  bool is_fusible(const Step& producer, TensorId output) const {
    if (removed(producer) || producer.outputs[0] != output) return false;
    if (producer.as<ConvParams>() == nullptr && producer.as<MatmulParams>() == nullptr) return false;
    return readers(output).steps.size() == 1 && !readers(output).escapes;
  }

  // The dimension of the results that a bias belongs to.
  static size_t channel_axis(const Step& step, size_t rank) { return step.as<ConvParams>() != nullptr ? 1 : rank - 1; }

  // A constant by channel, where the value is one.
  std::optional<at::Tensor> channel_constant(const Step& point, const PointValue& value, const Dims& out,
                                             size_t axis) const {
    if (value.kind != Kind::kInput) return std::nullopt;
    const PlanTensor& tensor = plan_.tensor(point.inputs[static_cast<size_t>(value.index)]);
    if (!tensor.is_constant() || tensor.numel() != out[axis] || tensor.dims.size() > out.size()) return std::nullopt;
    const size_t missing = out.size() - tensor.dims.size();
    if (axis < missing || tensor.dims[axis - missing] != out[axis]) return std::nullopt;
    return tensor.constant;
  }

  // Scales and shifts by channel become weights and bias.
  bool fold(Step& fused, const Step& point, TensorId input) {
    if (!fused.post_ops.empty()) return false;
    const auto* conv = fused.as<ConvParams>();
    const auto* matmul = fused.as<MatmulParams>();
    if (conv != nullptr && conv->transposed && conv->groups != 1) return false;
    if (matmul != nullptr && !matmul->rows) return false;
    const PointInstruction& instruction = point.as<PointwiseParams>()->program[0];
    const Dims& out = plan_.tensor(input).dims;
    const size_t axis = channel_axis(fused, out.size());
    const auto is_result = [&](const PointValue& value) {
      return value.kind == Kind::kInput && point.inputs[static_cast<size_t>(value.index)] == input;
    };
    std::optional<at::Tensor> scale;
    std::optional<at::Tensor> shift;
    const size_t other = is_result(instruction.args[0]) ? 1 : 0;
    if (instruction.op == PointOp::k_fma) {
      if (other != 1) return false;
      scale = channel_constant(point, instruction.args[1], out, axis);
      shift = channel_constant(point, instruction.args[2], out, axis);
      if (!scale.has_value() || !shift.has_value()) return false;
    } else if (instruction.op == PointOp::k_mul) {
      scale = channel_constant(point, instruction.args[other], out, axis);
      if (!scale.has_value()) return false;
    } else if (instruction.op == PointOp::k_add) {
      shift = channel_constant(point, instruction.args[other], out, axis);
      if (!shift.has_value()) return false;
    } else {
      return false;
    }
    set_weights(fused, out[axis], scale, shift);
    return true;
  }

  void set_weights(Step& fused, int64_t channels, const std::optional<at::Tensor>& scale,
                   const std::optional<at::Tensor>& shift) {
    const bool has_bias = fused.inputs.size() > 2;
    at::Tensor bias = has_bias ? plan_.tensor(fused.inputs[2]).constant : at::Tensor();
    if (scale.has_value()) {
      fused.inputs[1] = fused.as<ConvParams>() != nullptr ? scaled_later(fused, channels, *scale)
                                                          : scaled_now(fused.inputs[1], channels, *scale);
      if (has_bias) {
        bias = constants_.get("scaled_bias", {bias, *scale}, [&] { return at::mul(bias, scale->reshape({channels})); });
      }
    }
    if (shift.has_value()) {
      bias = has_bias ? constants_.get("shifted_bias", {bias, *shift},
                                       [&] { return at::add(bias, shift->reshape({channels})); })
                      : constants_.get("bias", {*shift}, [&] { return shift->reshape({channels}).contiguous(); });
    }
    if (!bias.defined()) return;
    if (!has_bias) fused.inputs.push_back(kNoTensor);
    fused.inputs[2] = add_constant(bias);
    if (auto* params = fused.as<ConvParams>()) params->has_bias = true;
    if (auto* params = fused.as<MatmulParams>()) params->has_bias = true;
  }

  // A product's weights, whose channels are columns.
  TensorId scaled_now(TensorId weights, int64_t channels, const at::Tensor& scale) {
    const at::Tensor weight = plan_.tensor(weights).constant;
    return add_constant(constants_.get(
        "scaled", {weight, scale},
        [&] {
          return at::mul(weight, scale.reshape({1, channels}));
        },
        DerivedConstants::Form{weight.scalar_type(), weight.sizes().vec()}));
  }

  // A convolution's weights: large ones would be in memory twice, scaled and packed.
  TensorId scaled_later(const Step& convolution, int64_t channels, const at::Tensor& scale) {
    const at::Tensor weight = plan_.tensor(convolution.inputs[1]).constant;
    const at::Tensor before = plan_.tensor(convolution.inputs[1]).scale;
    at::Tensor factors = constants_.get("factors", {scale}, [&] { return scale.reshape({channels}).contiguous(); });
    if (before.defined())
      factors = constants_.get("product", {before, factors}, [&] { return at::mul(before, factors); });
    const TensorId scaled = add_constant(weight);
    plan_.tensor(scaled).scale = factors;
    return scaled;
  }

  TensorId add_constant(const at::Tensor& constant) {
    PlanTensor tensor;
    tensor.dims = constant.sizes().vec();
    tensor.strides = constant.strides().vec();
    tensor.constant = constant;
    const TensorId id = plan_.add(std::move(tensor));
    readers_.resize(plan_.tensors.size());
    producer_.resize(plan_.tensors.size(), SIZE_MAX);
    return id;
  }

  // The instruction as a post-op of `fused`.
  bool append(Step& fused, const Step& point, TensorId input) {
    if (fused.post_ops.size() >= kMaxPostOps) return false;
    const PointInstruction& instruction = point.as<PointwiseParams>()->program[0];
    std::optional<PostOp> made = number_post_op(instruction);
    if (!made.has_value()) made = tensor_post_op(fused, point, input, instruction);
    if (!made.has_value()) return false;
    fused.post_ops.push_back(*made);
    return true;
  }

  // What is one operation with numbers.
  static std::optional<PostOp> number_post_op(const PointInstruction& instruction) {
    const PointValue* args = instruction.args;
    const bool first = args[0].kind == Kind::kInput;
    const float number = first ? args[1].number : args[0].number;
    switch (instruction.op) {
      case PointOp::k_relu:
      case PointOp::k_sigmoid:
      case PointOp::k_tanh:
      case PointOp::k_silu:
      case PointOp::k_gelu_erf:
      case PointOp::k_gelu_tanh:
      case PointOp::k_hardswish:
      case PointOp::k_hardsigmoid:
      case PointOp::k_abs:
      case PointOp::k_square:
      case PointOp::k_sqrt:
      case PointOp::k_exp:
        return PostOp{instruction.op};
      case PointOp::k_clamp:
        return PostOp{instruction.op, args[1].number, args[2].number};
      case PointOp::k_leaky_relu:
      case PointOp::k_elu:
        return PostOp{instruction.op, args[1].number};
      case PointOp::k_add:
      case PointOp::k_mul:
        if (args[0].kind == Kind::kInput && args[1].kind == Kind::kInput) return std::nullopt;
        return PostOp{instruction.op, number};
      case PointOp::k_sub:
        if (!first || args[1].kind == Kind::kInput) return std::nullopt;
        return PostOp{PointOp::k_add, -number};
      case PointOp::k_div:
        if (!first || args[1].kind == Kind::kInput || number == 0) return std::nullopt;
        return PostOp{PointOp::k_mul, 1 / number};
      default:
        return std::nullopt;
    }
  }

  // What reads another tensor of the same sizes.
  std::optional<PostOp> tensor_post_op(Step& fused, const Step& point, TensorId input,
                                       const PointInstruction& instruction) const {
    const bool commutes = instruction.op == PointOp::k_add || instruction.op == PointOp::k_mul;
    if (!commutes && instruction.op != PointOp::k_sub) return std::nullopt;
    if (point.inputs.size() != 2) return std::nullopt;
    const bool first = point.inputs[static_cast<size_t>(instruction.args[0].index)] == input;
    if (!first && !commutes) return std::nullopt;
    const TensorId other = point.inputs[static_cast<size_t>(instruction.args[first ? 1 : 0].index)];
    const PlanTensor& tensor = plan_.tensor(other);
    if (tensor.dims != plan_.tensor(input).dims || tensor.mask || !is_contiguous(tensor)) return std::nullopt;
    fused.inputs.push_back(other);
    return PostOp{instruction.op, 0, 0, static_cast<int32_t>(fused.inputs.size() - 1)};
  }

  // ---- Pointwise steps with each other

  void join_pointwise() {
    for (size_t i = 0; i < plan_.steps.size(); ++i) {
      while (join_producer(i)) {
      }
    }
  }

  bool join_producer(size_t i) {
    const Step& step = plan_.steps[i];
    if (removed(step) || step.as<PointwiseParams>() == nullptr) return false;
    for (TensorId input : step.inputs) {
      const size_t producer = producer_[static_cast<size_t>(input)];
      if (producer == SIZE_MAX || producer >= i || !can_join(plan_.steps[producer], i)) continue;
      join(producer, i);
      return true;
    }
    return false;
  }

  bool can_join(const Step& producer, size_t i) const {
    const auto* earlier = producer.as<PointwiseParams>();
    const auto* later = plan_.steps[i].as<PointwiseParams>();
    if (removed(producer) || earlier == nullptr || earlier->dims != later->dims) return false;
    if (earlier->program.size() + later->program.size() > kMaxProgram) return false;
    if (producer.inputs.size() + plan_.steps[i].inputs.size() > kMaxProgramInputs) return false;
    if (producer.outputs.size() + plan_.steps[i].outputs.size() > kMaxProgramOutputs) return false;
    for (TensorId output : producer.outputs) {
      for (size_t reader : readers(output).steps) {
        if (reader < i) return false;
      }
      // Views of it may be read between the two.
      if (readers(output).has_views) return false;
    }
    return true;
  }

  void join(size_t producer, size_t i) {
    Step earlier = std::move(plan_.steps[producer]);
    remove(plan_.steps[producer]);
    Step& later = plan_.steps[i];
    auto& first = *earlier.as<PointwiseParams>();
    auto& second = *later.as<PointwiseParams>();
    Step joined;
    PointwiseParams params;
    params.dims = second.dims;
    params.program = first.program;
    joined.inputs = earlier.inputs;
    const auto offset = static_cast<int32_t>(first.program.size());
    for (PointInstruction instruction : second.program) {
      for (PointValue& value : instruction.args) {
        if (value.kind == Kind::kResult) value.index += offset;
        if (value.kind == Kind::kInput)
          value = joined_input(later.inputs[static_cast<size_t>(value.index)], earlier, joined);
      }
      params.program.push_back(instruction);
    }
    for (size_t k = 0; k < earlier.outputs.size(); ++k) {
      const Readers& read = readers(earlier.outputs[k]);
      const bool elsewhere =
          std::any_of(read.steps.begin(), read.steps.end(), [i](size_t reader) { return reader != i; });
      if (!elsewhere && !read.escapes) continue;
      joined.outputs.push_back(earlier.outputs[k]);
      params.results.push_back(first.results[k]);
    }
    for (size_t k = 0; k < later.outputs.size(); ++k) {
      joined.outputs.push_back(later.outputs[k]);
      params.results.push_back(second.results[k] + offset);
    }
    joined.params = std::move(params);
    later = std::move(joined);
    for (TensorId output : later.outputs) producer_[static_cast<size_t>(output)] = i;
    for (TensorId output : earlier.outputs) readers_[static_cast<size_t>(output)].steps.erase(i);
    for (TensorId input : later.inputs) {
      auto& list = readers_[static_cast<size_t>(input)].steps;
      list.erase(producer);
      if (!list.contains(i)) list.insert(i);
    }
  }

  static PointValue joined_input(TensorId id, const Step& earlier, Step& joined) {
    for (size_t k = 0; k < earlier.outputs.size(); ++k) {
      if (earlier.outputs[k] == id) {
        return {Kind::kResult, std::get<PointwiseParams>(earlier.params).results[k], 0};
      }
    }
    auto found = std::find(joined.inputs.begin(), joined.inputs.end(), id);
    const PointValue value{Kind::kInput, static_cast<int32_t>(found - joined.inputs.begin()), 0};
    if (found == joined.inputs.end()) joined.inputs.push_back(id);
    return value;
  }

  PlanGraph& plan_;
  DerivedConstants& constants_;
  std::vector<Readers> readers_;
  std::vector<size_t> producer_;
};

}  // namespace

void rewrite(PlanGraph& plan, DerivedConstants& constants) {
  recognize_attention(plan);
  Rewriter(plan, constants).run();
}

}  // namespace vesta::runtime::plan
