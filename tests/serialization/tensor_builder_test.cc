// What tensors are refused to be built of: hostile geometry of packed and sparse tensors.

#include "serialization/tensor_builder.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serialization/pickle_reader.h"
#include "serialization/sparse_checks.h"

namespace vesta::serialization {
namespace {

using c10::IValue;
using ::testing::HasSubstr;

IValue ints(std::initializer_list<int64_t> values) {
  return c10::ivalue::Tuple::create(std::vector<IValue>(values.begin(), values.end()));
}

IValue global(std::string name) {
  auto object = c10::make_intrusive<PickleObject>(PickleObject::Kind::kGlobal);
  object->module = "torch";
  object->name = std::move(name);
  return PickleObject::wrap(std::move(object));
}

// _rebuild_qtensor of quint4x2, with a channel for each row.
absl::StatusOr<IValue> packed(int64_t bytes, IValue sizes, IValue strides, int64_t offset = 0) {
  TensorBuilder builder(nullptr, {});
  const at::Tensor storage = at::zeros({bytes}, at::kByte);
  const int64_t rows = sizes.toTupleRef().elements()[0].toInt();
  const IValue quantizer = c10::ivalue::Tuple::create(
      {global("per_channel_affine"), at::ones({rows}), at::zeros({rows}, at::kFloat), IValue(0)});
  return builder.rebuild_qtensor({TensorBuilder::wrap_storage(storage.storage(), at::kQUInt4x2), IValue(offset),
                                  std::move(sizes), std::move(strides), quantizer, IValue(false)});
}

TEST(TensorBuilder, PackedElementsTakeWholeBytesInEachRow) {
  const auto fits = packed(9, ints({3, 5}), ints({5, 1}));
  ASSERT_TRUE(fits.ok()) << fits.status();
  EXPECT_EQ(fits->toTensor().int_repr().numel(), 8);
  EXPECT_EQ(packed(8, ints({3, 5}), ints({5, 1})).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(packed(9, ints({3, -5}), ints({5, 1})).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(packed(9, ints({3, 5}), ints({1})).status().code(), absl::StatusCode::kDataLoss);
  const int64_t huge = int64_t{1} << 62;
  EXPECT_FALSE(packed(9, ints({3, huge}), ints({huge, 1})).ok());
}

TEST(TensorBuilder, ViewsOfPackedElementsAreRefused) {
  EXPECT_EQ(packed(9, ints({3, 5}), ints({1, 3})).status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(packed(9, ints({2, 5}), ints({5, 1}), 5).status().code(), absl::StatusCode::kUnimplemented);
}

absl::Status check(c10::Layout layout, const at::Tensor& compressed, const at::Tensor& plain, const at::Tensor& values,
                   const std::vector<int64_t>& sizes) {
  const auto row = std::find_if(kCompressedLayouts.begin(), kCompressedLayouts.end(),
                                [&](const CompressedLayout& one) { return one.layout == layout; });
  return check_compressed(*row, compressed, plain, values, sizes);
}

at::Tensor longs(std::vector<int64_t> values, std::vector<int64_t> sizes) { return at::tensor(values).view(sizes); }

TEST(SparseChecks, EachBatchHasRowsAndColumnsOfItsOwn) {
  const at::Tensor rows = longs({0, 1, 2, 0, 0, 2}, {2, 3});
  const at::Tensor columns = longs({0, 2, 1, 2}, {2, 2});
  const at::Tensor values = at::ones({2, 2});
  EXPECT_TRUE(check(c10::kSparseCsr, rows, columns, values, {2, 2, 3}).ok());
  EXPECT_TRUE(check(c10::kSparseCsr, rows, columns, at::ones({2, 2, 4}), {2, 2, 3, 4}).ok()) << "dense dimensions";
  EXPECT_TRUE(check(c10::kSparseCsc, rows, columns, values, {2, 3, 2}).ok());
  EXPECT_TRUE(check(c10::kSparseBsr, rows, columns, at::ones({2, 2, 4, 5}), {2, 8, 15}).ok());
  EXPECT_TRUE(
      check(c10::kSparseCsr, rows.view({1, 2, 3}), columns.view({1, 2, 2}), values.view({1, 2, 2}), {1, 2, 2, 3}).ok());
}

TEST(SparseChecks, AnIndexOutOfRangeInTheLastBatchIsDataLoss) {
  const at::Tensor rows = longs({0, 1, 2, 0, 0, 2}, {2, 3});
  for (const int64_t bad : {int64_t{3}, int64_t{-1}, int64_t{1} << 40}) {
    const absl::Status status =
        check(c10::kSparseCsr, rows, longs({0, 2, 1, bad}, {2, 2}), at::ones({2, 2}), {2, 2, 3});
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(status.message()), HasSubstr("out of range"));
  }
  const at::Tensor columns = longs({0, 2, 1, 2}, {2, 2});
  for (const std::vector<int64_t>& bad :
       {std::vector<int64_t>{0, 1, 2, 0, 3, 2}, {0, 1, 2, 0, 0, 1}, {0, 1, 2, 1, 1, 2}}) {
    EXPECT_FALSE(check(c10::kSparseCsr, longs(bad, {2, 3}), columns, at::ones({2, 2}), {2, 2, 3}).ok());
  }
}

TEST(SparseChecks, PartsWithOtherSizesThanTheTensorAreDataLoss) {
  const at::Tensor rows = longs({0, 1, 2, 0, 0, 2}, {2, 3});
  const at::Tensor columns = longs({0, 2, 1, 2}, {2, 2});
  EXPECT_FALSE(check(c10::kSparseCsr, rows, columns, at::ones({2, 2}), {3, 2, 3}).ok());
  EXPECT_FALSE(check(c10::kSparseCsr, rows, columns, at::ones({2, 3}), {2, 2, 3}).ok());
  EXPECT_FALSE(check(c10::kSparseCsr, rows, columns.view({4}), at::ones({2, 2}), {2, 2, 3}).ok());
  EXPECT_FALSE(check(c10::kSparseCsr, rows, columns, at::ones({2}), {2, 2, 3}).ok());
  EXPECT_FALSE(check(c10::kSparseCsr, rows, columns, at::ones({2, 2, 4}), {2, 2, 3}).ok());
  EXPECT_FALSE(check(c10::kSparseCsr, rows, columns, at::ones({2, 2, 4}), {2, 2, 3, 5}).ok());
  EXPECT_FALSE(check(c10::kSparseBsr, rows, columns, at::ones({2, 2, 4, 5}), {2, 8, 16}).ok());
  EXPECT_FALSE(check(c10::kSparseBsr, rows, columns, at::ones({2, 2, 0, 5}), {2, 0, 15}).ok());
  EXPECT_FALSE(check(c10::kSparseCsr, at::zeros({}, at::kLong), at::zeros({}, at::kLong), at::ones({}), {}).ok());
}

// Looking at each index of a tensor that repeats 8 bytes 2^40 times would take hours.
TEST(SparseChecks, IndicesThatRepeatAFewBytesAreRefusedAtOnce) {
  const at::Tensor many = at::zeros({1}, at::kLong).expand({int64_t{1} << 40});
  EXPECT_FALSE(check(c10::kSparseCsr, longs({0, 0}, {2}), many, at::ones({1}).expand({int64_t{1} << 40}), {1, 1}).ok());
  EXPECT_FALSE(check(c10::kSparseCsr, many, longs({}, {0}), at::ones({0}), {(int64_t{1} << 40) - 1, 1}).ok());
  EXPECT_FALSE(check_coo(many.unsqueeze(0), at::ones({1}).expand({int64_t{1} << 40}), {1}).ok());
}

}  // namespace
}  // namespace vesta::serialization
