// Concatenations that take up one another, as densely connected networks have them.

#include <cmath>
#include <string>

#include <ATen/ATen.h>

#include "absl/strings/str_cat.h"
#include "runtime/plan/instruction_set.h"
#include "tests/runtime/planned.h"

namespace vesta::runtime {
namespace {

constexpr int64_t kWidth = 32;  // Channels that each layer adds.

// `layers` of them, each of all that the ones before have made; %k is the last concatenation, %k1 the first.
std::string dense_block(int layers, const std::string& between, const std::string& results) {
  std::string text =
      "graph(%x : Tensor, %w0 : Tensor, %w1 : Tensor, %w2 : Tensor, %w3 : Tensor, %w4 : Tensor, %g : Tensor):\n"
      "  %none : NoneType = prim::Constant()\n  %one : int = prim::Constant[value=1]()\n"
      "  %s : int[] = prim::Constant[value=[1, 1]]()\n"
      "  %x0 : Tensor = aten::conv2d(%x, %w0, %none, %s, %s, %s, %one)\n";
  std::string operands = "%x0";
  std::string last = "%x0";
  for (int i = 1; i <= layers; ++i) {
    absl::StrAppend(&text, "  %m", i, " : Tensor = aten::mul(", last, ", %g)\n  %r", i, " : Tensor = aten::relu(%m", i,
                    ")\n  %x", i, " : Tensor = aten::conv2d(%r", i, ", %w", i, ", %none, %s, %s, %s, %one)\n");
    absl::StrAppend(&operands, ", %x", i);
    last = i == layers ? "%k" : absl::StrCat("%k", i);
    absl::StrAppend(&text, "  %l", i, " : Tensor[] = prim::ListConstruct(", operands, ")\n  ", last,
                    " : Tensor = aten::cat(%l", i, ", %one)\n");
  }
  absl::StrAppend(&text, between, "  %z : Tensor = aten::tanh(%k)\n  return (", results, ")\n");
  return text;
}

// Results stay as large as inputs, or errors grow with what tanh takes.
std::map<std::string, at::Tensor> weights() {
  const auto taps = [](int64_t channels) {
    return at::randn({kWidth, channels, 3, 3}) / std::sqrt(static_cast<double>(channels * 9));
  };
  std::map<std::string, at::Tensor> held = {{"w0", taps(3)}, {"g", at::randn({1})}};
  for (int64_t i = 1; i <= 4; ++i) held[absl::StrCat("w", i)] = taps(i * kWidth);
  return held;
}

void expect_planned(const std::string& text, const at::Tensor& input) {
  testing::expect_planned(text, weights(), {input});
}

class PlanConcatTest : public ::testing::Test {
 protected:
  void SetUp() override { at::manual_seed(7); }
};

TEST_F(PlanConcatTest, EachOperandIsWrittenOnce) {
  const std::string text = dense_block(4, "", "%z");
  for (const plan::Dims& sizes : {plan::Dims{1, 3, 9, 7}, plan::Dims{3, 3, 6, 6}, plan::Dims{2, 3, 1, 1}})
    expect_planned(text, at::randn(sizes));
  const std::string steps = testing::steps_of(text, weights(), {at::randn({1, 3, 9, 7})});
  // Where convolutions are of channels that lie together: with SSE alone oneDNN has none.
  if (plan::instruction_set() == plan::InstructionSet::kBase) GTEST_SKIP() << steps;
  EXPECT_EQ(steps.find("concat"), std::string::npos) << steps;
}

TEST_F(PlanConcatTest, TwoBlocksAreApart) {
  // The same first operand, another second one.
  const std::string other =
      "  %e : Tensor = aten::tanh(%x0)\n  %la : Tensor[] = prim::ListConstruct(%x0, %e)\n"
      "  %ka : Tensor = aten::cat(%la, %one)\n  %ya : Tensor = aten::relu(%ka)\n"
      "  %lb : Tensor[] = prim::ListConstruct(%x0, %e, %x1)\n"
      "  %kb : Tensor = aten::cat(%lb, %one)\n  %yb : Tensor = aten::relu(%kb)\n";
  expect_planned(dense_block(3, other, "%z, %ya, %yb"), at::randn({2, 3, 8, 8}));
}

TEST_F(PlanConcatTest, WhatOthersReadIsMadeByItself) {
  const at::Tensor input = at::randn({2, 3, 8, 8});
  expect_planned(dense_block(3, "", "%z, %k"), input);
  expect_planned(dense_block(3, "", "%z, %k1"), input);
  expect_planned(dense_block(3, "  %p : Tensor = aten::adaptive_avg_pool2d(%k2, %s)\n", "%z, %p"), input);
  expect_planned(
      dense_block(3, "  %v : Tensor = aten::flatten(%k2, %one, %one)\n  %t : Tensor = aten::exp(%v)\n", "%z, %t"),
      input);
}

}  // namespace
}  // namespace vesta::runtime
