#include "runtime/plan/tuning.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include "absl/strings/str_cat.h"
#include "runtime/plan/compiler_context.h"

namespace vesta::runtime::plan {
namespace {

thread_local int scopes = 0;

// A run that takes longer is repeated less.
constexpr double kLongRun = .2;  // Seconds.
constexpr size_t kRuns = 9;
constexpr size_t kLongRuns = 5;
// Of the best so far: what is gained has to be more than noise.
constexpr double kFaster = .97;

using Way = std::function<bool(ir::Stack&)>;

// Seconds. Where one thread computes, those that it had a processor: other work on the machine does not count.
double now() {
  if (at::get_num_threads() == 1) {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Nothing where it fails.
std::optional<double> time_once(const Way& way, const ir::Stack& inputs) {
  ir::Stack stack = inputs;
  const double begin = now();
  if (!way(stack)) return std::nullopt;
  return now() - begin;
}

// Whether the second way is faster than the first: the median of several turns, and the shortest ones.
bool is_faster(const Way& first, const Way& second, const ir::Stack& inputs) {
  size_t runs = kRuns;
  // The first turn packs and fills caches.
  for (const Way* way : {&first, &second}) {
    const std::optional<double> seconds = time_once(*way, inputs);
    if (!seconds.has_value()) return way == &first;
    if (*seconds > kLongRun) runs = kLongRuns;
  }
  std::vector<double> ratios;
  double shortest[2] = {HUGE_VAL, HUGE_VAL};
  for (size_t run = 0; run < runs; ++run) {
    const std::optional<double> a = time_once(first, inputs);
    const std::optional<double> b = time_once(second, inputs);
    if (!a.has_value() || !b.has_value()) return !a.has_value();
    shortest[0] = std::min(shortest[0], *a);
    shortest[1] = std::min(shortest[1], *b);
    ratios.push_back(*b / *a);
  }
  std::nth_element(ratios.begin(), ratios.begin() + static_cast<ptrdiff_t>(runs / 2), ratios.end());
  return ratios[runs / 2] < kFaster && shortest[1] < shortest[0] * kFaster;
}

class Chooser {
 public:
  Chooser(const PlanGraph& graph, const ir::Stack& inputs) : graph_(graph), inputs_(inputs) {}

  PlanChoice choose(const Way& run_plainly) {
    PlanChoice choice;
    const ConvolutionLayouts rule = Compiler::layouts_by_rule(graph_);
    choice.layouts = rule;
    const Way by_rule = planned(rule);
    Way best = by_rule;
    const auto try_layouts = [&](const ConvolutionLayouts& layouts) {
      const Way way = planned(layouts);
      if (!is_faster(best, way, inputs_)) return;
      choice.layouts = layouts;
      best = way;
    };
    if (Compiler::may_take_blocks(graph_)) {
      ConvolutionLayouts other = choice.layouts;
      other.flip();
      try_layouts(other);
      for (const std::vector<size_t>& stage : stages()) {
        other = choice.layouts;
        for (size_t convolution : stage) other[convolution] = !other[convolution];
        try_layouts(other);
      }
      // Once more: of many trials one may win by luck.
      if (choice.layouts != rule && !is_faster(by_rule, best, inputs_)) {
        choice.layouts = rule;
        best = by_rule;
      }
    }
    choice.plain = is_faster(best, run_plainly, inputs_);
    return choice;
  }

 private:
  // The plan's packed weights live as long as it is compared.
  Way planned(const ConvolutionLayouts& layouts) const {
    auto constants = std::make_shared<DerivedConstants>();
    absl::StatusOr<std::shared_ptr<const Plan>> plan = Plan::compile(graph_, *constants, layouts);
    if (!plan.ok()) return [](ir::Stack&) { return false; };
    return [constants, plan = *std::move(plan)](ir::Stack& stack) { return plan->run(stack); };
  }

  // Convolutions that follow each other with results of one size.
  std::vector<std::vector<size_t>> stages() const {
    std::vector<std::vector<size_t>> stages;
    Dims last;
    size_t number = 0;
    for (const Step& step : graph_.steps) {
      if (step.as<ConvParams>() == nullptr) continue;
      const Dims& out = graph_.tensor(step.outputs[0]).dims;
      const Dims size(out.begin() + 2, out.end());
      if (stages.empty() || size != last) stages.emplace_back();
      stages.back().push_back(number++);
      last = size;
    }
    if (stages.size() == 1) stages.clear();  // All of them were tried.
    return stages;
  }

  const PlanGraph& graph_;
  const ir::Stack& inputs_;
};

// What tells plans of one function apart: a weight.
at::Tensor first_constant(const PlanGraph& graph) {
  for (const Step& step : graph.steps) {
    for (TensorId input : step.inputs) {
      if (graph.tensor(input).is_constant()) return graph.tensor(input).constant;
    }
  }
  return {};
}

std::string name_of(const std::string& kind) { return absl::StrCat("choice:", kind); }

}  // namespace

TuningScope::TuningScope() { ++scopes; }
TuningScope::~TuningScope() { --scopes; }
bool is_tuning() { return scopes > 0; }

PlanChoice choose_by_timing(const PlanGraph& graph, const ir::Stack& inputs,
                            const std::function<bool(ir::Stack&)>& run_plainly) {
  return Chooser(graph, inputs).choose(run_plainly);
}

// As bytes: whether it runs plainly, and each convolution's layout.
void keep_choice(const PlanGraph& graph, const std::string& kind, const PlanChoice& choice,
                 DerivedConstants& constants) {
  const at::Tensor source = first_constant(graph);
  if (!source.defined()) return;
  const at::Tensor value = at::empty({static_cast<int64_t>(choice.layouts.size()) + 1}, at::kByte);
  auto* bytes = value.mutable_data_ptr<uint8_t>();
  *bytes++ = choice.plain ? 1 : 0;
  for (const bool blocked : choice.layouts) *bytes++ = blocked ? 1 : 0;
  constants.set(name_of(kind), {source}, value);
}

std::optional<PlanChoice> kept_choice(const PlanGraph& graph, const std::string& kind,
                                      const DerivedConstants& constants) {
  const at::Tensor source = first_constant(graph);
  if (!source.defined()) return std::nullopt;
  const at::Tensor value = constants.find(name_of(kind), {source});
  PlanChoice choice;
  choice.layouts = Compiler::layouts_by_rule(graph);
  // A file's may be of any form.
  const auto size = static_cast<int64_t>(choice.layouts.size()) + 1;
  if (!value.defined() || value.scalar_type() != at::kByte || !value.is_contiguous() || value.numel() != size)
    return std::nullopt;
  const auto* bytes = value.const_data_ptr<uint8_t>();
  choice.plain = bytes[0] != 0;
  for (size_t i = 0; i < choice.layouts.size(); ++i) choice.layouts[i] = bytes[i + 1] != 0;
  return choice;
}

}  // namespace vesta::runtime::plan
