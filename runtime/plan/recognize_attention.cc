// Attention that programs write out: softmax(query * keys' * scale + mask) * values, and the copy that puts the heads
// of a row side by side.

#include <algorithm>
#include <limits>
#include <optional>

#include "runtime/plan/rewrites.h"

namespace vesta::runtime::plan {
namespace {

using Kind = PointValue::Kind;

class AttentionRecognizer {
 public:
  explicit AttentionRecognizer(PlanGraph& plan) : plan_(plan) {}

  void run() {
    index();
    for (size_t i = 0; i < plan_.steps.size(); ++i) {
      if (std::optional<Step> attention = match(plan_.steps[i])) plan_.steps[i] = std::move(*attention);
    }
    insert_masks();
    index();
    for (Step& step : plan_.steps) {
      if (auto* params = step.as<AttentionParams>()) take_copy(step, *params);
    }
    std::erase_if(plan_.steps, [](const Step& step) { return step.outputs.empty(); });
  }

 private:
  struct Uses {
    size_t producer = SIZE_MAX;
    size_t reader = SIZE_MAX;  // One of them.
    size_t count = 0;          // Readers, and once more for a result of the group.
    size_t views = 0;
    TensorId view = kNoTensor;  // One of them.
  };

  void index() {
    uses_.assign(plan_.tensors.size(), {});
    for (size_t i = 0; i < plan_.steps.size(); ++i) {
      for (TensorId input : plan_.steps[i].inputs) {
        ++uses(input).count;
        uses(input).reader = i;
      }
      for (TensorId output : plan_.steps[i].outputs) uses(output).producer = i;
    }
    for (TensorId output : plan_.outputs) ++uses(output).count;
    for (size_t i = 0; i < plan_.tensors.size(); ++i) {
      const auto id = static_cast<TensorId>(i);
      if (plan_.base(id) == id || uses(id).count == 0) continue;
      ++uses(plan_.base(id)).views;
      uses(plan_.base(id)).view = id;
    }
  }
  Uses& uses(TensorId id) { return uses_[static_cast<size_t>(id)]; }

  // The step that makes the tensor, if it is of that kind and nobody else reads what it makes.
  template <class Params>
  const Step* only_for(TensorId id) {
    const Uses& found = uses(id);
    if (found.producer == SIZE_MAX || found.count != 1 || found.views != 0) return nullptr;
    const Step& step = plan_.steps[found.producer];
    return step.as<Params>() != nullptr ? &step : nullptr;
  }
  const PointInstruction* only_instruction(TensorId id, const Step*& step) {
    step = only_for<PointwiseParams>(id);
    if (step == nullptr || step->as<PointwiseParams>()->program.size() != 1) return nullptr;
    return &step->as<PointwiseParams>()->program[0];
  }

  // softmax(...) * values
  std::optional<Step> match(const Step& last) {
    const auto* product = last.as<MatmulParams>();
    if (product == nullptr || product->rows || product->has_bias) return std::nullopt;
    const Step* softmax = only_for<SoftmaxParams>(last.inputs[0]);
    if (softmax == nullptr || softmax->as<SoftmaxParams>()->logarithm) return std::nullopt;
    const TensorId scores = softmax->inputs[0];
    const Dims& dims = plan_.tensor(scores).dims;
    const Dims& out = plan_.tensor(last.outputs[0]).dims;
    if (dims.size() < 3 || softmax->as<SoftmaxParams>()->axis != static_cast<int64_t>(dims.size()) - 1)
      return std::nullopt;
    // Values may come in more batches than scores do.
    if (!std::equal(out.begin(), out.end() - 1, dims.begin(), dims.end() - 1)) return std::nullopt;
    std::optional<Step> made = match_scores(scores);
    if (!made.has_value()) made = match_masked(scores);
    if (!made.has_value()) return std::nullopt;
    made->inputs[2] = last.inputs[1];
    made->outputs = last.outputs;
    made->as<AttentionParams>()->out_strides = plan_.tensor(last.outputs[0]).strides;
    return made;
  }

  // query * keys', scaled
  std::optional<Step> match_scores(TensorId scores) {
    AttentionParams params;
    const Step* step = nullptr;
    while (const PointInstruction* instruction = only_instruction(scores, step)) {
      const std::optional<float> factor = factor_of(*instruction);
      if (!factor.has_value()) return std::nullopt;
      params.scale *= *factor;
      scores = step->inputs[0];
    }
    const Step* product = only_for<MatmulParams>(scores);
    if (product == nullptr || product->as<MatmulParams>()->rows || product->as<MatmulParams>()->has_bias)
      return std::nullopt;
    Step made;
    made.params = std::move(params);
    made.inputs = {product->inputs[0], turned(product->inputs[1]), kNoTensor};
    return made;
  }

  static std::optional<float> factor_of(const PointInstruction& instruction) {
    const PointValue& a = instruction.args[0];
    const PointValue& b = instruction.args[1];
    if (instruction.op == PointOp::k_mul && a.kind == Kind::kNumber) return a.number;
    if (instruction.op == PointOp::k_mul && b.kind == Kind::kNumber) return b.number;
    if (instruction.op == PointOp::k_div && b.kind == Kind::kNumber && b.number != 0) return 1 / b.number;
    return std::nullopt;
  }

  // Scores plus a mask, or scores where a condition does not hold.
  std::optional<Step> match_masked(TensorId scores) {
    const Step* step = nullptr;
    const PointInstruction* instruction = only_instruction(scores, step);
    if (instruction == nullptr) return std::nullopt;
    const auto input = [&](size_t i) {
      const PointValue& value = instruction->args[i];
      return value.kind == Kind::kInput ? step->inputs[static_cast<size_t>(value.index)] : kNoTensor;
    };
    const Dims dims = plan_.tensor(scores).dims;
    const auto inner = [&](TensorId id) -> std::optional<Step> {
      if (id == kNoTensor || plan_.tensor(id).dims != dims) return std::nullopt;
      return match_scores(id);
    };
    const auto with = [](Step made, TensorId mask) {
      made.inputs.push_back(mask);
      made.as<AttentionParams>()->has_mask = true;
      return made;
    };
    if (instruction->op == PointOp::k_add) {
      for (size_t i = 0; i < 2; ++i) {
        const TensorId mask = input(1 - i);
        if (mask == kNoTensor || plan_.tensor(mask).mask || plan_.tensor(mask).integers) continue;
        if (std::optional<Step> made = inner(input(i))) return with(std::move(*made), mask);
      }
    }
    // -infinity plus any finite score is -infinity.
    const TensorId condition = input(0);
    const PointValue& filled = instruction->args[1];
    if (instruction->op == PointOp::k_where && condition != kNoTensor && filled.kind == Kind::kNumber &&
        filled.number == -std::numeric_limits<float>::infinity()) {
      if (std::optional<Step> made = inner(input(2))) return with(std::move(*made), mask_from(condition));
    }
    return std::nullopt;
  }

  // [..., depth, keys] as [..., keys, depth].
  TensorId turned(TensorId id) {
    PlanTensor view = plan_.tensor(id);
    std::swap(view.dims[view.dims.size() - 1], view.dims[view.dims.size() - 2]);
    std::swap(view.strides[view.strides.size() - 1], view.strides[view.strides.size() - 2]);
    if (view.is_constant()) {
      view.constant = view.constant.transpose(-1, -2);
      view.base = kNoTensor;
    }
    return plan_.add(std::move(view));
  }

  // where(condition, -infinity, 0), made by a step that insert_masks() puts behind the condition's.
  TensorId mask_from(TensorId condition) {
    PlanTensor mask;
    mask.dims = plan_.tensor(condition).dims;
    mask.strides = contiguous_strides(mask.dims);
    const TensorId id = plan_.add(std::move(mask));
    PointwiseParams params;
    params.dims = plan_.tensor(id).dims;
    params.program = {
        {PointOp::k_where,
         {{Kind::kInput, 0, 0}, {Kind::kNumber, 0, -std::numeric_limits<float>::infinity()}, {Kind::kNumber, 0, 0}}}};
    params.results = {0};
    Step step;
    step.params = std::move(params);
    step.inputs = {condition};
    step.outputs = {id};
    masks_.push_back(std::move(step));
    return id;
  }

  void insert_masks() {
    for (Step& mask : masks_) {
      const auto reader = std::find_if(plan_.steps.begin(), plan_.steps.end(), [&](const Step& step) {
        return std::find(step.inputs.begin(), step.inputs.end(), mask.outputs[0]) != step.inputs.end();
      });
      plan_.steps.insert(reader, std::move(mask));
    }
  }

  // Where the result is read by one copy of a permuted view alone, the copy's result is written at once.
  void take_copy(Step& attention, AttentionParams& params) {
    const PlanTensor& made = plan_.tensor(attention.outputs[0]);
    const Uses& result = uses(attention.outputs[0]);
    if (result.count != 0 || result.views != 1 || uses(result.view).count != 1) return;
    const size_t reader = uses(result.view).reader;
    if (reader == SIZE_MAX || plan_.steps[reader].as<CopyParams>() == nullptr) return;
    const PlanTensor& view = plan_.tensor(result.view);
    const TensorId copied = plan_.steps[reader].outputs[0];
    const Dims& strides = plan_.tensor(copied).strides;
    if (view.numel() != made.numel() || view.dims.size() != made.dims.size()) return;
    Dims out(made.dims.size(), 0);
    for (size_t d = 0; d < made.dims.size(); ++d) {
      if (made.dims[d] == 1) continue;
      size_t in = 0;
      while (in < view.dims.size() && (view.strides[in] != made.strides[d] || view.dims[in] != made.dims[d])) ++in;
      if (in == view.dims.size()) return;
      out[d] = strides[in];
    }
    if (made.dims.back() != 1 && out.back() != 1) return;  // A row's elements follow each other.
    params.out_strides = std::move(out);
    attention.outputs = {copied};
    plan_.steps[reader] = Step();
  }

  PlanGraph& plan_;
  std::vector<Uses> uses_;
  std::vector<Step> masks_;
};

}  // namespace

void recognize_attention(PlanGraph& plan) { AttentionRecognizer(plan).run(); }

}  // namespace vesta::runtime::plan
