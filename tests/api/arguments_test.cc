#include "runtime/api/arguments.h"

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/core/jit_type.h>
#include <ATen/ops/ones.h>

#include "ir/schema_parser.h"
#include "tests/api/api_test_support.h"

namespace vesta::internal {
namespace {

using test::message;
using test::must;

// The values after binding; `text` is a schema in torch's notation.
absl::StatusOr<std::vector<c10::IValue>> bind(std::string_view text, std::vector<c10::IValue> args, const Kwargs& kwargs = {}) {
  return bind_arguments(must(ir::parse_schema(text)), 0, std::move(args), kwargs);
}

TEST(BindArguments, FillsDefaultsAndKeywords) {
  const auto values = must(bind("f(Tensor x, int n=2, *, float s=0.5) -> Tensor", {at::ones({1})}, {{"s", 3.0}}));
  ASSERT_EQ(values.size(), 3);
  EXPECT_EQ(values[1].toInt(), 2);
  EXPECT_EQ(values[2].toDouble(), 3.0);
}

TEST(BindArguments, NamesTheArgumentOfTheWrongType) {
  EXPECT_EQ(message(bind("f(Tensor x) -> Tensor", {3})),
            "'f' takes Tensor for argument 'x', got int\n  f(x: Tensor) -> Tensor");
}

TEST(BindArguments, ListsAllThatIsWrongAtOnce) {
  EXPECT_EQ(message(bind("f(Tensor x, int n, str s) -> Tensor", {3}, {{"n", 0.5}, {"m", 1}})),
            "'f' has no argument 'm'\n"
            "'f' takes Tensor for argument 'x', got int\n"
            "'f' takes int for argument 'n', got float\n"
            "'f' needs argument 's' (str)\n"
            "  f(x: Tensor, n: int, s: str) -> Tensor");
}

TEST(BindArguments, RefusesWhatIsGivenTwiceOrTooMuch) {
  EXPECT_THAT(message(bind("f(int a, int b) -> int", {1, 2}, {{"a", 1}})),
              testing::StartsWith("'f' got argument 'a' twice: by position and by name\n"));
  EXPECT_THAT(message(bind("f(int a) -> int", {}, {{"a", 1}, {"a", 2}})), testing::StartsWith("'f' got argument 'a' twice\n"));
  EXPECT_THAT(message(bind("f(int a) -> int", {1, 2})), testing::StartsWith("'f' takes 1 positional argument, got 2\n"));
  EXPECT_THAT(message(bind("f(int a, *, int b) -> int", {1, 2})),
              testing::StartsWith("'f' takes 1 positional argument, got 2\n'f' needs argument 'b' (int)\n"));
}

TEST(BindArguments, WidensNumbersButDoesNotNarrowThem) {
  EXPECT_TRUE(must(bind("f(float x) -> ()", {3}))[0].isDouble());
  EXPECT_EQ(must(bind("f(complex x) -> ()", {0.5}))[0].toComplexDouble(), c10::complex<double>(0.5, 0));
  EXPECT_FALSE(bind("f(int x) -> ()", {3.0}).ok());
  EXPECT_FALSE(bind("f(bool x) -> ()", {1}).ok());
  EXPECT_FALSE(bind("f(int x) -> ()", {true}).ok());
}

TEST(BindArguments, GivesListsTheirElementType) {
  c10::impl::GenericList untyped(c10::AnyType::get());
  untyped.push_back(at::ones({1}));
  const c10::IValue bound = must(bind("f(Tensor[] xs) -> ()", {untyped}))[0];
  EXPECT_TRUE(bound.isTensorList());
  EXPECT_TRUE(must(bind("f(float[] xs) -> ()", {c10::List<int64_t>({1, 2})}))[0].isDoubleList());
  EXPECT_TRUE(must(bind("f(int[] xs) -> ()", {c10::ivalue::Tuple::create({c10::IValue(1)})}))[0].isIntList());
  EXPECT_THAT(message(bind("f(Tensor[] xs) -> ()", {c10::List<int64_t>({1})})),
              testing::StartsWith("'f' takes List[Tensor] for argument 'xs', got int in element 0\n"));
}

TEST(BindArguments, KeepsAListThatFits) {
  const c10::List<int64_t> list({1, 2});
  EXPECT_TRUE(must(bind("f(int[] xs) -> ()", {list}))[0].is(c10::IValue(list)));
}

TEST(BindArguments, ConvertsInsideOfDictsAndTuples) {
  c10::Dict<std::string, int64_t> dict;
  dict.insert("a", 1);
  const auto converted = must(bind("f(Dict(str, float) d) -> ()", {dict}))[0].toGenericDict();
  EXPECT_EQ(converted.at("a").toDouble(), 1.0);
  EXPECT_THAT(message(bind("f(Dict(str, str) d) -> ()", {dict})),
              testing::StartsWith("'f' takes Dict[str, str] for argument 'd', got int in the value of key \"a\"\n"));
  const c10::IValue pair = c10::ivalue::Tuple::create({c10::IValue(1), c10::IValue(2)});
  EXPECT_EQ(must(bind("f((float, int) t) -> ()", {pair}))[0].toTupleRef().elements()[0].toDouble(), 1.0);
  EXPECT_THAT(message(bind("f((int, int, int) t) -> ()", {pair})),
              testing::StartsWith("'f' takes Tuple[int, int, int] for argument 't', got Tuple[int, int] of 2 elements\n"));
}

TEST(BindArguments, TakesNoneWhereItIsOptional) {
  EXPECT_TRUE(must(bind("f(Tensor? x) -> ()", {c10::IValue()}))[0].isNone());
  EXPECT_TRUE(must(bind("f(float? x) -> ()", {3}))[0].isDouble());
  EXPECT_THAT(message(bind("f(Tensor? x) -> ()", {3})),
              testing::StartsWith("'f' takes Optional[Tensor] for argument 'x', got int\n"));
}

TEST(Signature, LooksLikeTheModelsSource) {
  EXPECT_EQ(signature(must(ir::parse_schema("f(Tensor x, int[]? n=None, *, float s=0.5) -> (Tensor, int)")), 1),
            "f(n: Optional[List[int]]=None, *, s: float=0.5) -> (Tensor, int)");
}

}  // namespace
}  // namespace vesta::internal
