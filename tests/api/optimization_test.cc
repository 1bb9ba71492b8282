// Modules that are not frozen are optimized, too, and follow whatever is done to them.

#include <barrier>
#include <thread>

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include "tests/api/api_test_support.h"

namespace vesta::test {
namespace {

// What is optimized runs where no gradients are recorded.
class Optimization : public testing::Test {
 protected:
  const at::NoGradGuard no_grad_;
};

constexpr std::string_view kForward = R"(
def forward(self, x: Tensor) -> Tensor:
  return torch.relu(torch.matmul(x, self.weight))
)";

Module linear(const at::Tensor& weight, std::string_view forward = kForward,
              const std::vector<std::pair<std::string, c10::IValue>>& attributes = {}) {
  Module module("Linear");
  must(module.register_parameter("weight", weight));
  for (const auto& [name, value] : attributes) must(module.register_attribute(name, value));
  must(module.define(forward));
  return module;
}

at::Tensor result_of(const Module& module, const at::Tensor& x) { return must(module.forward({x})).toTensor(); }

TEST_F(Optimization, IsTheDefaultAndCanBeSwitchedByHandle) {
  const Module module = linear(at::rand({8, 8}));
  EXPECT_EQ(module.optimization().level, OptimizationLevel::kO2);
  OptimizationOptions plain;
  plain.level = OptimizationLevel::kO0;
  const Module other = must(module.with_optimization(plain));
  EXPECT_EQ(other.optimization().level, OptimizationLevel::kO0);
  EXPECT_TRUE(other == module);
  const at::Tensor x = at::rand({4, 8});
  EXPECT_TRUE(at::allclose(result_of(module, x), result_of(other, x), 1e-5));
}

TEST_F(Optimization, UnknownPassesAreNamed) {
  OptimizationOptions options;
  options.without = {"inline_everything"};
  EXPECT_THAT(message(linear(at::rand({2, 2})).with_optimization(options)),
              testing::HasSubstr("there is no pass 'inline_everything' to leave out; there are: "));
}

TEST_F(Optimization, WeightsThatAreWrittenInPlaceAreFollowed) {
  const at::Tensor weight = at::rand({8, 8});
  const Module module = linear(weight);
  const at::Tensor x = at::rand({4, 8});
  for (int change = 0; change < 200; ++change) {
    EXPECT_TRUE(at::allclose(result_of(module, x), at::relu(at::matmul(x, weight)), 1e-5)) << change;
    if (change % 3 != 0) {
      EXPECT_TRUE(at::allclose(result_of(module, x), at::relu(at::matmul(x, weight)), 1e-5)) << change;
    }
    weight.mul_(-0.99);
  }
}

TEST_F(Optimization, WeightsThatAreReplacedAreFollowed) {
  Module module = linear(at::rand({8, 8}));
  const at::Tensor x = at::rand({4, 8});
  result_of(module, x);
  const at::Tensor next = at::rand({8, 8});
  must(module.set_attr("weight", next));
  EXPECT_TRUE(at::allclose(result_of(module, x), at::relu(at::matmul(x, next)), 1e-5));
  // Other memory below the same tensor, which is no write to it.
  const at::Tensor third = at::rand({8, 8});
  next.set_data(third);
  EXPECT_TRUE(at::allclose(result_of(module, x), at::relu(at::matmul(x, third)), 1e-5));
  must(module.load_state_dict(linear(at::ones({8, 8})).state_dict()).status());
  EXPECT_TRUE(at::allclose(result_of(module, x), at::relu(at::matmul(x, at::ones({8, 8}))), 1e-5));
}

TEST_F(Optimization, WritesInInferenceModeAreFollowed) {
  const at::Tensor weight = at::rand({8, 8});
  const Module module = linear(weight);
  const at::Tensor x = at::rand({4, 8});
  result_of(module, x);
  {
    const c10::InferenceMode inference;
    weight.fill_(0.5);
  }
  EXPECT_TRUE(at::allclose(result_of(module, x), at::relu(at::matmul(x, weight)), 1e-5));
}

TEST_F(Optimization, InferenceTensorsAreNoConstants) {
  const c10::InferenceMode inference;
  const at::Tensor weight = at::rand({8, 8});
  const Module module = linear(weight);
  const at::Tensor x = at::rand({4, 8});
  result_of(module, x);
  weight.fill_(2);
  EXPECT_TRUE(at::allclose(result_of(module, x), at::relu(at::matmul(x, weight)), 1e-5));
}

TEST_F(Optimization, ModesAndNumbersAreFollowed) {
  constexpr std::string_view kModes = R"(
def forward(self, x: Tensor) -> Tensor:
  if self.training:
    return x
  return torch.matmul(x, self.weight) * self.scale
)";
  Module module = linear(at::eye(4), kModes, {{"training", true}, {"scale", 2.0}});
  const at::Tensor x = at::rand({4, 4});
  must(module.eval());
  EXPECT_TRUE(at::allclose(result_of(module, x), x * 2));
  must(module.train());
  EXPECT_TRUE(at::equal(result_of(module, x), x));
  must(module.eval());
  must(module.set_attr("scale", 3.0));
  EXPECT_TRUE(at::allclose(result_of(module, x), x * 3));
}

TEST_F(Optimization, ModulesThatAreReplacedAreFollowed) {
  Module outer("Outer");
  must(outer.register_module("inner", linear(at::eye(4))));
  must(outer.define("def forward(self, x: Tensor) -> Tensor:\n  return self.inner(x) + 1\n"));
  const at::Tensor x = at::rand({2, 4});
  EXPECT_TRUE(at::allclose(result_of(outer, x), x + 1));
  const Module inner = must(Module::from_value(must(outer.attr("inner"))));
  const Module other = must(inner.deepcopy());
  must(other.attr("weight")).toTensor().mul_(2);
  must(outer.set_attr("inner", other.value()));
  EXPECT_TRUE(at::allclose(result_of(outer, x), x * 2 + 1));
}

TEST_F(Optimization, WhatMethodsWriteIsTheirs) {
  constexpr std::string_view kWrites = R"(
def forward(self, x: Tensor) -> Tensor:
  self.state.add_(1)
  self.count += 1
  return torch.matmul(x, self.weight) * self.count + self.state
)";
  Module module = linear(at::eye(2), kWrites, {{"state", at::zeros({2})}, {"count", int64_t{0}}});
  const at::Tensor x = at::ones({1, 2});
  for (int call = 1; call < 5; ++call) {
    EXPECT_TRUE(at::equal(result_of(module, x), at::full({1, 2}, 2.0 * call)));
  }
  must(module.set_attr("state", at::zeros({2})));
  EXPECT_TRUE(at::equal(result_of(module, x), at::full({1, 2}, 6.0)));
}

TEST(OptimizationInTraining, GradientsReachTheParameters) {
  const at::Tensor weight = at::rand({8, 8}).requires_grad_();
  const Module module = linear(weight);
  const at::Tensor x = at::rand({4, 8});
  at::Tensor plain;
  {
    const at::NoGradGuard no_grad;
    plain = result_of(module, x);
    EXPECT_FALSE(plain.requires_grad());
  }
  const at::Tensor recorded = result_of(module, x);
  ASSERT_TRUE(recorded.requires_grad());
  recorded.sum().backward();
  EXPECT_TRUE(at::allclose(weight.grad(), at::matmul(x.t(), at::ones({4, 8}))));
  EXPECT_TRUE(at::allclose(recorded, plain, 1e-5));
}

TEST_F(Optimization, InstancesShareCodeAndFollowTheirOwnState) {
  constexpr std::string_view kCounts = R"(
def forward(self, x: Tensor) -> Tensor:
  self.count += 1
  return torch.matmul(x, self.weight) * self.count
)";
  const Module module = linear(at::eye(2), kCounts, {{"count", int64_t{0}}});
  const at::Tensor x = at::ones({1, 2});
  result_of(module, x);
  const Module instance = must(module.instance());
  std::thread other([&] {
    const at::NoGradGuard no_grad;
    for (int call = 1; call < 50; ++call) {
      EXPECT_TRUE(at::equal(result_of(instance, x), at::full({1, 2}, 1.0 + call)));
    }
  });
  for (int call = 2; call < 50; ++call) EXPECT_TRUE(at::equal(result_of(module, x), at::full({1, 2}, 1.0 * call)));
  other.join();
}

TEST_F(Optimization, ManyThreadsCallOneModule) {
  const Module module = linear(at::rand({16, 16}));
  const at::Tensor x = at::rand({4, 16});
  const at::Tensor expected = at::relu(at::matmul(x, must(module.attr("weight")).toTensor()));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      const at::NoGradGuard no_grad;
      for (int call = 0; call < 20; ++call) EXPECT_TRUE(at::allclose(result_of(module, x), expected, 1e-5));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(Optimization, AllThreadsFollowAChangeAndKeepNothingOfBefore) {
  at::Tensor before = at::rand({16, 16});
  Module module = linear(before);
  const at::Tensor x = at::rand({4, 16});
  const auto check = [&](const at::Tensor& weight) {
    const at::NoGradGuard no_grad;
    EXPECT_TRUE(at::allclose(result_of(module, x), at::relu(at::matmul(x, weight)), 1e-5));
  };
  const auto check_in_two_threads = [&](const at::Tensor& weight) {
    std::barrier together(2);
    const auto calls = [&] {
      for (int call = 0; call < 5; ++call) {
        together.arrive_and_wait();
        check(weight);
      }
    };
    std::thread other(calls);
    calls();
    other.join();
  };
  check_in_two_threads(before);
  const at::Tensor after = at::rand({16, 16});
  must(module.set_attr("weight", after));
  check_in_two_threads(after);
  EXPECT_EQ(before.use_count(), 1);
}

}  // namespace
}  // namespace vesta::test
