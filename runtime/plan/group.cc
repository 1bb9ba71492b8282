#include "runtime/plan/group.h"

#include <algorithm>
#include <optional>

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "passes/pass.h"
#include "runtime/bytecode.h"
#include "runtime/evaluate_operator.h"
#include "runtime/lowering.h"
#include "runtime/plan/plan_impl.h"
#include "runtime/plan/rewrites.h"
#include "runtime/runner.h"

namespace vesta::runtime::plan {
namespace {

// What the value is to a plan; nothing where none can take it: what is no dense tensor in the CPU's memory, and
// whatever the dispatcher would treat in another way.
std::optional<InputKind> kind_of(const c10::IValue& value) {
  if (value.isInt()) return InputKind::kInt;
  if (!value.isTensor()) return std::nullopt;
  const at::Tensor& tensor = value.toTensor();
  // AutocastCPU is in every key set; whether it does anything is the thread's state.
  constexpr c10::DispatchKeySet kUsual({c10::DispatchKey::CPU, c10::DispatchKey::ADInplaceOrView,
                                        c10::DispatchKey::AutogradCPU, c10::DispatchKey::AutocastCPU});
  if (!tensor.defined() || (tensor.key_set().raw_repr() & ~kUsual.raw_repr()) != 0) return std::nullopt;
  const caffe2::TypeMeta type = tensor.dtype();
  const bool plain = tensor.is_contiguous() && tensor.numel() != 0;
  // Of others the sizes may be all that is asked for.
  if (type == caffe2::TypeMeta::Make<int64_t>()) return plain ? InputKind::kLong : InputKind::kOther;
  if (type != caffe2::TypeMeta::Make<float>()) {
    return tensor.is_floating_point() ? InputKind::kOtherFloat : InputKind::kOther;
  }
  if (!plain) return std::nullopt;
  c10::TensorImpl* const impl = tensor.unsafeGetTensorImpl();
  if (impl->autograd_meta() == nullptr || !c10::GradMode::is_enabled()) return InputKind::kFloat;
  if (impl->requires_grad() || tensor._fw_grad(0).defined()) return std::nullopt;
  return InputKind::kFloat;
}

// Whether operators would run plainly on this thread: nothing records or transforms them.
bool is_plain_thread() {
  constexpr c10::DispatchKeySet kUsual({c10::DispatchKey::BackendSelect, c10::DispatchKey::ADInplaceOrView});
  return (c10::impl::tls_local_dispatch_key_set().included_.raw_repr() & ~kUsual.raw_repr()) == 0;
}

}  // namespace

PlannedGroup::Ready::~Ready() {
  if (context != nullptr) plan->give_back(std::move(context));
}

bool PlannedGroup::run(ir::Stack& stack) const {
  if (!is_plain_thread()) return false;
  std::unique_ptr<Ready> ready = ready_.take();
  if (ready == nullptr || is_tuning() || !fits(ready->key, stack)) {
    ready = find(stack);
    if (ready == nullptr) return false;
  }
  const bool done = ready->plan->run(stack, *ready->context);
  ready_.put(std::move(ready));
  return done;
}

bool PlannedGroup::fits(const Key& key, const ir::Stack& stack) {
  if (key.threads != at::get_num_threads()) return false;
  for (size_t i = 0; i < stack.size(); ++i) {
    if (kind_of(stack[i]) != key.inputs[i].kind) return false;
    if (stack[i].isTensor() && stack[i].toTensor().sizes() != at::IntArrayRef(key.inputs[i].sizes)) return false;
  }
  return true;
}

std::optional<PlannedGroup::Key> PlannedGroup::key_of(const ir::Stack& stack) {
  Key key{at::get_num_threads(), {}};
  for (const c10::IValue& value : stack) {
    const std::optional<InputKind> kind = kind_of(value);
    if (!kind.has_value()) return std::nullopt;
    key.inputs.push_back({*kind == InputKind::kInt ? Dims() : value.toTensor().sizes().vec(), *kind});
  }
  return key;
}

std::unique_ptr<PlannedGroup::Ready> PlannedGroup::find(const ir::Stack& stack) const {
  std::optional<Key> key = key_of(stack);
  if (!key.has_value()) return nullptr;
  std::shared_ptr<const Plan> plan;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ++clock_;
    auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.key == *key; });
    if (found != entries_.end() && is_tuning() && !found->is_tuned) {
      found->plan = make(*key, stack);
      found->is_tuned = true;
    }
    if (found != entries_.end()) {
      found->used = clock_;
      plan = found->plan;
    } else {
      Entry made{*key, make(*key, stack), clock_, is_tuning()};
      plan = made.plan;
      if (entries_.size() < kMaxPlans) {
        entries_.push_back(std::move(made));
      } else {
        *std::min_element(entries_.begin(), entries_.end(),
                          [](const Entry& a, const Entry& b) { return a.used < b.used; }) = std::move(made);
      }
    }
  }
  if (plan == nullptr) return nullptr;
  std::unique_ptr<Ready> ready(new Ready{*std::move(key), plan, plan->take_context()});
  return ready;
}

// What cannot be planned runs plainly and meets its error there, if it is one.
std::shared_ptr<const Plan> PlannedGroup::make(const Key& key, const ir::Stack& inputs) const {
  const c10::InferenceMode inference(false);
  const c10::NoGradGuard no_grad;
  const ir::Node* refused = nullptr;
  try {
    absl::StatusOr<PlanGraph> graph = build_plan_graph(*subgraph_, key.inputs, *constants_, &refused);
    if (!graph.ok()) {
      refusal_ = std::string(graph.status().message());
      // In another precision no part has a plan.
      const bool other_precision = std::any_of(key.inputs.begin(), key.inputs.end(), [](const PlanInput& input) {
        return input.kind == InputKind::kOtherFloat;
      });
      if (refused != nullptr && !other_precision) split_at(refused);
      return nullptr;
    }
    rewrite(*graph, *constants_);
    const PlanChoice chosen = choice(*graph, key, inputs);
    if (chosen.plain) {
      refusal_ = "runs faster without a plan";
      return nullptr;
    }
    absl::StatusOr<std::shared_ptr<const Plan>> plan = Plan::compile(*graph, *constants_, chosen.layouts);
    if (plan.ok()) return *std::move(plan);
    refusal_ = std::string(plan.status().message());
  } catch (const c10::Error& error) {
    refusal_ = error.what_without_backtrace();
  }
  return nullptr;
}

PlanChoice PlannedGroup::choice(const PlanGraph& graph, const Key& key, const ir::Stack& inputs) const {
  std::string kind = absl::StrCat(key.threads);
  for (const PlanInput& input : key.inputs)
    absl::StrAppend(&kind, ";", static_cast<int>(input.kind), ":", absl::StrJoin(input.sizes, "x"));
  if (!is_tuning()) return kept_choice(graph, kind, *constants_).value_or(PlanChoice());
  const std::shared_ptr<const ir::Graph> plain = folded();
  absl::StatusOr<std::unique_ptr<Code>> lowered =
      lower(plain == nullptr ? *subgraph_ : *plain, name_, program_, constants_);
  const std::shared_ptr<const Code> code = lowered.ok() ? *std::move(lowered) : nullptr;
  const PlanChoice chosen = choose_by_timing(graph, inputs, [&](ir::Stack& stack) {
    return code != nullptr && Runner::standard().run(code, stack, CallOptions()).ok();
  });
  keep_choice(graph, kind, chosen, *constants_);
  return chosen;
}

PlannedGroup::~PlannedGroup() = default;

const Code* PlannedGroup::plain() const {
  if (!is_folded_.load(std::memory_order_acquire)) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!is_folded_.load(std::memory_order_relaxed) && !is_split_) {
      if (const std::shared_ptr<const ir::Graph> graph = folded()) set_plain(*graph);
    }
    is_folded_.store(true, std::memory_order_release);
  }
  return plain_.load(std::memory_order_acquire);
}

std::shared_ptr<const ir::Graph> PlannedGroup::folded() const {
  std::shared_ptr<ir::Graph> graph = subgraph_->copy();
  passes::PassContext context;
  context.evaluate = evaluate_operator;
  context.without = {"group_planned_nodes"};
  const absl::StatusOr<bool> folded = passes::fold_conv_batch_norm(*graph, context);
  if (!folded.ok() || !*folded) return nullptr;
  return graph;
}

// Once: the parts split further where they have to. What fails here leaves the plain subgraph.
void PlannedGroup::split_at(const ir::Node* refused) const {
  if (is_split_) return;
  is_split_ = true;
  std::shared_ptr<ir::Graph> graph = subgraph_->copy();
  ir::Node* copied = graph->block()->first();
  for (const ir::Node* node : subgraph_->nodes()) {
    if (copied == nullptr) return;
    if (node == refused) break;
    copied = copied->next();
  }
  if (copied == nullptr) return;
  copied->set(passes::unplanned_mark(), int64_t{1});
  passes::PassContext context;
  context.evaluate = evaluate_operator;
  const absl::StatusOr<bool> folded = passes::fold_conv_batch_norm(*graph, context);
  if (!folded.ok()) return;
  const absl::StatusOr<bool> grouped = passes::group_planned_nodes(*graph, context);
  if (grouped.ok() && *grouped) set_plain(*graph);
}

void PlannedGroup::set_plain(const ir::Graph& graph) const {
  absl::StatusOr<std::unique_ptr<Code>> code = lower(graph, name_, program_, constants_);
  if (!code.ok()) return;
  (*code)->is_part = true;
  made_.push_back(*std::move(code));
  plain_.store(made_.back().get(), std::memory_order_release);
}

size_t PlannedGroup::plans() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<size_t>(
      std::count_if(entries_.begin(), entries_.end(), [](const Entry& entry) { return entry.plan != nullptr; }));
}

std::string PlannedGroup::refusal() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return refusal_;
}

}  // namespace vesta::runtime::plan
