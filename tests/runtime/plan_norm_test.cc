// Layer norms, sums and means.

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/plan/instruction_set.h"
#include "runtime/plan/panel_kernels.h"
#include "tests/runtime/planned.h"

namespace vesta::runtime {
namespace {

class PlanNormTest : public ::testing::Test {
 protected:
  void SetUp() override { at::manual_seed(13); }
  void TearDown() override { at::set_num_threads(threads_); }
  int threads_ = at::get_num_threads();
};

TEST_F(PlanNormTest, RowsOfAllSizesForEachInstructionSet) {
  for (const auto set : {plan::InstructionSet::kBase, plan::InstructionSet::kAvx2, plan::InstructionSet::kAvx512}) {
    const plan::PanelKernels* kernels = plan::panel_kernels(set);
    if (kernels == nullptr) continue;
    for (int64_t size : {1, 2, 3, 4, 7, 8, 9, 15, 16, 31, 32, 33, 63, 64, 65, 127, 129, 768, 1000}) {
      for (double mean : {0.0, 1000.0}) {
        SCOPED_TRACE(absl::StrCat("set ", static_cast<int>(set), ", size ", size, ", mean ", mean));
        const at::Tensor x = at::randn({3, size}) + mean;
        const at::Tensor scale = at::randn({size});
        const at::Tensor shift = at::randn({size});
        // One element more, which has to stay as it is.
        const at::Tensor out = at::full({3 * size + 1}, 7.0);
        kernels->normalize({x.const_data_ptr<float>(), scale.const_data_ptr<float>(), shift.const_data_ptr<float>(),
                            out.mutable_data_ptr<float>(), 3, size, 1e-5F});
        const at::Tensor expected =
            at::layer_norm(x.to(at::kDouble), size, scale.to(at::kDouble), shift.to(at::kDouble), 1e-5);
        // The mean of large numbers is itself known to so many digits only.
        testing::expect_close(out.narrow(0, 0, 3 * size).view({3, size}), expected.to(at::kFloat),
                              mean == 0 ? 2e-6 : 5e-4);
        EXPECT_EQ(out[3 * size].item().toDouble(), 7.0);
      }
    }
  }
}

TEST_F(PlanNormTest, NumbersThatAreNotFiniteSpoilTheirRowOnly) {
  at::Tensor x = at::randn({4, 24});
  x[1][3] = std::numeric_limits<float>::infinity();
  x[2][23] = std::numeric_limits<float>::quiet_NaN();
  testing::expect_planned(R"(
graph(%x : Tensor, %w : Tensor, %b : Tensor):
  %n : int[] = prim::Constant[value=[24]]()
  %eps : float = prim::Constant[value=1e-05]()
  %true : bool = prim::Constant[value=True]()
  %y : Tensor = aten::layer_norm(%x, %n, %w, %b, %eps, %true)
  return (%y)
)",
                          {{"w", at::randn({24})}, {"b", at::randn({24})}}, {x});
}

TEST_F(PlanNormTest, LargeOnesAreSharedByThreads) {
  const std::string text = R"(
graph(%x : Tensor):
  %n : int[] = prim::Constant[value=[70]]()
  %none : NoneType = prim::Constant()
  %eps : float = prim::Constant[value=0.001]()
  %true : bool = prim::Constant[value=True]()
  %t : Tensor = aten::relu(%x)
  %y : Tensor = aten::layer_norm(%t, %n, %none, %none, %eps, %true)
  return (%y)
)";
  const std::vector<at::Tensor> inputs = {at::randn({3, 501, 70})};
  EXPECT_TRUE(absl::StrContains(testing::steps_of(text, {}, inputs), "layer_norm 1503x70"));
  for (int threads : {1, 3}) {
    at::set_num_threads(threads);
    testing::expect_planned(text, {}, inputs, 2e-6);
  }
}

TEST_F(PlanNormTest, SumsOfRowsOfAllSizesForEachInstructionSet) {
  for (const auto set : {plan::InstructionSet::kBase, plan::InstructionSet::kAvx2, plan::InstructionSet::kAvx512}) {
    const plan::PanelKernels* kernels = plan::panel_kernels(set);
    if (kernels == nullptr) continue;
    for (int64_t size : {1, 2, 3, 4, 7, 8, 9, 31, 32, 33, 63, 64, 65, 768, 1000, 4095, 4096, 4097, 1000000}) {
      SCOPED_TRACE(absl::StrCat("set ", static_cast<int>(set), ", size ", size));
      const at::Tensor x = at::rand({3, size});
      const at::Tensor out = at::full({4}, 7.0);
      kernels->sum_rows({x.const_data_ptr<float>(), out.mutable_data_ptr<float>(), 3, size, 1.0 / 3});
      testing::expect_close(out.narrow(0, 0, 3), at::div(x.to(at::kDouble).sum(1), 3).to(at::kFloat), 2e-7);
      EXPECT_EQ(out[3].item().toDouble(), 7.0);
    }
  }
}

// A graph whose one reduction is called so, between steps that a plan takes.
std::string reduction(std::string_view call) {
  return absl::StrCat(R"(
graph(%x : Tensor):
  %none : NoneType = prim::Constant()
  %yes : bool = prim::Constant[value=True]()
  %no : bool = prim::Constant[value=False]()
  %last : int[] = prim::Constant[value=[-1]]()
  %two : int[] = prim::Constant[value=[-1, 1]]()
  %first : int[] = prim::Constant[value=[0]]()
  %all : int[] = prim::Constant[value=[]]()
  %axis : int = prim::Constant[value=-1]()
  %t : Tensor = aten::softmax(%x, %axis, %none)
  %s : Tensor = aten::)",
                      absl::string_view(call.data(), call.size()), R"(
  %y : Tensor = aten::exp(%s)
  return (%y, %s)
)");
}

TEST_F(PlanNormTest, SumsAndMeansOverTheLastDimensions) {
  const std::vector<at::Tensor> inputs = {at::randn({2, 5, 33})};
  for (const char* call :
       {"sum(%t, %last, %yes, %none)", "sum(%t, %last, %no, %none)", "sum(%t, %two, %no, %none)",
        "sum(%t, %two, %yes, %none)", "sum(%t, %all, %no, %none)", "sum(%t, %all, %yes, %none)", "sum(%t, %none)",
        "mean(%t, %last, %yes, %none)", "mean(%t, %two, %no, %none)", "mean(%t, %none)"}) {
    SCOPED_TRACE(call);
    EXPECT_TRUE(absl::StrContains(testing::steps_of(reduction(call), {}, inputs), "sum "));
    for (int threads : {1, 3}) {
      at::set_num_threads(threads);
      testing::expect_planned(reduction(call), {}, inputs, 2e-6);
    }
  }
}

TEST_F(PlanNormTest, WhatIsReducedMayLieInAnyOrder) {
  testing::expect_planned(R"(
graph(%x : Tensor):
  %none : NoneType = prim::Constant()
  %yes : bool = prim::Constant[value=True]()
  %last : int[] = prim::Constant[value=[-1]]()
  %zero : int = prim::Constant[value=0]()
  %one : int = prim::Constant[value=1]()
  %axis : int = prim::Constant[value=-1]()
  %t : Tensor = aten::softmax(%x, %axis, %none)
  %turned : Tensor = aten::transpose(%t, %zero, %one)
  %y : Tensor = aten::sum(%turned, %last, %yes, %none)
  return (%y)
)",
                          {}, {at::randn({70, 9})}, 2e-6);
}

}  // namespace
}  // namespace vesta::runtime
