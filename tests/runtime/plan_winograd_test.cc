// Convolutions of 3 x 3 taps by fewer multiplications.

#include <string>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/plan/instruction_set.h"
#include "runtime/plan/panel_kernels.h"
#include "tests/runtime/planned.h"

namespace vesta::runtime {
namespace {

using testing::expect_planned;
using testing::steps_of;

class PlanWinogradTest : public ::testing::Test {
 protected:
  void SetUp() override { at::manual_seed(12); }
  void TearDown() override { at::set_num_threads(threads_); }
  int threads_ = at::get_num_threads();
};

// The largest difference to what numbers of double precision give, as a share of the largest of these.
double error_of(const plan::PanelKernels& kernels, plan::WinogradConvolution convolution, bool scaled) {
  const at::Tensor x = at::randn({2, convolution.channels, convolution.height, convolution.width});
  const at::Tensor taps = at::randn({convolution.results, convolution.channels, 3, 3});
  const at::Tensor scale = scaled ? at::rand({convolution.results}) + 0.5 : at::ones({convolution.results});
  const at::Tensor bias = at::randn({convolution.results});
  const int64_t padding[] = {convolution.above, convolution.left};
  const at::Tensor expected =
      at::conv2d(x.to(at::kDouble), taps.to(at::kDouble) * scale.view({-1, 1, 1, 1}).to(at::kDouble),
                 bias.to(at::kDouble), 1, padding);
  convolution.out_height = expected.size(2);
  convolution.out_width = expected.size(3);
  const at::Tensor weights = at::empty({plan::kWinogradPlaces * convolution.channels * convolution.results});
  kernels.transform_taps(taps.const_data_ptr<float>(), scaled ? scale.const_data_ptr<float>() : nullptr,
                         convolution.results, convolution.channels, weights.mutable_data_ptr<float>());
  // One image's worth more on both sides, which has to stay as it is.
  const at::Tensor images = x.permute({0, 2, 3, 1}).contiguous();
  const at::Tensor out = at::full({4, convolution.out_height, convolution.out_width, convolution.results}, 7.0);
  const int64_t down = plan::winograd_tiles(convolution.out_height);
  const int64_t across = plan::winograd_tiles(convolution.out_width);
  constexpr int64_t kRowsAtOnce = 3;
  const int64_t room = plan::winograd_room(kRowsAtOnce * across, convolution.channels, convolution.results);
  const at::Tensor used = at::full({room + 1}, 1e9);
  convolution.in = images.const_data_ptr<float>();
  convolution.weights = weights.const_data_ptr<float>();
  convolution.bias = bias.const_data_ptr<float>();
  convolution.out = out.mutable_data_ptr<float>() + out[0].numel();
  convolution.room = used.mutable_data_ptr<float>();
  for (int64_t row = 0; row < 2 * down; row += kRowsAtOnce) {
    convolution.first = row;
    convolution.last = std::min(row + kRowsAtOnce, 2 * down);
    kernels.convolve(convolution);
  }
  EXPECT_TRUE((out[0] == 7.0).all().item().toBool() && (out[3] == 7.0).all().item().toBool());
  EXPECT_EQ(used[room].item().toDouble(), 1e9);
  const at::Tensor difference = out.narrow(0, 1, 2).permute({0, 3, 1, 2}).to(at::kDouble) - expected;
  return (difference.abs().max() / expected.abs().max()).item().toDouble();
}

TEST_F(PlanWinogradTest, KernelsAreRightAtTheEdgesForEachInstructionSet) {
  for (const auto set : {plan::InstructionSet::kBase, plan::InstructionSet::kAvx2, plan::InstructionSet::kAvx512}) {
    const plan::PanelKernels* kernels = plan::panel_kernels(set);
    if (kernels == nullptr) continue;
    for (int64_t size : {1, 2, 3, 4, 5, 9, 16}) {
      for (int64_t padding : {0, 1, 2}) {
        if (size + 2 * padding < 3) continue;
        SCOPED_TRACE(absl::StrCat("set ", static_cast<int>(set), ", size ", size, ", padding ", padding));
        plan::WinogradConvolution convolution{};
        convolution.height = size;
        convolution.width = 19;
        convolution.above = padding;
        convolution.left = padding == 2 ? 0 : padding;
        convolution.channels = size % 2 == 0 ? 16 : 48;
        convolution.results = size % 3 == 0 ? 16 : 80;
        EXPECT_LE(error_of(*kernels, convolution, size % 2 == 0), 1e-5);
      }
    }
  }
}

std::string program(int64_t padding, bool with_bias, const std::string& after) {
  return absl::StrCat(
      "graph(%x : Tensor, %r : Tensor, %w : Tensor, %b : Tensor):\n"
      "  %one : int = prim::Constant[value=1]()\n  %none : NoneType = prim::Constant()\n"
      "  %ones : int[] = prim::Constant[value=[1, 1]]()\n"
      "  %p : int[] = prim::Constant[value=[",
      padding, ", ", padding,
      "]]()\n"
      "  %c : Tensor = aten::conv2d(%x, %w, ",
      with_bias ? "%b" : "%none", ", %ones, %p, %ones, %one)\n  ", after, "\n  return (%y)\n");
}

TEST_F(PlanWinogradTest, WhatFollowsAConvolutionIsComputedWithIt) {
  for (int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    for (const auto& [images, size] : std::vector<std::pair<int64_t, int64_t>>{{1, 28}, {3, 15}, {2, 22}}) {
      for (int64_t padding : {0, 1}) {
        for (const char* after : {"%s : Tensor = aten::relu(%c)\n  %y : Tensor = aten::mul(%s, %r)",
                                  "%s : Tensor = aten::add(%c, %r, %one)\n  %y : Tensor = aten::relu(%s)"}) {
          const std::string text = program(padding, threads != 2, after);
          const int64_t made = size + 2 * padding - 2;
          const std::map<std::string, at::Tensor> held = {{"w", at::randn({48, 32, 3, 3})}, {"b", at::randn({48})}};
          const std::vector<at::Tensor> inputs = {at::randn({images, 32, size, size}),
                                                  at::randn({images, 48, made, made})};
          expect_planned(text, held, inputs);
          EXPECT_EQ(absl::StrContains(steps_of(text, held, inputs), "winograd"), plan::panels_take_all());
        }
      }
    }
  }
}

TEST_F(PlanWinogradTest, ManyWeightsAndFewTilesAreLeftToOneDnn) {
  const auto steps = [](int64_t images, int64_t channels, int64_t size) {
    const std::map<std::string, at::Tensor> held = {{"w", at::randn({channels, channels, 3, 3})}};
    return steps_of(program(1, false, "%y : Tensor = aten::mul(%c, %r)"), held,
                    {at::randn({images, channels, size, size}), at::randn({images, channels, size, size})});
  };
  if (!plan::panels_take_all()) GTEST_SKIP() << "oneDNN's kernels are taken";
  EXPECT_TRUE(absl::StrContains(steps(1, 128, 28), "winograd"));
  EXPECT_TRUE(absl::StrContains(steps(8, 64, 7), "winograd"));
  EXPECT_FALSE(absl::StrContains(steps(1, 256, 14), "winograd"));
  EXPECT_FALSE(absl::StrContains(steps(1, 64, 3), "winograd"));
  EXPECT_FALSE(absl::StrContains(steps(1, 24, 28), "winograd"));
}

}  // namespace
}  // namespace vesta::runtime
