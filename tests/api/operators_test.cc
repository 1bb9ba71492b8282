// Operators and classes of other libraries. torchvision's are tried where VESTA_TORCHVISION names its _C.so.

#include <cstdlib>
#include <fstream>

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>

#include "tests/api/api_test_support.h"

namespace vesta::test {
namespace {

TEST(LoadOperators, OperatorsOfALibraryCanBeCalled) {
  must(load_operators(VESTA_TEST_OPERATORS));
  must(load_operators(VESTA_TEST_OPERATORS));  // A second time does nothing.
  const Unit unit = must(compile(R"(
def f(x: Tensor) -> Tensor:
    return torch.ops.vesta_test.scale(x, 3.0) + ops.vesta_test.scale(x)
def cuda() -> bool:
    return torch.ops.vesta_test.has_cuda()
)"));
  const at::Tensor result = must(get<at::Tensor>(unit.run_function("f", {at::ones({2})})));
  EXPECT_TRUE(at::equal(result, at::full({2}, 5.0)));
  EXPECT_FALSE(must(get<bool>(unit.run_function("cuda", {}))));
}

TEST(LoadOperators, ClassesOfALibraryCanBeMadeAndCalled) {
  must(load_operators(VESTA_TEST_OPERATORS));
  const Unit unit = must(compile(R"(
def f(n: int) -> int:
    c = torch.classes.vesta_test.Counter(n)
    c.increment(2)
    return c.increment(5)
)"));
  EXPECT_EQ(must(get<int64_t>(unit.run_function("f", {10}))), 17);
}

TEST(LoadOperators, WhatIsMissingIsSaid) {
  EXPECT_EQ(load_operators("/no/such/library.so").code(), absl::StatusCode::kNotFound);
  const std::string path = testing::TempDir() + "/no_library.so";
  std::ofstream(path) << "text";
  const absl::Status status = load_operators(path);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(message(status).find(path), std::string::npos) << message(status);
}

// The library of the wheel on PyPI, which is linked with Python's and CUDA's parts of libtorch.
TEST(LoadOperators, TorchvisionsOperatorsRun) {
  const char* library = std::getenv("VESTA_TORCHVISION");
  if (library == nullptr) GTEST_SKIP() << "VESTA_TORCHVISION names no torchvision/_C.so";
  must(load_operators(library));
  const Unit unit = must(compile(R"(
def nms(boxes: Tensor, scores: Tensor) -> Tensor:
    return torch.ops.torchvision.nms(boxes, scores, 0.5)
def roi_align(x: Tensor, boxes: Tensor) -> Tensor:
    return torch.ops.torchvision.roi_align(x, boxes, 1.0, 2, 2, -1, False)
)"));
  const at::Tensor boxes = at::tensor({0., 0., 10., 10., 1., 1., 11., 11., 20., 20., 30., 30.}).view({3, 4});
  const at::Tensor kept = must(get<at::Tensor>(unit.run_function("nms", {boxes, at::tensor({0.9, 0.8, 0.7})})));
  EXPECT_TRUE(at::equal(kept, at::tensor({int64_t{0}, int64_t{2}})));
  const at::Tensor rois = at::tensor({0.f, 0.f, 0.f, 4.f, 4.f}).view({1, 5});
  const at::Tensor x = at::arange(64, at::kFloat).view({1, 1, 8, 8});
  const at::Tensor pooled = must(get<at::Tensor>(unit.run_function("roi_align", {x, rois})));
  EXPECT_EQ(pooled.sizes(), at::IntArrayRef({1, 1, 2, 2}));
  EXPECT_NEAR(pooled[0][0][0][0].item<float>(), 9.0f, 1e-4f);
}

}  // namespace
}  // namespace vesta::test
