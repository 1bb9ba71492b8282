#include "serialization/value_file.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ATen/core/Tensor.h>
#include <ATen/ops/_conj.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/quantize_per_tensor.h>
#include <ATen/ops/zeros.h>

#include "serialization/npy.h"
#include "serialization/zip_reader.h"
#include "tests/serialization/zip_builder.h"

namespace vesta::serialization {
namespace {

using namespace std::string_literals;
using c10::IValue;
using testing::build_zip;
using ::testing::HasSubstr;
using testing::little;
using testing::ZipMember;

absl::StatusOr<IValue> read(const std::string& file, ValueFileOptions options = {}) {
  return read_value(*copy_bytes(file), "value.pt", options);
}

IValue round_trip(const IValue& value) {
  const auto file = write_value(value);
  EXPECT_TRUE(file.ok()) << file.status();
  const auto back = read(*file);
  EXPECT_TRUE(back.ok()) << back.status();
  return back.ok() ? *back : IValue();
}

// A checkpoint of one float storage '0' of `count` elements and a pickle over it.
std::string checkpoint(const std::string& pickle, size_t bytes = 16, const std::string& byte_order = "little") {
  std::string data;
  for (size_t i = 0; i < bytes / 4; ++i) data += i % 2 == 0 ? "\0\0\x80\x3f"s : "\0\0\0\x40"s;  // 1, 2, 1, 2
  std::vector<ZipMember> members(4);
  members[0] = {.name = "m/data.pkl", .contents = pickle};
  members[1] = {.name = "m/byteorder", .contents = byte_order};
  members[2] = {.name = "m/data/0", .contents = data};
  members[3] = {.name = "m/version", .contents = "3\n"};
  return build_zip(members);
}

std::string number(int64_t value) { return "\x8a\x08"s + little(static_cast<uint64_t>(value), 8); }

std::string text(const std::string& value) { return "X" + little(value.size(), 4) + value; }

std::string tensor_pickle(int64_t offset, const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides,
                          int64_t count = 4, const std::string& storage = "FloatStorage",
                          const std::string& location = "cpu") {
  std::string p =
      "\x80\x02"
      "ctorch._utils\n_rebuild_tensor_v2\n((" +
      text("storage") + "ctorch\n" + storage + "\n" + text("0") + text(location) + number(count) + "tQ" +
      number(offset) + "(";
  for (const int64_t size : sizes) p += number(size);
  p += "t(";
  for (const int64_t stride : strides) p += number(stride);
  return p +
         "t\x89"
         "ccollections\nOrderedDict\n)RtR.";
}

TEST(ValueFile, ValuesComeBackAsTheyWere) {
  c10::impl::GenericDict dict(c10::StringType::get(), c10::AnyType::get());
  dict.insert("x", at::arange(6).view({2, 3}));
  dict.insert("n", int64_t{1} << 40);
  c10::impl::GenericList list(c10::AnyType::get());
  list.push_back(IValue());
  list.push_back(-1.5);
  list.push_back(c10::complex<double>(1, -2));
  list.push_back("h\xc3\xa9");
  list.push_back(true);
  list.push_back(int64_t{-7});
  list.push_back(c10::Device("cuda:1"));
  const IValue back = round_trip(c10::ivalue::Tuple::create({dict, list}));
  const auto& elements = back.toTupleRef().elements();
  EXPECT_TRUE(at::equal(elements[0].toGenericDict().at("x").toTensor(), at::arange(6).view({2, 3})));
  EXPECT_EQ(elements[0].toGenericDict().at("n").toInt(), int64_t{1} << 40);
  const auto values = elements[1].toListRef();
  EXPECT_TRUE(values[0].isNone());
  EXPECT_EQ(values[1].toDouble(), -1.5);
  EXPECT_EQ(values[2].toComplexDouble(), c10::complex<double>(1, -2));
  EXPECT_EQ(values[3].toStringRef(), "h\xc3\xa9");
  EXPECT_TRUE(values[4].toBool());
  EXPECT_EQ(values[5].toInt(), -7);
  EXPECT_EQ(values[6].toDevice(), c10::Device("cuda:1"));
}

TEST(ValueFile, StridesSharingGradAndQuantizationAreKept) {
  const at::Tensor base = at::arange(12).to(at::kFloat).view({3, 4});
  at::Tensor leaf = at::ones({2});
  leaf.set_requires_grad(true);
  const at::Tensor quantized = at::quantize_per_tensor(at::ones({4}), 0.5, 3, at::kQUInt8);
  const at::Tensor conjugate = at::_conj(at::ones({2}, at::kComplexFloat));
  const IValue back = round_trip(c10::ivalue::Tuple::create(
      std::vector<IValue>{base, base.t(), leaf, quantized, conjugate, at::zeros({0, 3}), at::ones({}, at::kHalf)}));
  const auto& e = back.toTupleRef().elements();
  EXPECT_TRUE(at::equal(e[0].toTensor(), base));
  EXPECT_EQ(e[1].toTensor().strides(), base.t().strides());
  EXPECT_TRUE(e[0].toTensor().storage().is_alias_of(e[1].toTensor().storage()));
  EXPECT_TRUE(e[2].toTensor().requires_grad());
  EXPECT_TRUE(at::equal(e[3].toTensor(), quantized));
  EXPECT_TRUE(e[4].toTensor().is_conj());
  EXPECT_EQ(e[5].toTensor().sizes(), (std::vector<int64_t>{0, 3}));
  EXPECT_EQ(e[6].toTensor().scalar_type(), at::kHalf);
}

TEST(ValueFile, TheSameValueGivesTheSameBytes) {
  EXPECT_EQ(*write_value(IValue(at::ones({3}))), *write_value(IValue(at::ones({3}))));
}

TEST(ValueFile, WhatSuchAFileCannotHoldIsRefused) {
  const auto status = write_value(IValue(c10::Storage())).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("Storage"));
}

TEST(ValueFile, WritingReplacesTheFileWholeOrNotAtAll) {
  const std::string folder = ::testing::TempDir() + "value_file_test";
  std::filesystem::create_directories(folder);
  const std::string path = folder + "/v.pt";
  ASSERT_TRUE(write_value(IValue(at::ones({3})), path).ok());
  EXPECT_FALSE(write_value(IValue(c10::Storage()), path).ok());
  const auto back = read_value(*read_file(path, kGiB), path, {});
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_TRUE(at::equal(back->toTensor(), at::ones({3})));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
  EXPECT_EQ(write_value(IValue(1), folder + "/none/v.pt").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(write_value(IValue(at::ones({1000})), "/dev/full").code(), absl::StatusCode::kResourceExhausted);
  std::filesystem::remove_all(folder);
}

TEST(Tensors, AreBuiltOverTheirStorageInPlace) {
  const auto value = read(checkpoint(tensor_pickle(1, {2}, {2})));
  ASSERT_TRUE(value.ok()) << value.status();
  const at::Tensor tensor = value->toTensor();
  EXPECT_EQ(tensor.storage_offset(), 1);
  EXPECT_EQ(tensor.data_ptr<float>()[0], 2.0f);
  EXPECT_FALSE(tensor.is_inference());
  // The bytes are the tensor's own: it may be written to.
  tensor.data_ptr<float>()[0] = 5;
  EXPECT_EQ(tensor.data_ptr<float>()[0], 5.0f);
}

TEST(Tensors, GeometryThatLeavesTheStorageIsDataLoss) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const std::vector<std::string> wrong = {
      tensor_pickle(4, {1}, {1}),
      tensor_pickle(-1, {1}, {1}),
      tensor_pickle(0, {5}, {1}),
      tensor_pickle(0, {2}, {4}),
      tensor_pickle(0, {2}, {-1}),
      tensor_pickle(0, {-2}, {1}),
      tensor_pickle(0, {2, 2}, {1}),
      tensor_pickle(0, {kMax, 2}, {1, 1}),
      tensor_pickle(0, {2}, {kMax}),
      tensor_pickle(kMax, {2}, {1}),
      tensor_pickle(5, {0}, {1}),
      tensor_pickle(0, {kMax, kMax}, {0, 0}),
      tensor_pickle(kMax / 4 + 1, {1}, {0}),
  };
  for (const std::string& pickle : wrong) {
    EXPECT_EQ(read(checkpoint(pickle)).status().code(), absl::StatusCode::kDataLoss);
  }
  EXPECT_TRUE(read(checkpoint(tensor_pickle(3, {1000}, {0}))).ok());
  EXPECT_TRUE(read(checkpoint(tensor_pickle(4, {0}, {1}))).ok());
}

TEST(Tensors, StoragesOfAnotherSizeAreDataLoss) {
  EXPECT_THAT(std::string(read(checkpoint(tensor_pickle(0, {1}, {1}, 3))).status().message()),
              HasSubstr("has 16 bytes, its storage 12"));
  EXPECT_FALSE(read(checkpoint(tensor_pickle(0, {1}, {1}, int64_t{1} << 62))).ok());
  EXPECT_FALSE(read(checkpoint(tensor_pickle(0, {1}, {1}, -4))).ok());
  const auto bools = read(checkpoint(tensor_pickle(0, {1}, {1}, 16, "BoolStorage")));
  EXPECT_THAT(std::string(bools.status().message()), HasSubstr("bools other than 0 and 1"));
}

TEST(Tensors, OtherDevicesAreNamedAndCanBeMappedToTheCpu) {
  const std::string file = checkpoint(tensor_pickle(0, {4}, {1}, 4, "FloatStorage", "cuda:0"));
  const auto refused = read(file).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("'cuda:0'"));
  ValueFileOptions options;
  options.map_to_cpu = true;
  EXPECT_TRUE(read(file, options).ok());
}

TEST(Tensors, BigEndianStoragesAreTurnedAround) {
  const auto value = read(checkpoint(tensor_pickle(0, {1}, {1}, 4, "IntStorage"), 16, "big"));
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(value->toTensor().data_ptr<int32_t>()[0], 0x0000803f);
  EXPECT_FALSE(read(checkpoint(tensor_pickle(0, {1}, {1}), 16, "middle")).ok());
}

TEST(Tensors, LimitsOnRankAndCount) {
  ValueFileOptions options;
  options.limits.tensor_rank = 1;
  EXPECT_EQ(read(checkpoint(tensor_pickle(0, {2, 2}, {2, 1})), options).status().code(),
            absl::StatusCode::kResourceExhausted);
  options = {};
  options.limits.tensors = 0;
  EXPECT_EQ(read(checkpoint(tensor_pickle(0, {2}, {1})), options).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(ValueFile, NothingIsExecutedAndUnknownClassesAreNamed) {
  const auto status = read(checkpoint("\x80\x02"
                                      "cposix\nsystem\n" +
                                      text("touch /tmp/vesta_pwn_value") + "\x85R."))
                          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(status.message()), HasSubstr("'posix.system'"));
  EXPECT_FALSE(std::filesystem::exists("/tmp/vesta_pwn_value"));
  EXPECT_FALSE(read(checkpoint("\x80\x02"
                               "ctorch\nFloatStorage\n."))
                   .ok());
  EXPECT_FALSE(read(checkpoint("\x80\x02](ctorch\nFloatStorage\ne.")).ok());
}

TEST(Npy, RoundTripsEveryDtype) {
  for (const auto type : {at::kFloat, at::kDouble, at::kHalf, at::kLong, at::kInt, at::kShort, at::kChar, at::kByte,
                          at::kBool, at::kComplexFloat, at::kComplexDouble}) {
    const at::Tensor tensor = at::arange(6).view({2, 3}).to(type);
    const auto file = write_npy(tensor.t());
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_EQ(file->find('\n') % 64, 63u);
    const auto back = read_npy(*file, "x.npy");
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_TRUE(at::equal(*back, tensor.t())) << type;
  }
  for (const std::vector<int64_t>& sizes : std::vector<std::vector<int64_t>>{{}, {0}, {5}, {1, 1, 1}}) {
    EXPECT_TRUE(at::equal(*read_npy(*write_npy(at::ones(sizes)), "x.npy"), at::ones(sizes)));
  }
}

std::string npy(const std::string& header, const std::string& data) {
  return "\x93NUMPY\x01"s + '\0' + little(header.size(), 2) + header + data;
}

TEST(Npy, ReadsFortranOrderAndBigEndian) {
  const std::string data = "\0\1\0\2\0\3\0\4"s;
  const auto c = read_npy(npy("{'descr': '>i2', 'fortran_order': False, 'shape': (2, 2), }\n", data), "x.npy");
  ASSERT_TRUE(c.ok()) << c.status();
  EXPECT_TRUE(at::equal(*c, at::arange(1, 5).to(at::kShort).view({2, 2})));
  const auto f = read_npy(npy("{'shape': (2, 2), 'fortran_order': True, 'descr': '>i2'}", data), "x.npy");
  ASSERT_TRUE(f.ok()) << f.status();
  EXPECT_TRUE(at::equal(*f, at::arange(1, 5).to(at::kShort).view({2, 2}).t()));
}

TEST(Npy, MalformedFilesAreErrors) {
  const auto code = [](const std::string& file) { return read_npy(file, "x.npy").status().code(); };
  const std::string header = "{'descr': '<i2', 'fortran_order': False, 'shape': (2,), }\n";
  ASSERT_EQ(code(npy(header, "1234")), absl::StatusCode::kOk);
  for (const std::string& data : {""s, "123"s, "12345"s})
    EXPECT_EQ(code(npy(header, data)), absl::StatusCode::kDataLoss);
  for (const std::string& bad :
       {"{'descr': '<i2', 'fortran_order': False}"s, "{'descr': '<i2', 'fortran_order': 1, 'shape': (2,)}"s,
        "{'descr': '<i2', 'fortran_order': False, 'shape': (-2,)}"s, "{"s, ""s,
        "{'descr': '<i2', 'fortran_order': False, 'shape': (9223372036854775807, 9223372036854775807)}"s}) {
    EXPECT_EQ(code(npy(bad, "1234")), absl::StatusCode::kDataLoss) << bad;
  }
  EXPECT_EQ(code(npy("{'descr': '<U4', 'fortran_order': False, 'shape': (2,)}", "1234")),
            absl::StatusCode::kUnimplemented);
  EXPECT_EQ(code(npy("{'descr': [('a', '<i2')], 'fortran_order': False, 'shape': (2,)}", "1234")),
            absl::StatusCode::kUnimplemented);
  const std::string whole = npy(header, "1234");
  for (size_t size = 0; size < whole.size(); ++size) EXPECT_NE(code(whole.substr(0, size)), absl::StatusCode::kOk);
}

}  // namespace
}  // namespace vesta::serialization
