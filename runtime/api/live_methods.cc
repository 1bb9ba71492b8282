// A generation is what was made for one state of the module: the optimized methods and what they rest on. What a
// method may change is never a part of it (FrozenState); of what it may write to in place, only which tensor that is.

#include "runtime/api/live_methods.h"

#include <algorithm>
#include <bit>
#include <utility>

#include <ATen/core/class_type.h>
#include <c10/core/GradMode.h>

#include "ir/support/status.h"
#include "runtime/api/frozen_methods.h"
#include "runtime/api/module_tree.h"

namespace vesta::internal {
namespace {

constexpr int64_t kManyCalls = 64;  // A generation that has served so many was worth making.
constexpr int64_t kLongestWait = 64;

const void* address_of(const at::Tensor& tensor) {
  return tensor.has_storage() ? tensor.unsafeGetTensorImpl()->unsafe_storage().data() : nullptr;
}

// What an attribute was.
class Guard {
 public:
  Guard(const c10::ivalue::Object& object, size_t slot, bool written)
      : object_(&object), slot_(slot), value_(object.getSlot(slot)) {
    const bool tensor = value_.isTensor() && value_.toTensor().defined();
    is_tensor_ = tensor;
    is_written_ = written;
    if (!tensor || written) return;
    address_ = address_of(value_.toTensor());
    version_ = value_.toTensor()._version();
  }

  bool holds() const {
    const auto& slots = object_->slots();
    if (slot_ >= slots.size()) return false;
    const c10::IValue& now = slots[slot_];
    if (is_tensor_) {
      if (!now.isTensor() || now.toTensor().unsafeGetTensorImpl() != value_.toTensor().unsafeGetTensorImpl())
        return false;
      return is_written_ || (now.toTensor()._version() == version_ && address_of(now.toTensor()) == address_);
    }
    // NaN is what it was.
    if (now.isDouble() && value_.isDouble())
      return std::bit_cast<int64_t>(now.toDouble()) == std::bit_cast<int64_t>(value_.toDouble());
    return now.is(value_);
  }
  bool requires_gradient() const { return is_tensor_ && value_.toTensor().requires_grad(); }

 private:
  const c10::ivalue::Object* object_;
  size_t slot_;
  c10::IValue value_;
  bool is_tensor_ = false;
  bool is_written_ = false;
  const void* address_ = nullptr;
  uint32_t version_ = 0;
};

}  // namespace

struct LiveMethods::Generation {
  std::shared_ptr<const FrozenMethods> methods;
  std::vector<Guard> guards;

  bool holds() const {
    return std::all_of(guards.begin(), guards.end(), [](const Guard& guard) { return guard.holds(); });
  }
  bool requires_gradient() const {
    return std::any_of(guards.begin(), guards.end(), [](const Guard& guard) { return guard.requires_gradient(); });
  }

  static std::shared_ptr<const Generation> of(const ObjectPtr& root, std::shared_ptr<const FrozenMethods> methods) {
    auto made = std::make_shared<Generation>();
    made->methods = std::move(methods);
    const FrozenState& state = made->methods->state();
    for_each_module(root, [&](const ObjectPtr& module) {
      for (size_t i = 0; i < module->slots().size(); ++i) {
        switch (state.change(*module, i)) {
          case FrozenState::Change::kNever:
            made->guards.emplace_back(*module, i, false);
            break;
          case FrozenState::Change::kWritten:
            made->guards.emplace_back(*module, i, true);
            break;
          case FrozenState::Change::kAny:
            break;
        }
      }
    });
    return made;
  }
};

absl::StatusOr<std::shared_ptr<const LiveMethods>> LiveMethods::create(const ObjectPtr& root,
                                                                       const OptimizationOptions& options) {
  VESTA_RETURN_IF_ERROR(check_passes(options));
  if (options.level == OptimizationLevel::kO0) return std::shared_ptr<const LiveMethods>();
  return std::shared_ptr<const LiveMethods>(new LiveMethods(root, options));
}

LiveMethods::Lease LiveMethods::current() const {
  std::unique_ptr<Kept> kept = kept_.take();
  if (kept == nullptr || !kept->generation->holds()) {
    std::shared_ptr<const Generation> generation = current_of_all();
    if (generation == nullptr) return Lease();
    kept.reset(new Kept{std::move(generation)});
  }
  if (++kept->calls == kManyCalls) {
    const std::lock_guard<std::mutex> lock(mutex_);
    changes_ = 0;
  }
  return Lease(*this, std::move(kept));
}

std::shared_ptr<const LiveMethods::Generation> LiveMethods::current_of_all() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (generation_ != nullptr && generation_->holds()) return generation_;
  if (generation_ != nullptr) {
    generation_ = nullptr;
    kept_.clear();
    to_wait_ = std::min(kLongestWait, (int64_t{1} << std::min(changes_, 16)) - 1);
    ++changes_;
  }
  if (to_wait_-- > 0) return nullptr;
  absl::StatusOr<std::shared_ptr<const FrozenMethods>> methods = FrozenMethods::create_live(root_, options_);
  if (!methods.ok()) return nullptr;
  generation_ = Generation::of(root_, *std::move(methods));
  return generation_;
}

std::shared_ptr<const LiveMethods> LiveMethods::for_instance(const ObjectPtr& root) const {
  std::shared_ptr<LiveMethods> made(new LiveMethods(root, options_));
  const Lease lease = current();
  if (const Generation* mine = lease.generation()) {
    if (std::shared_ptr<const FrozenMethods> methods = mine->methods->for_instance(root)) {
      made->generation_ = Generation::of(root, std::move(methods));
    }
  }
  return made;
}

absl::StatusOr<const std::shared_ptr<const runtime::Code>*> LiveMethods::code(const c10::ivalue::Object& object,
                                                                              const ir::Function& method,
                                                                              const std::vector<c10::IValue>& arguments,
                                                                              Lease& lease) const {
  lease = current();
  const Generation* const generation = lease.generation();
  if (generation == nullptr) return &kNoCode;
  if (c10::GradMode::is_enabled() && generation->requires_gradient()) return &kNoCode;
  return generation->methods->code(object, method, arguments);
}

}  // namespace vesta::internal
