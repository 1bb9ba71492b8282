#include "runtime/plan/group.h"

#include <algorithm>

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include "passes/pass.h"
#include "runtime/bytecode.h"
#include "runtime/lowering.h"
#include "runtime/plan/builder.h"
#include "runtime/plan/rewrites.h"

namespace vesta::runtime::plan {
namespace {

// A dense tensor in the CPU's memory, and nothing that the dispatcher would treat in another way.
bool is_plannable(const c10::IValue& value) {
  if (!value.isTensor()) return false;
  const at::Tensor& tensor = value.toTensor();
  // AutocastCPU is in every key set; whether it does anything is the thread's state.
  constexpr c10::DispatchKeySet kUsual({c10::DispatchKey::CPU, c10::DispatchKey::ADInplaceOrView,
                                        c10::DispatchKey::AutogradCPU, c10::DispatchKey::AutocastCPU});
  if (!tensor.defined() || (tensor.key_set().raw_repr() & ~kUsual.raw_repr()) != 0) return false;
  if (tensor.scalar_type() != at::kFloat) return true;  // Its sizes may be all that is asked for.
  if (!tensor.is_contiguous() || tensor.numel() == 0) return false;
  c10::TensorImpl* const impl = tensor.unsafeGetTensorImpl();
  if (impl->autograd_meta() == nullptr || !c10::GradMode::is_enabled()) return true;
  return !impl->requires_grad() && !tensor._fw_grad(0).defined();
}

// Whether operators would run plainly on this thread: nothing records or transforms them.
bool is_plain_thread() {
  constexpr c10::DispatchKeySet kUsual({c10::DispatchKey::BackendSelect, c10::DispatchKey::ADInplaceOrView});
  return (c10::impl::tls_local_dispatch_key_set().included_.raw_repr() & ~kUsual.raw_repr()) == 0;
}

}  // namespace

bool PlannedGroup::run(ir::Stack& stack) const {
  if (!std::all_of(stack.begin(), stack.end(), is_plannable) || !is_plain_thread()) return false;
  const std::shared_ptr<const Plan> plan = find(stack);
  if (plan == nullptr) return false;
  c10::SmallVector<const at::Tensor*, 8> inputs;
  for (const c10::IValue& value : stack) inputs.push_back(&value.toTensor());
  std::vector<c10::IValue> results;
  plan->run(inputs.data(), results);
  stack.swap(results);
  return true;
}

std::shared_ptr<const Plan> PlannedGroup::find(const ir::Stack& stack) const {
  c10::SmallVector<int64_t, 32> key = {at::get_num_threads()};
  for (const c10::IValue& value : stack) {
    const at::IntArrayRef sizes = value.toTensor().sizes();
    const bool foreign = value.toTensor().scalar_type() != at::kFloat;
    key.push_back(static_cast<int64_t>(sizes.size()) * 2 + (foreign ? 1 : 0));
    key.append(sizes.begin(), sizes.end());
  }
  std::lock_guard<std::mutex> lock(mutex_);
  ++clock_;
  for (Entry& entry : entries_) {
    if (!std::equal(key.begin(), key.end(), entry.key.begin(), entry.key.end())) continue;
    entry.used = clock_;
    return entry.plan;
  }
  Entry made{Dims(key.begin(), key.end()), make(stack), clock_};
  if (entries_.size() < kMaxPlans) {
    entries_.push_back(made);
  } else {
    *std::min_element(entries_.begin(), entries_.end(),
                      [](const Entry& a, const Entry& b) { return a.used < b.used; }) = made;
  }
  return made.plan;
}

// What cannot be planned runs plainly and meets its error there, if it is one.
std::shared_ptr<const Plan> PlannedGroup::make(const ir::Stack& stack) const {
  const c10::InferenceMode inference(false);
  const c10::NoGradGuard no_grad;
  std::vector<PlanInput> sizes;
  const ir::Node* refused = nullptr;
  for (const c10::IValue& value : stack)
    sizes.push_back({value.toTensor().sizes().vec(), value.toTensor().scalar_type() != at::kFloat});
  try {
    absl::StatusOr<PlanGraph> graph = build_plan_graph(*subgraph_, sizes, *constants_, &refused);
    if (!graph.ok()) {
      refusal_ = std::string(graph.status().message());
      // In another precision no part has a plan.
      const bool other_precision = std::any_of(stack.begin(), stack.end(), [](const c10::IValue& value) {
        return value.toTensor().scalar_type() != at::kFloat && value.toTensor().is_floating_point();
      });
      if (refused != nullptr && !other_precision) split_at(refused);
      return nullptr;
    }
    rewrite(*graph, *constants_);
    absl::StatusOr<std::shared_ptr<const Plan>> plan = Plan::compile(*std::move(graph), *constants_);
    if (plan.ok()) return *std::move(plan);
    refusal_ = std::string(plan.status().message());
  } catch (const c10::Error& error) {
    refusal_ = error.what_without_backtrace();
  }
  return nullptr;
}

PlannedGroup::~PlannedGroup() = default;

// Once: the parts split further where they have to. What fails here leaves the plain subgraph.
void PlannedGroup::split_at(const ir::Node* refused) const {
  if (split_owner_ != nullptr) return;
  std::shared_ptr<ir::Graph> graph = subgraph_->copy();
  ir::Node* copied = graph->block()->first();
  for (const ir::Node* node : subgraph_->nodes()) {
    if (copied == nullptr) return;
    if (node == refused) break;
    copied = copied->next();
  }
  if (copied == nullptr) return;
  copied->set(c10::Symbol::attr("unplanned"), int64_t{1});
  passes::PassContext context;
  const absl::StatusOr<bool> grouped = passes::group_planned_nodes(*graph, context);
  if (!grouped.ok() || !*grouped) return;
  absl::StatusOr<std::unique_ptr<Code>> code = lower(*graph, name_, program_, constants_);
  if (!code.ok()) return;
  (*code)->is_part = true;
  split_owner_ = *std::move(code);
  split_.store(split_owner_.get(), std::memory_order_release);
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
