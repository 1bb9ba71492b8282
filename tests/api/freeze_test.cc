// What users see of optimized modules: nothing, but for what freeze() promises.

#include <map>
#include <thread>

#include <ATen/ATen.h>

#include "tests/api/api_test_support.h"

namespace vesta::test {
namespace {

Module made(std::string_view source) {
  Module inner("Inner");
  must(inner.register_parameter("weight", at::ones({2, 2})));
  CompileOptions inner_options;
  inner_options.filename = "inner.py";
  must(inner.define("def forward(self, x: Tensor) -> Tensor:\n  y = torch.matmul(x, self.weight)\n  return y\n",
                    inner_options));
  Module module("Net");
  must(module.register_parameter("weight", at::full({2, 2}, 2.0)));
  must(module.register_attribute("count", int64_t{0}));
  must(module.register_buffer("state", at::zeros({2})));
  must(module.register_module("inner", inner));
  CompileOptions options;
  options.filename = "net.py";
  must(module.define(source, options));
  return module;
}

constexpr std::string_view kNested = R"(
def middle(self, x: Tensor) -> Tensor:
  return self.inner(x + 1)
def forward(self, x: Tensor) -> Tensor:
  z = self.middle(x)
  return z * 2
)";

OptimizationOptions at_level(OptimizationLevel level) {
  OptimizationOptions options;
  options.level = level;
  return options;
}

TEST(Freeze, MessagesTellTheCallChainOfInlinedCalls) {
  const Module module = made(kNested);
  const at::Tensor wrong = at::ones({2, 3});
  const std::string plain = message(module.forward({wrong}));
  EXPECT_THAT(plain, testing::HasSubstr("in 'Net.middle' at net.py:3"));
  for (const auto level : {OptimizationLevel::kO0, OptimizationLevel::kO1, OptimizationLevel::kO2}) {
    EXPECT_EQ(message(must(module.freeze(at_level(level))).forward({wrong})), plain);
  }
}

TEST(Freeze, WhatMethodsAssignAndWriteStillChanges) {
  const Module module = made(R"(
def forward(self, x: Tensor) -> Tensor:
  self.count += 1
  self.state.add_(1)
  return x * self.count + self.state
)");
  const Module frozen = must(module.freeze());
  const at::Tensor x = at::ones({2});
  EXPECT_TRUE(at::equal(must(frozen.forward({x})).toTensor(), at::full({2}, 2.0)));
  EXPECT_TRUE(at::equal(must(frozen.forward({x})).toTensor(), at::full({2}, 4.0)));
  EXPECT_EQ(must(frozen.attr("count")).toInt(), 2);
}

TEST(Freeze, InstancesHaveTheirOwnState) {
  const Module frozen = must(made(R"(
def forward(self, x: Tensor) -> Tensor:
  self.count += 1
  return torch.matmul(x, self.weight) * self.count
)")
                                 .freeze());
  const Module one = must(frozen.instance());
  const at::Tensor x = at::ones({1, 2});
  must(frozen.forward({x}));
  must(frozen.forward({x}));
  EXPECT_TRUE(at::equal(must(one.forward({x})).toTensor(), at::full({1, 2}, 4.0)));
  EXPECT_EQ(must(frozen.attr("count")).toInt(), 2);
  EXPECT_TRUE(one.is_frozen());
}

TEST(Freeze, TwoNamesOfOneTensorThatIsWrittenToAreOne) {
  Module module("Tied");
  const at::Tensor tensor = at::zeros({2});
  must(module.register_buffer("a", tensor));
  must(module.register_buffer("b", tensor));
  must(module.define(
      "def forward(self, x: Tensor) -> Tensor:\n  y = self.b + 0\n  self.a.add_(x)\n  return y + self.b\n"));
  const Module frozen = must(module.freeze());
  EXPECT_TRUE(at::equal(must(frozen.forward({at::ones({2})})).toTensor(), at::ones({2})));
  EXPECT_TRUE(at::equal(must(frozen.forward({at::ones({2})})).toTensor(), at::full({2}, 3.0)));
}

TEST(Freeze, GradientsOfArgumentsAreThoseOfThePlainProgram) {
  const Module module = made(kNested);
  const Module frozen = must(module.freeze());
  const at::Tensor x = at::ones({2, 2}).requires_grad_();
  const at::Tensor y = must(frozen.forward({x})).toTensor();
  ASSERT_TRUE(y.requires_grad());
  y.sum().backward();
  EXPECT_TRUE(at::equal(x.grad(), at::full({2, 2}, 4.0)));
}

TEST(Freeze, ReturnsTheModulesOwnTensors) {
  const Module frozen = must(made("def forward(self) -> Tensor:\n  return self.weight\n").freeze());
  const at::Tensor weight = must(frozen.forward({})).toTensor();
  EXPECT_TRUE(weight.is_same(frozen.named_parameters(false)[0].value));
}

TEST(Freeze, AHandleThatIsGivenUpGivesWhatNobodyElseHolds) {
  const auto memory_of = [](const Module& module) {
    std::map<std::string, const void*> places;
    for (const auto& [name, value] : module.named_parameters()) places[name] = value.const_data_ptr();
    for (const auto& [name, value] : module.named_buffers()) places[name] = value.const_data_ptr();
    return places;
  };
  const at::Tensor x = at::ones({2, 2});
  Module module = made(kNested);
  must(module.forward({x}));  // What is optimized holds weights, too.
  const auto before = memory_of(module);
  const at::Tensor inner_weight = module.named_parameters()[1].value;
  const at::Tensor state = module.named_buffers(false)[0].value;
  const Module frozen = must(std::move(module).freeze());
  const auto after = memory_of(frozen);
  EXPECT_EQ(after.at("weight"), before.at("weight"));
  EXPECT_FALSE(frozen.named_parameters(false)[0].value.requires_grad());
  // Others hold these.
  EXPECT_NE(after.at("state"), before.at("state"));
  EXPECT_NE(after.at("inner.weight"), before.at("inner.weight"));
  const at::Tensor expected = must(made(kNested).freeze()->forward({x})).toTensor();
  EXPECT_TRUE(at::equal(must(frozen.forward({x})).toTensor(), expected));

  Module two = made(kNested);
  const Module other = two;
  const auto shared = memory_of(two);
  const Module copied = must(std::move(two).freeze());
  EXPECT_NE(memory_of(copied).at("weight"), shared.at("weight"));
  EXPECT_EQ(memory_of(other), shared);
}

TEST(Freeze, SavesThePortableProgram) {
  const Module module = made(kNested);
  Module evaluated = must(module.deepcopy());
  must(evaluated.eval());
  std::ostringstream plain;
  std::ostringstream frozen;
  must(must(module.freeze(at_level(OptimizationLevel::kO0))).save(plain));
  must(must(module.freeze()).save(frozen));
  EXPECT_EQ(plain.str(), frozen.str());
}

TEST(Freeze, RefusesPassesThatDoNotExist) {
  OptimizationOptions options;
  options.without = {"inline_everything"};
  const absl::StatusOr<Module> frozen = made(kNested).freeze(options);
  EXPECT_TRUE(absl::IsInvalidArgument(frozen.status()));
  EXPECT_THAT(message(frozen),
              testing::HasSubstr("no pass 'inline_everything' to leave out; there are: bind_absent_arg"));
}

TEST(Freeze, ManyThreadsMeetAMethodForTheFirstTime) {
  const Module frozen = must(made(R"(
def other(self, x: Tensor) -> Tensor:
  return self.inner(x) + self.weight
def forward(self, x: Tensor) -> Tensor:
  return x
)")
                                 .freeze());
  std::vector<std::thread> threads;
  std::vector<double> sums(4);
  for (size_t i = 0; i < sums.size(); ++i) {
    threads.emplace_back([&, i] {
      const c10::IValue result = must(frozen.run_method("other", {at::ones({2, 2})}));
      sums[i] = result.toTensor().sum().item<double>();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(sums, testing::Each(16.0));
}

// The future outlives the call, and the module's handle.
TEST(Freeze, ForkedCallsKeepTheirCode) {
  c10::IValue future;
  {
    const Module frozen = must(load(corpus("fork_and_wait"))).freeze().value();
    EXPECT_TRUE(frozen.has_method("forward"));
  }
  Module module = made(R"(
def body(self, x: Tensor) -> Tensor:
  return self.inner(x)
def forward(self, x: Tensor) -> Future[Tensor]:
  return torch.jit._fork(self.body, x)
)");
  future = must(must(module.freeze()).forward({at::ones({2, 2})}));
  ASSERT_TRUE(future.isFuture());
  future.toFuture()->wait();
  EXPECT_EQ(future.toFuture()->value().toTensor().sum().item<double>(), 8.0);
}

TEST(Freeze, CodeIsMadeForWhichArgumentsAreAbsent) {
  constexpr std::string_view kOptional = R"(
def forward(self, x: Tensor, mask: Optional[Tensor] = None, scale: Optional[float] = None) -> Tensor:
  if mask is not None:
    x = x.masked_fill(mask, 0.0)
  if scale is not None:
    x = x * scale
  return torch.matmul(x, self.weight)
)";
  const Module module = made(kOptional);
  const Module frozen = must(module.freeze());
  const at::Tensor x = at::rand({2, 2});
  const at::Tensor mask = at::eye(2).to(at::kBool);
  const at::Tensor weight = at::full({2, 2}, 2.0);
  const auto expect = [&](std::vector<c10::IValue> arguments, const at::Tensor& expected) {
    EXPECT_TRUE(at::allclose(must(frozen.forward(arguments)).toTensor(), at::matmul(expected, weight)));
  };
  for (int round = 0; round < 2; ++round) {
    expect({x}, x);
    expect({x, mask}, x.masked_fill(mask, 0));
    expect({x, c10::IValue(), 3.0}, x * 3);
    expect({x, mask, 3.0}, x.masked_fill(mask, 0) * 3);
  }
}

// More kinds of calls than code is made for.
TEST(Freeze, ManyKindsOfAbsenceAreRight) {
  std::string source = "def forward(self, x: int";
  for (int i = 0; i < 6; ++i) source += ", a" + std::to_string(i) + ": Optional[int] = None";
  source += ") -> int:\n";
  for (int i = 0; i < 6; ++i) {
    const std::string name = "a" + std::to_string(i);
    source += "  if " + name + " is not None:\n    x += " + name + "\n";
  }
  const Module frozen = must(made(source + "  return x\n").freeze());
  for (int kind = 0; kind < 128; ++kind) {
    std::vector<c10::IValue> arguments = {int64_t{1}};
    for (int i = 0; i < 6; ++i)
      arguments.push_back((kind >> i & 1) != 0 ? c10::IValue(int64_t{2} << i) : c10::IValue());
    EXPECT_EQ(must(frozen.forward(arguments)).toInt(), 1 + 2 * (kind % 64));
  }
}

}  // namespace
}  // namespace vesta::test
