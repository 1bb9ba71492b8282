// Pointwise programs: shortened ones beside what they were, and functions at the ends of their ranges.

#include <cmath>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "runtime/plan/instruction_set.h"
#include "runtime/plan/pointwise.h"
#include "runtime/plan/pointwise_kernels.h"
#include "runtime/plan/pointwise_simplify.h"

namespace vesta::runtime::plan {
namespace {

using Kind = PointValue::Kind;
constexpr int64_t kCount = 37;
constexpr size_t kInputs = 3;

PointwiseParams random_program(std::mt19937& random) {
  static constexpr PointOp kOps[] = {PointOp::k_add, PointOp::k_sub,   PointOp::k_mul, PointOp::k_gt,
                                     PointOp::k_max, PointOp::k_where, PointOp::k_relu};
  const auto below = [&](size_t limit) { return static_cast<int32_t>(random() % limit); };
  PointwiseParams params;
  params.dims = {kCount};
  const int32_t length = 3 + below(12);
  for (int32_t i = 0; i < length; ++i) {
    PointInstruction made{kOps[random() % std::size(kOps)], {}};
    for (int k = 0; k < point_op_arity(made.op); ++k) {
      const int32_t kind = below(5);
      if (kind == 0) {
        made.args[k] = {Kind::kNumber, 0, static_cast<float>(below(5)) / 2 - 1};
      } else if (kind <= 2 || i == 0) {
        made.args[k] = {Kind::kInput, below(kInputs), 0};
      } else {
        made.args[k] = {Kind::kResult, std::max(0, i - 1 - below(3)), 0};
      }
    }
    params.program.push_back(made);
    // What the last one is for.
    if (made.op == PointOp::k_gt && below(2) == 0) {
      const PointValue x = made.args[0];
      params.program.push_back({PointOp::k_mul, {x, {Kind::kNumber, 0, 0.25F}, {}}});
      params.program.back().args[2] = {};
      if (below(2) == 0) params.program[params.program.size() - 2].args[1] = {Kind::kNumber, 0, 0};
      params.program.push_back({PointOp::k_where, {{Kind::kResult, i, 0}, x, {Kind::kResult, i + 1, 0}}});
      break;
    }
  }
  params.results = {static_cast<int32_t>(params.program.size()) - 1};
  if (below(2) == 0) params.results.push_back(below(params.program.size()));
  return params;
}

std::vector<std::vector<float>> run(const PointwiseParams& params, const std::vector<std::vector<float>>& inputs) {
  const Dims one = {1};
  const PointwiseLoop loop(params, {kCount}, std::vector<Dims>(inputs.size(), one),
                           std::vector<Dims>(params.results.size(), one));
  std::vector<std::vector<float>> results(params.results.size(), std::vector<float>(kCount));
  std::vector<const float*> from;
  std::vector<float*> to;
  for (const auto& input : inputs) from.push_back(input.data());
  for (auto& result : results) to.push_back(result.data());
  EXPECT_TRUE(loop.run(from.data(), to.data()));
  return results;
}

TEST(PointwiseSimplify, ShorterProgramsGiveTheSame) {
  std::mt19937 random(3);
  size_t shorter = 0;
  for (int round = 0; round < 3000; ++round) {
    const PointwiseParams params = random_program(random);
    PointwiseParams simple = params;
    simplify(simple);
    shorter += simple.program.size() < params.program.size() ? 1 : 0;
    std::vector<std::vector<float>> inputs(kInputs, std::vector<float>(kCount));
    for (auto& input : inputs) {
      // Halves: sums and products of few of them are exact.
      for (float& value : input) value = static_cast<float>(random() % 9) / 2 - 2;
    }
    inputs[0][0] = std::numeric_limits<float>::quiet_NaN();
    const auto expected = run(params, inputs);
    const auto actual = run(simple, inputs);
    for (size_t i = 0; i < expected.size(); ++i) {
      for (size_t k = 0; k < kCount; ++k) {
        if (std::isnan(expected[i][k])) {
          EXPECT_TRUE(std::isnan(actual[i][k])) << round;
        } else {
          EXPECT_NEAR(actual[i][k], expected[i][k], 1e-4 * std::max(1.0F, std::fabs(expected[i][k]))) << round;
        }
      }
    }
  }
  EXPECT_GT(shorter, 300U);
}

TEST(PointwiseSimplify, AChoiceBySignIsOneInstruction) {
  const PointValue x{Kind::kInput, 0, 0};
  PointwiseParams params;
  params.dims = {kCount};
  params.program = {{PointOp::k_gt, {x, {Kind::kNumber, 0, 0}, {}}},
                    {PointOp::k_mul, {x, {Kind::kNumber, 0, 0.01F}, {}}},
                    {PointOp::k_where, {{Kind::kResult, 0, 0}, x, {Kind::kResult, 1, 0}}}};
  params.results = {2};
  simplify(params);
  ASSERT_EQ(params.program.size(), 1U);
  EXPECT_EQ(params.program[0].op, PointOp::k_leaky_relu);
  EXPECT_EQ(params.results[0], 0);
}

// Errors in units of the last place, for each instruction set of this machine.
TEST(PointwiseKernels, ExponentialsAreRightToThreeUnits) {
  struct Case {
    PointOp op;
    double (*exact)(double);
    double low, high;
  };
  const Case cases[] = {
      {PointOp::k_exp, [](double x) { return std::exp(x); }, -87, 88},
      {PointOp::k_tanh, [](double x) { return std::tanh(x); }, -12, 12},
      {PointOp::k_sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, -80, 30},
  };
  for (const InstructionSet set : {InstructionSet::kBase, InstructionSet::kAvx2, InstructionSet::kAvx512}) {
    const PointLoop* loops = point_loops(set);
    if (loops == nullptr) continue;
    for (const Case& one : cases) {
      double worst = 0;
      const auto check = [&](float x) {
        float result = 0;
        const float* const args[3] = {&x, nullptr, nullptr};
        loops[static_cast<size_t>(one.op) * kPointVariants](args, &result, 1);
        const double exact = one.exact(x);
        const double unit = std::ldexp(1.0, std::max(-126, std::ilogb(exact)) - 23);
        worst = std::max(worst, std::fabs(result - exact) / unit);
      };
      for (int i = 0; i <= 40000; ++i) check(static_cast<float>(one.low + (one.high - one.low) * i / 40000));
      for (float x = 1e-30F; x < 1; x *= 1.7F) check(x), check(-x);
      EXPECT_LE(worst, 3.0) << "set " << static_cast<int>(set) << ", operation " << static_cast<int>(one.op);
    }
  }
}

TEST(PointwiseKernels, GeluIsRightToAShareOfItsArgument) {
  for (const InstructionSet set : {InstructionSet::kBase, InstructionSet::kAvx2, InstructionSet::kAvx512}) {
    const PointLoop* loops = point_loops(set);
    if (loops == nullptr) continue;
    SCOPED_TRACE(static_cast<int>(set));
    double worst = 0;
    const auto gelu = [&](float x) {
      float result = 7;
      const float* const args[3] = {&x, nullptr, nullptr};
      loops[static_cast<size_t>(PointOp::k_gelu_erf) * kPointVariants](args, &result, 1);
      const double exact = 0.5 * x * std::erfc(-x / std::sqrt(2.0));
      worst = std::max(worst, std::fabs(result - exact) / std::fabs(x));
      return result;
    };
    for (int i = -40000; i <= 40000; ++i) {
      if (i != 0) gelu(static_cast<float>(i) / 4000);
    }
    for (float x = 1e-30F; x < 1; x *= 1.7F) gelu(x), gelu(-x);
    EXPECT_LE(worst, 3e-7);
    for (float x : {6.0F, 100.0F, 1e20F}) {
      EXPECT_EQ(gelu(x), x);
      EXPECT_EQ(gelu(-x), 0);
    }
  }
}

TEST(PointwiseKernels, EndsAndNoNumbersAreThoseOfTheFunctions) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const InstructionSet set : {InstructionSet::kBase, InstructionSet::kAvx2, InstructionSet::kAvx512}) {
    const PointLoop* loops = point_loops(set);
    if (loops == nullptr) continue;
    const auto at = [&](PointOp op, float x) {
      float result = 7;
      const float* const args[3] = {&x, nullptr, nullptr};
      loops[static_cast<size_t>(op) * kPointVariants](args, &result, 1);
      return result;
    };
    SCOPED_TRACE(static_cast<int>(set));
    EXPECT_EQ(at(PointOp::k_exp, infinity), infinity);
    EXPECT_EQ(at(PointOp::k_exp, 89), infinity);
    EXPECT_EQ(at(PointOp::k_exp, -infinity), 0);
    EXPECT_EQ(at(PointOp::k_exp, 0), 1);
    EXPECT_EQ(at(PointOp::k_tanh, infinity), 1);
    EXPECT_EQ(at(PointOp::k_tanh, -infinity), -1);
    EXPECT_TRUE(std::signbit(at(PointOp::k_tanh, -0.0F)));
    EXPECT_EQ(at(PointOp::k_sigmoid, -infinity), 0);
    EXPECT_EQ(at(PointOp::k_sigmoid, infinity), 1);
    for (PointOp op : {PointOp::k_exp, PointOp::k_tanh, PointOp::k_sigmoid, PointOp::k_silu, PointOp::k_gelu_erf})
      EXPECT_TRUE(std::isnan(at(op, nan))) << static_cast<int>(op);
  }
}

}  // namespace
}  // namespace vesta::runtime::plan
