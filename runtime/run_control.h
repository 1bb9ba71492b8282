#pragma once

// What one call and the tasks that it forks have in common: limits, and where print() goes.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>

#include "absl/status/status.h"
#include "ir/support/limits.h"
#include "runtime/kernels/print_handler.h"

namespace vesta::runtime {

// Shared by all threads that work for one call. Thread-safe.
class RunControl {
 public:
  // `print`: null for the standard output. Not owned; used until finish_call().
  RunControl(const CallLimits& limits, int64_t call_depth, const PrintHandler* print = nullptr);

  // Nothing is limited but the depth of calls, by its default.
  static const std::shared_ptr<RunControl>& unlimited();

  // Whether check() has anything to do.
  bool limited() const { return limited_; }
  int64_t call_depth() const { return call_depth_; }
  // After `cost` instructions: Cancelled, DeadlineExceeded or ResourceExhausted where the call has to end.
  absl::Status check(int64_t cost);

  // For tasks: prints where the call does.
  void print(std::string_view text);

  // The caller's flag and handler may go away after this: tasks that nobody waited for do not use them any more.
  void finish_call();

  // Kept for as long as tasks of the call may run.
  std::shared_ptr<const void> owner;

 private:
  const bool limited_;
  const int64_t call_depth_;
  const bool has_fuel_;
  std::atomic<int64_t> fuel_;
  const std::optional<std::chrono::steady_clock::time_point> deadline_;
  std::mutex mutex_;  // Guards cancel_ once a task has been forked; the flag itself is atomic.
  const std::atomic<bool>* cancel_;
  std::mutex print_mutex_;
  const PrintHandler* print_;  // Guarded by print_mutex_.
};

}  // namespace vesta::runtime
