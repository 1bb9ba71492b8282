#include "serialization/pickle_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/serialization/zip_builder.h"

namespace vesta::serialization {
namespace {

using namespace std::string_literals;
using c10::IValue;
using ::testing::HasSubstr;
using testing::little;

// Records what it is asked, and answers with plain values.
class EchoHandler : public PickleHandler {
 public:
  absl::StatusOr<IValue> persistent(const IValue& id) override { return id; }
  absl::StatusOr<IValue> reduce(const IValue& callable, IValue arguments) override {
    if (PickleObject::from(callable) == nullptr) return absl::DataLossError("no global");
    calls.push_back(PickleObject::from(callable)->qualified_name());
    return arguments;
  }
  absl::StatusOr<IValue> new_object(const IValue& type, IValue arguments, IValue) override {
    calls.push_back("new " + PickleObject::from(type)->qualified_name());
    return arguments;
  }
  absl::StatusOr<IValue> build(IValue, IValue state) override { return state; }
  std::vector<std::string> calls;
};

absl::StatusOr<PickleResult> read(const std::string& pickle, PickleOptions options = {}) {
  EchoHandler handler;
  return read_pickle(pickle, "data.pkl", handler, options);
}

IValue value_of(const std::string& pickle, PickleOptions options = {}) {
  auto result = read(pickle, options);
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? result->value : IValue();
}

void expect_error(const std::string& pickle, absl::StatusCode code, const std::string& message) {
  const auto result = read(pickle);
  EXPECT_EQ(result.status().code(), code) << result.status();
  EXPECT_THAT(std::string(result.status().message()), HasSubstr(message));
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("data.pkl: at byte "));
}

TEST(PickleReader, ReadsNumbersOfEveryForm) {
  EXPECT_EQ(value_of("K\xfe."s).toInt(), 254);
  EXPECT_EQ(value_of("K\xfe."s, {.signed_binint1 = true}).toInt(), -2);
  EXPECT_EQ(value_of("M\x34\x12."s).toInt(), 0x1234);
  EXPECT_EQ(value_of("J\xff\xff\xff\xff."s).toInt(), -1);
  EXPECT_EQ(value_of("\x8a\x00."s).toInt(), 0);
  EXPECT_EQ(value_of("\x8a\x02\x00\xff."s).toInt(), -256);
  EXPECT_EQ(value_of("\x8a\x05\x00\xf2\x05\x2a\x01."s).toInt(), 5000000000);
  EXPECT_EQ(value_of("\x8a\x09\xff\xff\xff\xff\xff\xff\xff\x7f\x00."s).toInt(), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(value_of("I42\n."s).toInt(), 42);
  EXPECT_EQ(value_of("L-42L\n."s).toInt(), -42);
  EXPECT_TRUE(value_of("I01\n."s).toBool());
  EXPECT_EQ(value_of("G\x3f\xf8\0\0\0\0\0\0."s).toDouble(), 1.5);
  EXPECT_EQ(value_of("F2.5\n."s).toDouble(), 2.5);
}

TEST(PickleReader, IntsBeyond64BitsAreKeptApart) {
  const auto result = read("\x8a\x09\0\0\0\0\0\0\0\0\x01."s);
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result->holds_pickle_objects);
  EXPECT_EQ(PickleObject::from(result->value)->kind, PickleObject::Kind::kBigInt);
  expect_error("I99999999999999999999\n."s, absl::StatusCode::kDataLoss, "64-bit");
}

TEST(PickleReader, ReadsTextOfEveryForm) {
  EXPECT_EQ(value_of("X\x03\0\0\0abc."s).toStringRef(), "abc");
  EXPECT_EQ(value_of("\x8c\x03"
                     "abc."s)
                .toStringRef(),
            "abc");
  EXPECT_EQ(value_of("\x8d\x03\0\0\0\0\0\0\0"
                     "abc."s)
                .toStringRef(),
            "abc");
  EXPECT_EQ(value_of("U\x03"
                     "abc."s)
                .toStringRef(),
            "abc");
  EXPECT_EQ(value_of("S'a\\'b\\x41\\n'\n."s).toStringRef(), "a'bA\n");
  EXPECT_EQ(value_of("Va\\u00e9\\U0001f600\n."s).toStringRef(), "a\xc3\xa9\xf0\x9f\x98\x80");
  expect_error("S'a\n."s, absl::StatusCode::kDataLoss, "quotes");
  expect_error("S'\\q'\n."s, absl::StatusCode::kDataLoss, "escape");
}

TEST(PickleReader, BuildsContainersOfEveryForm) {
  EXPECT_EQ(value_of(")."s).toTupleRef().size(), 0u);
  EXPECT_EQ(value_of("K\1K\2\x86."s).toTupleRef().size(), 2u);
  EXPECT_EQ(value_of("(K\1K\2K\3t."s).toTupleRef().elements()[2].toInt(), 3);
  EXPECT_EQ(value_of("](K\1K\2e."s).toListRef().size(), 2u);
  EXPECT_EQ(value_of("]K\1aK\2a."s).toListRef().size(), 2u);
  EXPECT_EQ(value_of("(K\1K\2l."s).toListRef().size(), 2u);
  EXPECT_EQ(value_of("}(K\1K\2K\3K\4u."s).toGenericDict().at(IValue(3)).toInt(), 4);
  EXPECT_EQ(value_of("(K\1K\2d."s).toGenericDict().at(IValue(1)).toInt(), 2);
  EXPECT_EQ(value_of("}K\1K\2s."s).toGenericDict().size(), 1u);
}

TEST(PickleReader, SharedValuesStayShared) {
  const IValue pair = value_of("]q\0h\0\x86."s);
  const auto& elements = pair.toTupleRef().elements();
  EXPECT_TRUE(elements[0].is(elements[1]));
  EXPECT_EQ(value_of("]\x94"
                     "0(h\0h\0t."s)
                .toTupleRef()
                .size(),
            2u);
  EXPECT_EQ(value_of("]p7\ng7\n\x86."s).toTupleRef().size(), 2u);
}

TEST(PickleReader, GlobalsAndCallsGoToTheHandler) {
  EchoHandler handler;
  const auto result = read_pickle("cmod\nf\n(K\1tR."s, "data.pkl", handler, {});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(handler.calls, std::vector<std::string>{"mod.f"});
  EXPECT_EQ(read_pickle("\x8c\3mod\x8c\1C\x93)\x81."s, "data.pkl", handler, {}).status(), absl::OkStatus());
  EXPECT_EQ(handler.calls.back(), "new mod.C");
  EXPECT_EQ(read_pickle("(imod\nD\n."s, "data.pkl", handler, {}).status(), absl::OkStatus());
  EXPECT_EQ(handler.calls.back(), "new mod.D");
}

TEST(PickleReader, TruncatedStreamIsDataLoss) {
  const std::string whole = "\x80\x02}(X\x01\0\0\0a](K\1J\0\0\1\0G\0\0\0\0\0\0\0\0e\x8a\x01\x05\x88u."s;
  ASSERT_TRUE(read(whole).ok());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(read(whole.substr(0, size)).status().code(), absl::StatusCode::kDataLoss) << size;
  }
}

TEST(PickleReader, MalformedStreamsAreDataLoss) {
  const auto code = absl::StatusCode::kDataLoss;
  expect_error("."s, code, "takes 1 values");
  expect_error("NN."s, code, "2 values");
  expect_error("(N."s, code, "1 marks");
  expect_error("t."s, code, "no mark");
  expect_error("h\7."s, code, "memo 7 is not set");
  expect_error("\xff."s, code, "0xff is no opcode");
  expect_error("\x80\x09N."s, code, "protocol 9");
  expect_error(
      "X\xff\xff\xff\xff"
      "ab."s,
      code, "4294967295 bytes are announced");
  expect_error(
      "T\xff\xff\xff\xff"
      "ab."s,
      code, "negative length");
  expect_error("K\1K\2a."s, code, "no list");
  expect_error("}](K\1es."s, code, "takes");
  expect_error("}]K\1s."s, code, "a key of kind");
  expect_error("}(K\1u."s, code, "a key without a value");
  expect_error("NK\1R."s, code, "data.pkl");
  expect_error("\x82\1."s, code, "extension codes");
}

TEST(PickleReader, CyclesAreRefusedAndDoNotLeak) {
  expect_error("]q\0h\0a."s, absl::StatusCode::kDataLoss, "holds itself");
  expect_error("}q\0K\1h\0s."s, absl::StatusCode::kDataLoss, "holds itself");
  // A cycle that is not part of the result.
  expect_error("]q\0h\0a0N."s, absl::StatusCode::kDataLoss, "holds itself");
}

TEST(PickleReader, DeepNestingIsBoundedHoweverItIsMade) {
  const auto repeat = [](const std::string& text, int n) {
    std::string out;
    for (int i = 0; i < n; ++i) out += text;
    return out;
  };
  const auto code = absl::StatusCode::kResourceExhausted;
  constexpr int kDeep = 20000;
  expect_error(repeat("]", kDeep) + repeat("a", kDeep - 1) + ".", code, "pickle_depth");
  expect_error(")" + repeat("\x85", kDeep) + ".", code, "pickle_depth");
  expect_error(repeat("(", kDeep) + ")" + repeat("t", kDeep) + ".", code, "pickle_depth");
  expect_error(repeat("}K\1"s, kDeep) + "N" + repeat("s", kDeep) + ".", code, "pickle_depth");
  // A chain that is grown at its end, through the memo, where no single step sees its depth.
  std::string from_end = "]q\0"s;
  for (int i = 0; i < kDeep; ++i) from_end += (i % 2 == 0 ? "h\0]q\1a0"s : "h\1]q\0a0"s);
  EXPECT_EQ(read(from_end + ".").status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(PickleReader, BillionLaughsAreBounded) {
  std::string laughs = "]q\0"s;
  for (int i = 0; i < 64; ++i) {
    const char from = static_cast<char>(i % 2);
    const char to = static_cast<char>(1 - i % 2);
    laughs += "0](h"s + from + "h" + from + "eq" + to;
  }
  expect_error(laughs + ".", absl::StatusCode::kResourceExhausted, "pickle_nodes");
}

TEST(PickleReader, LimitsOnOperationsAndStrings) {
  PickleOptions options;
  options.limits.pickle_operations = 3;
  EXPECT_EQ(read("NNN\x87."s, options).status().code(), absl::StatusCode::kResourceExhausted);
  options = {};
  options.limits.pickle_string_bytes = 3;
  EXPECT_TRUE(read("X\x03\0\0\0abc."s, options).ok());
  EXPECT_EQ(read("X\x04\0\0\0abcd."s, options).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(PickleReader, SaysWhereItStopped) {
  const auto result = read("K\1.garbage"s);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->size, 3u);
}

}  // namespace
}  // namespace vesta::serialization
