#include "ir/schema_parser.h"

#include <sstream>
#include <string>
#include <string_view>

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/jit/runtime/operator.h>

#include "gtest/gtest.h"
#include "ir/operator.h"

namespace vesta::ir {
namespace {

std::string text_of(const c10::FunctionSchema& schema) {
  std::ostringstream out;
  out << schema;
  return out.str();
}

c10::FunctionSchema parsed(std::string_view text) {
  auto schema = parse_schema(text);
  EXPECT_TRUE(schema.ok()) << schema.status();
  return schema.ok() ? *schema : c10::FunctionSchema("bad", "", {}, {});
}

// The schema's text reads back as the same schema, and prints the same again.
void expect_round_trip(const c10::FunctionSchema& schema) {
  const std::string text = text_of(schema);
  const auto again = parse_schema(text);
  ASSERT_TRUE(again.ok()) << again.status();
  // c10 prints alias sets of several names in no order.
  if (text.find('|') == std::string::npos) {
    EXPECT_EQ(text_of(*again), text);
  }
  EXPECT_TRUE(*again == schema) << text;
  ASSERT_EQ(again->arguments().size(), schema.arguments().size()) << text;
  for (size_t i = 0; i < schema.arguments().size(); ++i) {
    EXPECT_EQ(again->arguments()[i].N(), schema.arguments()[i].N()) << text;
    EXPECT_TRUE(*again->arguments()[i].real_type() == *schema.arguments()[i].real_type()) << text;
  }
  EXPECT_EQ(again->is_vararg(), schema.is_vararg()) << text;
  EXPECT_EQ(again->is_varret(), schema.is_varret()) << text;
}

TEST(SchemaParser, EverySchemaOfTheDispatcherReadsBackEqual) {
  const auto names = c10::Dispatcher::singleton().getAllOpNames();
  size_t with_schema = 0;
  for (const c10::OperatorName& name : names) {
    const auto handle = c10::Dispatcher::singleton().findSchema(name);
    if (!handle.has_value()) continue;
    ++with_schema;
    expect_round_trip(handle->schema());
  }
  EXPECT_GT(with_schema, 2500u);
}

TEST(SchemaParser, EverySchemaOfTorchJitReadsBackEqual) {
  const auto operators = torch::jit::getAllOperators();
  for (const auto& op : operators) expect_round_trip(op->schema());
  EXPECT_GT(operators.size(), 3500u);
}

TEST(SchemaParser, OurOwnRowsAreSchemas) {
  for (const std::string_view text : builtin_schema_texts()) {
    EXPECT_TRUE(parse_schema(text).ok()) << parse_schema(text).status();
  }
}

TEST(SchemaParser, ArgumentsOfAllKinds) {
  const auto schema =
      parsed("ns::op.over(Tensor(a!) self, int[2] k=1, *, Scalar? s=None, str m=\"x\\n\") -> (Tensor(a!) out, int)");
  EXPECT_EQ(schema.name(), "ns::op");
  EXPECT_EQ(schema.overload_name(), "over");
  ASSERT_EQ(schema.arguments().size(), 4u);
  EXPECT_TRUE(schema.arguments()[0].alias_info()->isWrite());
  EXPECT_EQ(schema.arguments()[1].N(), 2);
  EXPECT_EQ(schema.arguments()[1].default_value()->toIntVector(), (std::vector<int64_t>{1, 1}));
  EXPECT_FALSE(schema.arguments()[1].kwarg_only());
  EXPECT_TRUE(schema.arguments()[2].kwarg_only());
  EXPECT_TRUE(schema.arguments()[2].default_value()->isNone());
  EXPECT_EQ(schema.arguments()[3].default_value()->toStringRef(), "x\n");
  EXPECT_EQ(schema.returns()[0].name(), "out");
}

TEST(SchemaParser, DeclaredTypesDifferFromThoseOfPrograms) {
  const auto schema = parsed("a::b(ScalarType t, SymInt[] s, MemoryFormat? m) -> ()");
  EXPECT_EQ(schema.arguments()[0].type()->kind(), c10::TypeKind::IntType);
  EXPECT_EQ(schema.arguments()[0].real_type()->kind(), c10::TypeKind::ScalarTypeType);
  EXPECT_EQ(schema.arguments()[1].type()->str(), "int[]");
  EXPECT_EQ(schema.arguments()[1].real_type()->str(), "SymInt[]");
}

TEST(SchemaParser, TypeVariablesAndContainers) {
  EXPECT_EQ(text_of(parsed("aten::f(Dict(str, tVal) d, t[] l, (int, float)? x, Future(t) f) -> t")),
            "aten::f(Dict(str, tVal) d, t[] l, (int, float)? x, Future(t) f) -> t");
}

TEST(SchemaParser, VariadicSchemas) {
  const auto schema = parsed("prim::Print(...) -> ...");
  EXPECT_TRUE(schema.is_vararg());
  EXPECT_TRUE(schema.is_varret());
}

TEST(SchemaParser, WhatIsNoSchemaIsRefusedWithItsPlace) {
  for (const char* text :
       {"", "aten::add", "aten::add(", "aten::add(Tensor", "aten::add(Tensor x", "aten::add(Tensor x)",
        "aten::add(Tensor x) ->", "aten::add(Foo x) -> int", "aten::add(int x=) -> int", "aten::add(int x=1 -> int",
        "aten::add() -> int x y", "aten::add(Dict(Tensor[], int) x) -> int",
        "aten::add(int[99999999999999999999] x) -> int", "aten::add(Union[] x) -> int", "aten::f(str s=\"abc) -> int",
        "aten::f(int a=1, int b) -> int", "(((((((("}) {
    const auto schema = parse_schema(text);
    ASSERT_FALSE(schema.ok()) << text;
    EXPECT_EQ(schema.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_EQ(parse_schema("aten::add(Foo x) -> int").status().message(),
            "schema 'aten::add(Foo x) -> int': expected a type at byte 10");
}

TEST(SchemaParser, NestingIsBounded) {
  EXPECT_FALSE(parse_schema("a::b(" + std::string(100000, '(') + ") -> int").ok());
  std::string types;
  for (int i = 0; i < 100000; ++i) types += "Future(";
  EXPECT_FALSE(parse_schema("a::b(" + types).ok());
}

// Every schema cut short or with one byte changed: an answer, never a crash.
TEST(SchemaParser, DamagedTextNeverCrashes) {
  size_t refused = 0;
  for (const std::string_view text : builtin_schema_texts()) {
    for (size_t i = 0; i < text.size(); i += 3) {
      refused += parse_schema(text.substr(0, i)).ok() ? 0 : 1;
      std::string changed(text);
      changed[i] = "()[]?!,*= .:\"'1a-"[i % 17];
      refused += parse_schema(changed).ok() ? 0 : 1;
    }
  }
  EXPECT_GT(refused, 1000u);
}

}  // namespace
}  // namespace vesta::ir
