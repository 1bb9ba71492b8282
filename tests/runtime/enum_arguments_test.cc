// Ints that stand for dtypes, layouts and memory formats reach libtorch's operators only if they name one.

#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "tests/runtime/programs.h"

namespace vesta::runtime {
namespace {

using c10::IValue;
using testing::failure;
using testing::Programs;
using testing::run;

constexpr std::string_view kCast = R"(graph(%x : Tensor, %dtype : int):
  %false : bool = prim::Constant[value=False]()
  %none : NoneType = prim::Constant()
  %r : Tensor = aten::to(%x, %dtype, %false, %false, %none)
  return (%r)
)";

TEST(EnumArguments, ADtypeThatIsNoneIsAnError) {
  Programs programs;
  const ir::Function* cast = programs.function("cast", kCast);
  for (const int64_t dtype : {int64_t{63}, int64_t{-1}, int64_t{1} << 40}) {
    const absl::Status status = failure(*cast, {at::ones({2}), dtype});
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(status.message().find("argument 'dtype' of 'aten::to': " + std::to_string(dtype) + " is no dtype"),
              std::string_view::npos)
        << status;
    EXPECT_NE(status.message().find("model.py:4"), std::string_view::npos) << status;
  }
  EXPECT_EQ(run(*cast, {at::ones({2}), int64_t{4}}).toTensor().scalar_type(), at::kLong);
}

TEST(EnumArguments, AConstantIsCheckedWhenItsCallIsReached) {
  Programs programs;
  const ir::Function* make = programs.function("make", R"(graph(%do : bool):
  %size : int[] = prim::Constant[value=[2]]()
  %layout : int = prim::Constant[value=99]()
  %format : int = prim::Constant[value=77]()
  %none : NoneType = prim::Constant()
  %r : Tensor? = prim::If(%do)
    block0():
      %t : Tensor = aten::zeros(%size, %none, %layout, %none, %none)
      -> (%t)
    block1():
      %e : Tensor = aten::empty(%size, %none, %none, %none, %none, %format)
      -> (%e)
  return (%r)
)");
  EXPECT_NE(failure(*make, {true}).message().find("argument 'layout' of 'aten::zeros': 99 is no layout"),
            std::string_view::npos);
  EXPECT_NE(failure(*make, {false}).message().find("argument 'memory_format' of 'aten::empty': 77 is no memory format"),
            std::string_view::npos);
}

}  // namespace
}  // namespace vesta::runtime
