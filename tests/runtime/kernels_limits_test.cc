// What torch::jit leaves undefined, or lets eat all memory.

#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "ir/operator.h"
#include "runtime/kernels/print_handler.h"
#include "runtime/kernels/registry.h"

namespace vesta::runtime {
namespace {

using c10::IValue;
using ir::Stack;

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

absl::Status call(const char* name, const char* overload, Stack& stack) {
  const ir::Operator* op = ir::OperatorCatalog::standard().find(name, overload);
  if (op == nullptr) return absl::NotFoundError(name);
  return builtin_kernel(op->builtin)(stack);
}

absl::StatusCode code_of(const char* name, const char* overload, Stack stack) {
  return call(name, overload, stack).code();
}

IValue result_of(const char* name, const char* overload, Stack stack) {
  const absl::Status status = call(name, overload, stack);
  EXPECT_TRUE(status.ok()) << status;
  return status.ok() ? stack.back() : IValue();
}

TEST(KernelLimits, DivisionByZeroIsAnError) {
  for (const char* name : {"aten::floordiv", "aten::remainder", "aten::divmod", "aten::__round_to_zero_floordiv"}) {
    EXPECT_EQ(code_of(name, "int", {1, 0}), absl::StatusCode::kInvalidArgument) << name;
  }
  EXPECT_EQ(code_of("aten::__range_length", "", {0, 1, 0}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code_of("aten::slice", "t", {c10::List<int64_t>({1}), IValue(), IValue(), 0}),
            absl::StatusCode::kInvalidArgument);
}

TEST(KernelLimits, ExtremeIntsWrapAround) {
  EXPECT_EQ(result_of("aten::floordiv", "int", {kMin, -1}).toInt(), kMin);
  EXPECT_EQ(result_of("aten::remainder", "int", {kMin, -1}).toInt(), 0);
  EXPECT_EQ(result_of("aten::remainder", "int", {7, kMax - 1}).toInt(), 7);
  EXPECT_EQ(result_of("aten::gcd", "int", {kMin, -1}).toInt(), 1);
  EXPECT_EQ(result_of("aten::neg", "int", {kMin}).toInt(), kMin);
  EXPECT_EQ(result_of("prim::abs", "int", {kMin}).toInt(), kMin);
  EXPECT_EQ(result_of("aten::add", "int", {kMax, 1}).toInt(), kMin);
  EXPECT_EQ(result_of("aten::__range_length", "", {kMax, kMin, kMin}).toInt(), 2);
  EXPECT_EQ(result_of("aten::slice", "t", {c10::List<int64_t>({1, 2, 3}), IValue(), IValue(), kMin}).toIntVector(),
            std::vector<int64_t>({3}));
}

TEST(KernelLimits, ShiftsAreDefined) {
  EXPECT_EQ(result_of("aten::__lshift__", "int", {1, 64}).toInt(), 0);
  EXPECT_EQ(result_of("aten::__rshift__", "int", {-5, 1000}).toInt(), -1);
  EXPECT_EQ(code_of("aten::__lshift__", "int", {1, -1}), absl::StatusCode::kInvalidArgument);
}

TEST(KernelLimits, FloatsThatAreNoIntsAreErrors) {
  for (const double value :
       {1e19, -1e19, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(code_of("aten::Int", "float", {value}), absl::StatusCode::kInvalidArgument) << value;
    EXPECT_EQ(code_of("aten::floor", "float", {value}), absl::StatusCode::kInvalidArgument) << value;
  }
  EXPECT_EQ(code_of("aten::pow", "int_to_int", {10, 30}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(result_of("aten::pow", "int_to_int", {-2, 3}).toInt(), -8);
}

TEST(KernelLimits, SizeBombsAreRefused) {
  constexpr int64_t kHuge = 1'000'000'000'000;
  EXPECT_EQ(code_of("aten::mul", "left_t", {c10::List<int64_t>({1}), kHuge}), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(code_of("aten::mul", "left_t", {c10::List<int64_t>({1, 2}), kMax}), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(code_of("prim::rangelist", "", {kHuge}), absl::StatusCode::kResourceExhausted);
  for (const char* name : {"aten::center", "aten::ljust", "aten::rjust"}) {
    EXPECT_EQ(code_of(name, "", {"a", kHuge, "*"}), absl::StatusCode::kResourceExhausted) << name;
  }
  EXPECT_EQ(code_of("aten::zfill", "", {"a", kMax}), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(code_of("aten::expandtabs", "", {"\t\t", kMax}), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(code_of("aten::replace", "", {std::string(100000, 'a'), "a", std::string(100000, 'b'), -1}),
            absl::StatusCode::kResourceExhausted);
}

TEST(KernelLimits, NumbersThatAreNoDtypesAreErrors) {
  for (const int64_t dtype : {int64_t{-1}, int64_t{63}, int64_t{1000}, kMax, kMin}) {
    EXPECT_EQ(code_of("aten::tensor", "int", {1, dtype, IValue(), false}), absl::StatusCode::kInvalidArgument) << dtype;
    EXPECT_EQ(code_of("aten::tensor", "", {c10::List<int64_t>({1}), dtype, IValue(), false}),
              absl::StatusCode::kInvalidArgument)
        << dtype;
    EXPECT_EQ(code_of("aten::to", "prim_dtype", {at::Tensor(), dtype, false, false}),
              absl::StatusCode::kInvalidArgument)
        << dtype;
  }
}

TEST(KernelLimits, EmptyPatternsEnd) {
  EXPECT_EQ(result_of("aten::replace", "", {"ab", "", "-", -1}).toStringRef(), "-a-b-");
  EXPECT_EQ(result_of("aten::count", "", {"abc", "", 0, -1}).toInt(), 4);
  EXPECT_EQ(code_of("aten::rsplit", "", {"abc", "", -1}), absl::StatusCode::kInvalidArgument);
}

TEST(KernelLimits, AListMayExtendItself) {
  const c10::List<int64_t> list({1, 2});
  Stack stack{list, list};
  ASSERT_TRUE(call("aten::extend", "t", stack).ok());
  EXPECT_EQ(list.vec(), std::vector<int64_t>({1, 2, 1, 2}));
}

TEST(PrintHandler, InnermostScopeOfTheThreadGetsTheText) {
  std::string outer, inner;
  const PrintHandler to_outer = [&](std::string_view text) { outer += text; };
  const PrintHandler to_inner = [&](std::string_view text) { inner += text; };
  const PrintScope outer_scope(&to_outer);
  {
    const PrintScope inner_scope(&to_inner);
    Stack stack{"x", 1, c10::List<int64_t>({1, 2}), 3};
    ASSERT_TRUE(call("prim::Print", "", stack).ok());
    EXPECT_TRUE(stack.empty());
  }
  Stack stack{0};
  ASSERT_TRUE(call("prim::Print", "", stack).ok());
  EXPECT_EQ(inner, "x 1 [1, 2]\n");
  EXPECT_EQ(outer, "\n");
}

TEST(Save, IsRefused) { EXPECT_EQ(code_of("aten::save", "", {1, "/tmp/x"}), absl::StatusCode::kFailedPrecondition); }

}  // namespace
}  // namespace vesta::runtime
