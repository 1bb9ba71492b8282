#include "serialization/pickle_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serialization/pickle_reader.h"

namespace vesta::serialization {
namespace {

using c10::IValue;
using namespace std::string_literals;

// Calls and persistent ids come back as tuples.
class Recorder : public PickleHandler {
 public:
  absl::StatusOr<IValue> persistent(const IValue& id) override { return id; }
  absl::StatusOr<IValue> reduce(const IValue& callable, IValue arguments) override {
    called.push_back(PickleObject::from(callable)->qualified_name());
    return arguments;
  }
  absl::StatusOr<IValue> new_object(const IValue& type, IValue arguments, IValue) override {
    called.push_back("new " + PickleObject::from(type)->qualified_name());
    return arguments;
  }
  absl::StatusOr<IValue> build(IValue object, IValue) override { return object; }
  std::vector<std::string> called;
};

IValue read(PickleWriter&& writer, Recorder&& recorder = {}) {
  const std::string pickle = std::move(writer).finish();
  const auto result = read_pickle(pickle, "p", recorder, {});
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? result->value : IValue();
}

TEST(PickleWriter, IntegersOfAllSizesComeBack) {
  const std::vector<int64_t> values = {
      0, 1, 255, 256, -1, 65535, 65536, INT32_MAX, INT32_MIN, int64_t{1} << 31, INT64_MAX, INT64_MIN};
  PickleWriter writer;
  writer.empty_list();
  writer.mark();
  for (const int64_t value : values) writer.integer(value);
  writer.appends();
  const IValue list = read(std::move(writer));
  ASSERT_EQ(list.toListRef().size(), values.size());
  for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(list.toListRef()[i].toInt(), values[i]);
}

TEST(PickleWriter, AGlobalIsWrittenOnceAndTheMemoGrowsBeyondAByte) {
  PickleWriter writer;
  writer.empty_list();
  const uint32_t list = writer.memoize();
  EXPECT_EQ(list, 0u);
  writer.mark();
  for (int i = 0; i < 300; ++i) {
    writer.global("m", "f" + std::to_string(i));
    writer.empty_tuple();
    writer.reduce();
  }
  writer.global("m", "f299");
  writer.empty_tuple();
  writer.reduce();
  writer.appends();
  Recorder recorder;
  const std::string pickle = std::move(writer).finish();
  const auto result = read_pickle(pickle, "p", recorder, {});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(recorder.called.size(), 301u);
  EXPECT_EQ(recorder.called.back(), "m.f299");
  EXPECT_EQ(pickle.find("cm\nf299\n"), pickle.rfind("cm\nf299\n"));
}

TEST(PickleWriter, BytesAreACallOfEncodeOnTheirCharacters) {
  PickleWriter writer;
  ASSERT_TRUE(writer.bytes("a\x80\xff\0"s).ok());
  Recorder recorder;
  const auto result = read_pickle(std::move(writer).finish(), "p", recorder, {});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(recorder.called, std::vector<std::string>{"_codecs.encode"});
  EXPECT_EQ(result->value.toTupleRef().elements()[0].toStringRef(), "a\xc2\x80\xc3\xbf\0"s);
}

TEST(PickleWriter, WhatIsInTheMemoIsTheSameValue) {
  PickleWriter writer;
  writer.mark();
  writer.empty_dict();
  const uint32_t dict = writer.memoize();
  writer.get(dict);
  writer.tuple();
  const IValue pair = read(std::move(writer));
  EXPECT_TRUE(pair.toTupleRef().elements()[0].is(pair.toTupleRef().elements()[1]));
}

TEST(PickleWriter, AnIntOfTooManyBytesIsRefused) {
  PickleWriter writer;
  EXPECT_TRUE(writer.big_integer(std::string(255, '\1')).ok());
  EXPECT_EQ(writer.big_integer(std::string(256, '\1')).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace vesta::serialization
