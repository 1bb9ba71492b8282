// Options of calls, and functions compiled from source.

#include <atomic>
#include <chrono>
#include <thread>

#include <ATen/TensorOperators.h>
#include <ATen/core/class_type.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <vesta/vesta.h>

#include "tests/api/api_test_support.h"

namespace vesta {
namespace {

using test::message;
using test::must;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kEndless = "def spin(n: int) -> int:\n  i = 0\n  while i < n:\n    i += 1\n  return i\n";

TEST(Compile, GivesFunctionsThatCanBeCalled) {
  const Unit unit =
      must(compile("def twice(x: Tensor) -> Tensor:\n  return x + x\n\ndef three() -> int:\n  return 3\n"));
  EXPECT_TRUE(at::equal(must(get<at::Tensor>(unit.run_function("twice", {at::ones({2})}))), at::ones({2}) * 2));
  EXPECT_EQ(must(must(unit.get_function("three"))({})).toInt(), 3);
  EXPECT_EQ(must(unit.get_function("twice")).signature(), "twice(x: Tensor) -> Tensor");
  EXPECT_TRUE(unit.has_function("three"));
  EXPECT_EQ(message(unit.get_function("four")), "no function 'four'; there are: twice, three");
}

TEST(Compile, PointsAtTheMistake) {
  CompileOptions options;
  options.filename = "model.py";
  const absl::StatusOr<Unit> unit = compile("def f(x: Tensor) -> Tensor:\n  return torch.matmul(x, 3)\n", options);
  EXPECT_EQ(unit.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(message(unit), testing::StartsWith("model.py:2:"));
  EXPECT_THAT(message(unit), HasSubstr("return torch.matmul(x, 3)\n"));
  EXPECT_THAT(message(unit), HasSubstr("^"));
}

TEST(CallOptions, FuelEndsALoopAtTheSamePlace) {
  const Unit unit = must(compile(kEndless));
  CallOptions options;
  options.limits.fuel = 1000;
  const absl::StatusOr<c10::IValue> result = unit.run_function("spin", {int64_t{1} << 60}, {}, options);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(must(unit.run_function("spin", {10}, {}, options)).toInt(), 10);
}

TEST(CallOptions, DeadlineAndCancelEndALoop) {
  const Unit unit = must(compile(kEndless));
  CallOptions options;
  options.limits.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
  EXPECT_EQ(unit.run_function("spin", {int64_t{1} << 60}, {}, options).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  std::atomic<bool> cancel = false;
  options.limits.deadline.reset();
  options.limits.cancel = &cancel;
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    cancel = true;
  });
  EXPECT_EQ(unit.run_function("spin", {int64_t{1} << 60}, {}, options).status().code(), absl::StatusCode::kCancelled);
  other.join();
}

TEST(CallOptions, PrintGoesWhereTheCallSays) {
  const Unit unit = must(compile("def talk(n: int) -> int:\n  print('n is', n)\n  return n\n"));
  std::string printed;
  CallOptions options;
  options.print = [&](std::string_view text) { printed += text; };
  must(unit.run_function("talk", {3}, {}, options));
  EXPECT_EQ(printed, "n is 3\n");
}

TEST(Call, RunsInManyThreadsAtOnce) {
  Module module = must(load(test::corpus("mlp")));
  must(module.eval());
  const at::NoGradGuard no_grad;
  const at::Tensor expected = must(get<at::Tensor>(module.forward({at::ones({2, 3})})));
  EXPECT_FALSE(must(module.get_method("forward")).writes_state());
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      const at::NoGradGuard guard;
      for (int i = 0; i < 50; ++i) {
        const absl::StatusOr<at::Tensor> result = get<at::Tensor>(module.forward({at::ones({2, 3})}));
        if (!result.ok() || !at::equal(*result, expected)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Call, AnErrorTellsTheModelsLineAndTheCallChain) {
  const Unit unit =
      must(compile("def inner(x: Tensor) -> Tensor:\n  return torch.t(x)\n\n"
                   "def outer(x: Tensor) -> Tensor:\n  return inner(x)\n",
                   {.filename = "model.py"}));
  const absl::StatusOr<c10::IValue> result = unit.run_function("outer", {at::ones({2, 2, 2})});
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(message(result), testing::StartsWith("model.py:2:"));
  EXPECT_THAT(message(result), HasSubstr("in 'outer' at model.py:5:"));
}

TEST(Inspect, CountsWithoutRunning) {
  const Inspection inspection = must(inspect(test::corpus("mlp")));
  EXPECT_EQ(inspection.root.total_parameters, 3 * 5 + 5 + 5 + 5 + 5 * 2 + 2);
  EXPECT_EQ(inspection.methods.at(0).signature, "forward(x: Tensor) -> Tensor");
  EXPECT_TRUE(inspection.missing.empty());
  EXPECT_EQ(inspection.operators.at("aten::linear"), 2);
  ASSERT_EQ(inspection.root.children.size(), 1);
  EXPECT_EQ(inspection.root.children[0].children.size(), 5);
}

TEST(Inspect, CountsSharedTensorsOnce) {
  const Inspection inspection = must(inspect(test::corpus("shared_submodules")));
  const Module module = must(load(test::corpus("shared_submodules")));
  int64_t listed = 0;
  for (const at::Tensor& parameter : module.parameters()) listed += parameter.numel();
  EXPECT_LT(inspection.root.total_parameters, listed);
}

TEST(Version, IsTold) {
  EXPECT_EQ(version(), "0.1.0");
  EXPECT_THAT(std::string(libtorch_version()), testing::StartsWith("2."));
}

}  // namespace
}  // namespace vesta
