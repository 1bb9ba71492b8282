#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "tests/runtime/programs.h"

namespace vesta::runtime {
namespace {

using testing::failure;
using testing::Programs;
using testing::run;

constexpr std::string_view kForever = R"(graph(%x : int):
  %max : int = prim::Constant[value=9223372036854775807]()
  %t : bool = prim::Constant[value=True]()
  %r : int = prim::Loop(%max, %t, %x)
    block0(%i : int, %y : int):
      %z : int = aten::add(%y, %y)
      -> (%t, %z)
  return (%r)
)";

constexpr std::string_view kCount = R"(graph(%n : int):
  %0 : int = prim::Constant[value=0]()
  %t : bool = prim::Constant[value=True]()
  %r : int = prim::Loop(%n, %t, %0)
    block0(%i : int, %y : int):
      %z : int = aten::add(%y, %i)
      -> (%t, %z)
  return (%r)
)";

TEST(CallLimits, FuelEndsALoopAtTheSamePlaceEachTime) {
  Programs programs;
  const auto* count = programs.function("count", kCount);
  // Two instructions an iteration, and a back-edge less than iterations.
  CallOptions options;
  options.limits.fuel = 2 * 99;
  EXPECT_EQ(run(*count, {int64_t{100}}, options).toInt(), 4950);
  const absl::Status status = failure(*count, {int64_t{101}}, options);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(status.message().find("model.py:4:3: error: the call has used up its fuel"), std::string::npos) << status;
}

TEST(CallLimits, FuelCoversCalls) {
  Programs programs;
  const c10::TypePtr type = c10::IntType::get();
  ir::Function* down = programs.define(programs.declare("down", {type}, type), R"(graph(%n : int):
  %down : Function = prim::Constant[name="down"]()
  %r : int = prim::CallFunction(%down, %n)
  return (%r)
)");
  CallOptions options;
  options.limits.fuel = 50;
  const absl::Status status = failure(*down, {int64_t{1}}, options);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(status.message().find("fuel"), std::string::npos) << status;
}

TEST(CallLimits, CancelEndsALoop) {
  Programs programs;
  const auto* forever = programs.function("forever", kForever);
  std::atomic<bool> cancel{false};
  CallOptions options;
  options.limits.cancel = &cancel;
  std::thread canceller([&cancel] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    cancel = true;
  });
  EXPECT_EQ(failure(*forever, {int64_t{1}}, options).code(), absl::StatusCode::kCancelled);
  canceller.join();
}

TEST(CallLimits, DeadlineEndsALoop) {
  Programs programs;
  const auto* forever = programs.function("forever", kForever);
  CallOptions options;
  options.limits.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
  EXPECT_EQ(failure(*forever, {int64_t{1}}, options).code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(CallLimits, ForkedCallsShareThem) {
  Programs programs;
  const auto* f = programs.function("f", R"(graph(%x : int):
  %f : Future[int] = prim::fork_0(%x)
  %y : int = aten::wait(%f)
  return (%y)
with prim::fork_0 = graph(%x : int):
  %max : int = prim::Constant[value=9223372036854775807]()
  %t : bool = prim::Constant[value=True]()
  %r : int = prim::Loop(%max, %t, %x)
    block0(%i : int, %y : int):
      %z : int = aten::add(%y, %y)
      -> (%t, %z)
  return (%r)
)");
  CallOptions options;
  options.limits.fuel = 1000;
  EXPECT_EQ(failure(*f, {int64_t{1}}, options).code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace vesta::runtime
