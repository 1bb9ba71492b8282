#include "runtime/run_control.h"

namespace vesta::runtime {

RunControl::RunControl(const CallLimits& limits, int64_t call_depth, const PrintHandler* print)
    : limited_(limits.fuel.has_value() || limits.deadline.has_value() || limits.cancel != nullptr),
      call_depth_(call_depth),
      has_fuel_(limits.fuel.has_value()),
      fuel_(limits.fuel.value_or(0)),
      deadline_(limits.deadline),
      cancel_(limits.cancel),
      print_(print) {}

const std::shared_ptr<RunControl>& RunControl::unlimited() {
  static auto* const control = new RunControl(CallLimits(), Limits().call_depth);
  // Without an owner: nobody counts who uses it, at which all threads would wait for each other.
  static const auto* const shared = new std::shared_ptr<RunControl>(std::shared_ptr<void>(), control);
  return *shared;
}

absl::Status RunControl::check(int64_t cost) {
  if (has_fuel_ && fuel_.fetch_sub(cost, std::memory_order_relaxed) < cost) {
    return absl::ResourceExhaustedError("the call has used up its fuel");
  }
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (cancel_ != nullptr && cancel_->load(std::memory_order_relaxed)) {
      return absl::CancelledError("the call was cancelled");
    }
  }
  if (deadline_.has_value() && std::chrono::steady_clock::now() > *deadline_) {
    return absl::DeadlineExceededError("the call's deadline has passed");
  }
  return absl::OkStatus();
}

void RunControl::print(std::string_view text) {
  std::lock_guard<std::mutex> lock(print_mutex_);
  const PrintScope scope(print_);
  print_text(text);
}

void RunControl::finish_call() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    cancel_ = nullptr;
  }
  std::lock_guard<std::mutex> lock(print_mutex_);
  print_ = nullptr;
}

}  // namespace vesta::runtime
