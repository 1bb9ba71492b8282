#include <chrono>
#include <thread>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "runtime/errors.h"
#include "tests/runtime/programs.h"

namespace vesta::runtime {
namespace {

using c10::IValue;
using testing::failure;
using testing::Programs;
using testing::run;

const c10::TypePtr kInt = c10::IntType::get();

// nest(n) = 0 if n == 0 else wait(fork(nest, n - 1)) + 1
ir::Function* make_nest(Programs& programs) {
  return programs.define(programs.declare("nest", {kInt}, kInt), R"(graph(%n : int):
  %0 : int = prim::Constant[value=0]()
  %1 : int = prim::Constant[value=1]()
  %end : bool = aten::eq(%n, %0)
  %r : int = prim::If(%end)
    block0():
      -> (%0)
    block1():
      %m : int = aten::sub(%n, %1)
      %f : Future[int] = prim::fork_0(%m)
      %d : int = aten::wait(%f)
      %e : int = aten::add(%d, %1)
      -> (%e)
  return (%r)
with prim::fork_0 = graph(%m : int):
  %nest : Function = prim::Constant[name="nest"]()
  %x : int = prim::CallFunction(%nest, %m)
  return (%x)
)");
}

// tree(n) = 1 if n == 0 else 1 + the sum of two forked tree(n - 1)
ir::Function* make_tree(Programs& programs) {
  return programs.define(programs.declare("tree", {kInt}, kInt), R"(graph(%n : int):
  %0 : int = prim::Constant[value=0]()
  %1 : int = prim::Constant[value=1]()
  %end : bool = aten::eq(%n, %0)
  %r : int = prim::If(%end)
    block0():
      -> (%1)
    block1():
      %m : int = aten::sub(%n, %1)
      %f : Future[int] = prim::fork_0(%m)
      %g : Future[int] = prim::fork_1(%m)
      %a : int = aten::wait(%f)
      %b : int = aten::wait(%g)
      %c : int = aten::add(%a, %b)
      %e : int = aten::add(%c, %1)
      -> (%e)
  return (%r)
with prim::fork_0 = graph(%m : int):
  %tree : Function = prim::Constant[name="tree"]()
  %x : int = prim::CallFunction(%tree, %m)
  return (%x)
with prim::fork_1 = graph(%m : int):
  %tree : Function = prim::Constant[name="tree"]()
  %x : int = prim::CallFunction(%tree, %m)
  return (%x)
)");
}

class Tasks : public ::testing::TestWithParam<size_t> {
 protected:
  Tasks() : pool_(GetParam()), runner_(pool_) {}
  Programs programs_;
  TaskPool pool_;
  Runner runner_;
};
INSTANTIATE_TEST_SUITE_P(Threads, Tasks, ::testing::Values(1, 2, 5));

TEST_P(Tasks, NestDeeperThanThePool) {
  ir::Function* nest = make_nest(programs_);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(run(*nest, {int64_t{64}}, {}, runner_).toInt(), 64);
  EXPECT_EQ(run(*nest, {int64_t{5000}}, {}, runner_).toInt(), 5000);
}

TEST_P(Tasks, TreeOfAThousand) {
  ir::Function* tree = make_tree(programs_);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(run(*tree, {int64_t{9}}, {}, runner_).toInt(), 1023);
}

TEST_P(Tasks, ManyCallersAtOnce) {
  ir::Function* tree = make_tree(programs_);
  std::vector<std::thread> callers;
  std::atomic<int> right{0};
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int k = 0; k < 20; ++k) {
        ir::Stack stack{int64_t{6}};
        if (runner_.run(*tree, stack, {}).ok() && stack[0].toInt() == 127) ++right;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(right.load(), 80);
}

TEST_P(Tasks, FailureSurfacesAtWaitWithBothChains) {
  const auto* f = programs_.function("f", R"(graph(%x : int):
  %f : Future[int] = prim::fork_0(%x)
  %y : int = aten::wait(%f)
  return (%y)
with prim::fork_0 = graph(%x : int):
  %0 : int = prim::Constant[value=0]()
  %y : int = aten::floordiv(%x, %0)
  return (%y)
)");
  for (int i = 0; i < 20; ++i) {
    const absl::Status status = failure(*f, {int64_t{1}}, {}, runner_);
    EXPECT_EQ(exception_class(status), "ZeroDivisionError");
    EXPECT_EQ(status.message(), R"(model.py:7:3: error: division by 0
    %y : int = aten::floordiv(%x, %0)
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  in '<fork in f>' at model.py:7:3
  in 'f' at model.py:3:3
    %y : int = aten::wait(%f)
    ^^^^^^^^^^^^^^^^^^^^^^^^^)");
  }
}

TEST_P(Tasks, GradModeGoesAlong) {
  const auto* f = programs_.function("f", R"(graph(%x : Tensor):
  %f : Future[Tensor] = prim::fork_0(%x)
  %y : Tensor = aten::wait(%f)
  return (%y)
with prim::fork_0 = graph(%x : Tensor):
  %y : Tensor = aten::mul(%x, %x)
  return (%y)
)");
  const at::Tensor x = at::ones({2}).requires_grad_();
  for (const bool enabled : {true, false}) {
    at::AutoGradMode mode(enabled);
    EXPECT_EQ(run(*f, {x}, {}, runner_).toTensor().requires_grad(), enabled);
    EXPECT_EQ(at::GradMode::is_enabled(), enabled);
  }
}

TEST_P(Tasks, ResultsOfOneFutureMayBeWaitedForTwice) {
  const auto* f = programs_.function("f", R"(graph(%x : int):
  %f : Future[int] = prim::fork_0(%x)
  %y : int = aten::wait(%f)
  %z : int = aten::wait(%f)
  %r : int = aten::add(%y, %z)
  return (%r)
with prim::fork_0 = graph(%x : int):
  %y : int = aten::neg(%x)
  return (%y)
)");
  EXPECT_EQ(run(*f, {int64_t{4}}, {}, runner_).toInt(), -8);
}

TEST_P(Tasks, FuturesMayBeReturnedAndOutliveTheProgram) {
  IValue future;
  {
    Programs programs;
    future = run(*programs.function("f", R"(graph(%x : int):
  %f : Future[int] = prim::fork_0(%x)
  return (%f)
with prim::fork_0 = graph(%x : int):
  %y : int = aten::neg(%x)
  return (%y)
)"),
                 {int64_t{4}}, {}, runner_);
  }
  ASSERT_TRUE(future.isFuture());
  future.toFuture()->wait();
  EXPECT_EQ(future.toFuture()->value().toInt(), -4);
}

TEST_P(Tasks, TasksThatNobodyWaitsForAreHarmless) {
  const auto* f = programs_.function("f", R"(graph(%x : int):
  %f : Future[int] = prim::fork_0(%x)
  return (%x)
with prim::fork_0 = graph(%x : int):
  %0 : int = prim::Constant[value=0]()
  %y : int = aten::floordiv(%x, %0)
  return (%y)
)");
  std::atomic<bool> cancel{false};
  for (int i = 0; i < 100; ++i) {
    CallOptions options;
    options.limits.cancel = &cancel;
    EXPECT_EQ(run(*f, {int64_t{i}}, options, runner_).toInt(), i);
  }
}

}  // namespace
}  // namespace vesta::runtime
