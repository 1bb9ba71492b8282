// Arguments against schemas: what is converted, what is refused, and with which words.

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/core/jit_type.h>
#include <ATen/ops/ones.h>
#include <vesta/compile.h>

#include "absl/strings/str_cat.h"
#include "tests/api/api_test_support.h"

namespace vesta {
namespace {

using test::message;
using test::must;
using testing::StartsWith;

// What a function with these parameters sees of `result`, an expression of them.
absl::StatusOr<c10::IValue> pass(const std::string& parameters, const std::string& result,
                                 std::vector<c10::IValue> args, const Kwargs& kwargs = {}) {
  const Unit unit = must(compile(absl::StrCat("def f(", parameters, "):\n  return ", result, "\n")));
  return unit.run_function("f", std::move(args), kwargs);
}

TEST(Arguments, DefaultsAndKeywordsFillTheRest) {
  const auto [n, s] = must(get<std::tuple<int64_t, double>>(
      pass("x: Tensor, n: int = 2, s: float = 0.5", "n, s", {at::ones({1})}, {{"s", 3.0}})));
  EXPECT_EQ(n, 2);
  EXPECT_EQ(s, 3.0);
}

TEST(Arguments, TheOneOfTheWrongTypeIsNamed) {
  EXPECT_EQ(message(pass("x: Tensor", "x", {3})),
            "'f' takes Tensor for argument 'x', got int\n  f(x: Tensor) -> Tensor");
}

TEST(Arguments, AllThatIsWrongIsListedAtOnce) {
  EXPECT_EQ(message(pass("x: Tensor, n: int, s: str", "x", {3}, {{"n", 0.5}, {"m", 1}})),
            "'f' has no argument 'm'\n"
            "'f' takes Tensor for argument 'x', got int\n"
            "'f' takes int for argument 'n', got float\n"
            "'f' needs argument 's' (str)\n"
            "  f(x: Tensor, n: int, s: str) -> Tensor");
}

TEST(Arguments, WhatIsGivenTwiceOrTooMuchIsRefused) {
  EXPECT_THAT(message(pass("a: int, b: int", "a", {1, 2}, {{"a", 1}})),
              StartsWith("'f' got argument 'a' twice: by position and by name\n"));
  EXPECT_THAT(message(pass("a: int", "a", {}, {{"a", 1}, {"a", 2}})), StartsWith("'f' got argument 'a' twice\n"));
  EXPECT_THAT(message(pass("a: int", "a", {1, 2})), StartsWith("'f' takes 1 positional argument, got 2\n"));
}

TEST(Arguments, NumbersAreWidenedButNotNarrowed) {
  EXPECT_EQ(must(get<double>(pass("x: float", "x", {3}))), 3.0);
  EXPECT_EQ(must(get<c10::complex<double>>(pass("x: complex", "x", {0.5}))), c10::complex<double>(0.5, 0));
  EXPECT_FALSE(pass("x: int", "x", {3.0}).ok());
  EXPECT_FALSE(pass("x: bool", "x", {1}).ok());
  EXPECT_FALSE(pass("x: int", "x", {true}).ok());
}

TEST(Arguments, ListsGetTheirElementType) {
  c10::impl::GenericList untyped(c10::AnyType::get());
  untyped.push_back(at::ones({1}));
  EXPECT_TRUE(must(pass("xs: List[Tensor]", "xs", {untyped})).isTensorList());
  EXPECT_TRUE(must(pass("xs: List[float]", "xs", {c10::List<int64_t>({1, 2})})).isDoubleList());
  EXPECT_TRUE(must(pass("xs: List[int]", "xs", {c10::ivalue::Tuple::create({c10::IValue(1)})})).isIntList());
  EXPECT_THAT(message(pass("xs: List[Tensor]", "xs", {c10::List<int64_t>({1})})),
              StartsWith("'f' takes List[Tensor] for argument 'xs', got int in element 0\n"));
}

TEST(Arguments, AListThatFitsIsPassedItself) {
  const c10::List<int64_t> list({1, 2});
  EXPECT_TRUE(must(pass("xs: List[int]", "xs", {list})).is(c10::IValue(list)));
}

TEST(Arguments, DictsAndTuplesAreConvertedInside) {
  c10::Dict<std::string, int64_t> dict;
  dict.insert("a", 1);
  EXPECT_EQ(must(pass("d: Dict[str, float]", "d", {dict})).toGenericDict().at("a").toDouble(), 1.0);
  EXPECT_THAT(message(pass("d: Dict[str, str]", "d", {dict})),
              StartsWith("'f' takes Dict[str, str] for argument 'd', got int in the value of key \"a\"\n"));
  const c10::IValue pair = c10::ivalue::Tuple::create({c10::IValue(1), c10::IValue(2)});
  EXPECT_EQ((must(get<std::tuple<double, int64_t>>(pass("t: Tuple[float, int]", "t", {pair})))),
            (std::tuple<double, int64_t>(1.0, 2)));
  EXPECT_THAT(message(pass("t: Tuple[int, int, int]", "t", {pair})),
              StartsWith("'f' takes Tuple[int, int, int] for argument 't', got Tuple[int, int] of 2 elements\n"));
}

TEST(Arguments, NoneFitsWhatIsOptional) {
  EXPECT_TRUE(must(pass("x: Optional[Tensor]", "x", {c10::IValue()})).isNone());
  EXPECT_TRUE(must(pass("x: Optional[float]", "x", {3})).isDouble());
  EXPECT_THAT(message(pass("x: Optional[Tensor]", "x", {3})),
              StartsWith("'f' takes Optional[Tensor] for argument 'x', got int\n"));
}

TEST(Arguments, SignaturesLookLikeTheModelsSource) {
  const Unit unit = must(compile(
      "def f(x: Tensor, n: Optional[List[int]] = None, s: float = 0.5) -> Tuple[Tensor, float]:\n  return x, s\n"));
  EXPECT_EQ(must(unit.get_function("f")).signature(),
            "f(x: Tensor, n: Optional[List[int]]=None, s: float=0.5) -> Tuple[Tensor, float]");
}

TEST(Arguments, TuplesOfUndefinedTensorsArePassed) {
  const auto pair = [](c10::IValue second) { return c10::ivalue::Tuple::create({at::Tensor(), std::move(second)}); };
  EXPECT_EQ(must(pass("pair: Tuple[Tensor, int]", "pair[1]", {pair(int64_t{3})})).toInt(), 3);
  EXPECT_THAT(message(pass("pair: Tuple[Tensor, int]", "pair[1]", {pair(at::Tensor())})),
              testing::HasSubstr("got Tensor in element 1"));
}

}  // namespace
}  // namespace vesta
