// The versioned semantics of torch's note "Serialization semantics": what a division of integers, and `full` without a
// dtype, mean in a program that was saved before 1.6 and in one that was saved later. The note says that division
// floored before 1.6; it truncated, as the recordings of those versions show (legacy_test.cc).

#include <gtest/gtest.h>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "tests/legacy/made_archive.h"

namespace vesta::test {
namespace {

constexpr int kBefore16 = 2;  // the version that 1.5 wrote
constexpr int kSince16 = 5;

constexpr const char* kDivision = R"(
  def tensors(self: __torch__.M, a: Tensor, b: Tensor) -> Tensor:
    return torch.div(a, b)
  def by_int(self: __torch__.M, a: Tensor, b: int) -> Tensor:
    return torch.div(a, b)
  def by_float(self: __torch__.M, a: Tensor, b: float) -> Tensor:
    return torch.div(a, b)
  def in_place(self: __torch__.M, a: Tensor, b: Tensor) -> Tensor:
    return torch.div_(a, b)
  def in_place_by_int(self: __torch__.M, a: Tensor, b: int) -> Tensor:
    return torch.div_(a, b)
  def out(self: __torch__.M, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    return torch.div(a, b, out=c)
  def rounded(self: __torch__.M, a: Tensor, b: Tensor) -> Tensor:
    return torch.div(a, b, rounding_mode="floor")
)";

constexpr const char* kFull = R"(
  def of_int(self: __torch__.M) -> Tensor:
    return torch.full([2], 3, dtype=None, layout=None, device=None, pin_memory=None)
  def of_bool(self: __torch__.M) -> Tensor:
    return torch.full([2], True, dtype=None, layout=None, device=None, pin_memory=None)
  def of_float(self: __torch__.M) -> Tensor:
    return torch.full([2], 1.5, dtype=None, layout=None, device=None, pin_memory=None)
  def int_to_long(self: __torch__.M) -> Tensor:
    return torch.full([2], 3, dtype=4, layout=None, device=None, pin_memory=None)
  def float_to_long(self: __torch__.M) -> Tensor:
    return torch.full([2], 1.7, dtype=4, layout=None, device=None, pin_memory=None)
  def bool_to_bool(self: __torch__.M) -> Tensor:
    return torch.full([2], True, dtype=11, layout=None, device=None, pin_memory=None)
  def out(self: __torch__.M, o: Tensor) -> Tensor:
    return torch.full([2], 3, out=o)
)";

class VersionedSemantics : public testing::Test {
 protected:
  void open(int version, const char* methods) {
    absl::StatusOr<Module> module = load_made(made_archive(version, methods));
    ASSERT_TRUE(module.ok()) << module.status().message();
    module_.emplace(*std::move(module));
  }
  at::Tensor call(const char* method, std::vector<c10::IValue> arguments = {}) {
    absl::StatusOr<c10::IValue> result = module_->run_method(method, std::move(arguments));
    EXPECT_TRUE(result.ok()) << result.status().message();
    return result.ok() ? result->toTensor() : at::Tensor();
  }
  bool raises(const char* method, std::vector<c10::IValue> arguments) {
    return !module_->run_method(method, std::move(arguments)).ok();
  }

  std::optional<Module> module_;
};

at::Tensor ints(std::vector<int64_t> values) { return at::tensor(values, at::kLong); }
at::Tensor floats(std::vector<double> values) { return at::tensor(values, at::kFloat); }
at::Tensor dividend() { return ints({7, -7, 8, -8, 1, 0}); }
at::Tensor divisor() { return ints({2, 2, -3, -3, 2, 5}); }

void expect_is(const at::Tensor& given, const at::Tensor& expected) {
  ASSERT_TRUE(given.defined());
  EXPECT_EQ(given.scalar_type(), expected.scalar_type());
  EXPECT_EQ(given.sizes(), expected.sizes());
  EXPECT_TRUE(at::allclose(given.to(at::kDouble), expected.to(at::kDouble))) << given << "\n" << expected;
}

TEST_F(VersionedSemantics, DivisionOfIntegersSavedBefore16TruncatesTowardZero) {
  open(kBefore16, kDivision);
  expect_is(call("tensors", {dividend(), divisor()}), ints({3, -3, -2, 2, 0, 0}));
  expect_is(call("by_int", {dividend(), 3}), ints({2, -2, 2, -2, 0, 0}));
  expect_is(call("by_int", {dividend(), -3}), ints({-2, 2, -2, 2, 0, 0}));
}

TEST_F(VersionedSemantics, DivisionOfIntegersSavedSince16IsTrueDivision) {
  open(kSince16, kDivision);
  expect_is(call("tensors", {ints({7, -7}), ints({2, 2})}), floats({3.5, -3.5}));
  expect_is(call("by_int", {ints({7, -7}), -2}), floats({-3.5, 3.5}));
}

TEST_F(VersionedSemantics, DivisionInPlaceSavedBefore16TruncatesAndWrites) {
  open(kBefore16, kDivision);
  at::Tensor a = dividend();
  expect_is(call("in_place", {a, divisor()}), ints({3, -3, -2, 2, 0, 0}));
  expect_is(a, ints({3, -3, -2, 2, 0, 0}));
  expect_is(call("in_place_by_int", {ints({7, -7}), -2}), ints({-3, 3}));
  expect_is(call("in_place", {floats({7, -7}), ints({2, 2})}), floats({3.5, -3.5}));
}

TEST_F(VersionedSemantics, DivisionOfIntegersInPlaceSavedSince16Raises) {
  open(kSince16, kDivision);
  EXPECT_TRUE(raises("in_place", {dividend(), divisor()}));
}

TEST_F(VersionedSemantics, DivisionWithOutSavedBefore16TruncatesForAnOutOfIntegers) {
  open(kBefore16, kDivision);
  at::Tensor out = at::zeros({6}, at::kLong);
  expect_is(call("out", {dividend(), divisor(), out}), ints({3, -3, -2, 2, 0, 0}));
  expect_is(out, ints({3, -3, -2, 2, 0, 0}));
  expect_is(call("out", {ints({7, -7}), ints({2, 2}), at::zeros({2})}), floats({3.5, -3.5}));
}

TEST_F(VersionedSemantics, DivisionWithOutSavedSince16IsTrueDivision) {
  open(kSince16, kDivision);
  expect_is(call("out", {ints({7, -7}), ints({2, 2}), at::zeros({2})}), floats({3.5, -3.5}));
  EXPECT_TRUE(raises("out", {ints({7, -7}), ints({2, 2}), at::zeros({2}, at::kLong)}));
}

TEST_F(VersionedSemantics, DivisionOfIntegersAndFloatsIsTrueDivisionAlways) {
  for (const int version : {kBefore16, kSince16}) {
    open(version, kDivision);
    expect_is(call("tensors", {ints({7, -7}), floats({2, 2})}), floats({3.5, -3.5}));
    expect_is(call("tensors", {floats({7, -7}), ints({2, 2})}), floats({3.5, -3.5}));
    expect_is(call("by_float", {ints({7, -7}), 2.0}), floats({3.5, -3.5}));
    expect_is(call("by_int", {floats({7, -7}), 2}), floats({3.5, -3.5}));
  }
}

TEST_F(VersionedSemantics, DivisionWithARoundingModeMeansWhatItSays) {
  open(4, kDivision);
  expect_is(call("rounded", {ints({7, -7}), ints({2, 2})}), ints({3, -4}));
}

TEST_F(VersionedSemantics, FullSavedBefore16GivesFloatsUnlessTold) {
  open(kBefore16, kFull);
  expect_is(call("of_int"), floats({3, 3}));
  expect_is(call("of_bool"), floats({1, 1}));
  expect_is(call("of_float"), floats({1.5, 1.5}));
}

TEST_F(VersionedSemantics, FullSavedSince16GivesTheTypeOfTheValue) {
  open(kSince16, kFull);
  expect_is(call("of_int"), ints({3, 3}));
  expect_is(call("of_bool"), ints({1, 1}));  // In TorchScript a bool becomes an int where a number is wanted.
  expect_is(call("of_float"), floats({1.5, 1.5}));
}

TEST_F(VersionedSemantics, FullWithADtypeOrOutMeansTheSameAlways) {
  for (const int version : {kBefore16, kSince16}) {
    open(version, kFull);
    expect_is(call("int_to_long"), ints({3, 3}));
    expect_is(call("float_to_long"), ints({1, 1}));
    expect_is(call("bool_to_bool"), at::tensor({1, 1}, at::kLong).to(at::kBool));
    expect_is(call("out", {at::zeros({2})}), floats({3, 3}));
    expect_is(call("out", {at::zeros({2}, at::kLong)}), ints({3, 3}));
  }
}

}  // namespace
}  // namespace vesta::test
