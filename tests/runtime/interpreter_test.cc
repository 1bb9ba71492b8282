#include <cmath>
#include <limits>

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "runtime/errors.h"
#include "tests/runtime/programs.h"

namespace vesta::runtime {
namespace {

using c10::IValue;
using testing::failure;
using testing::Programs;
using testing::run;

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();

IValue binary(const std::string& kind, IValue x, IValue y, const std::string& result) {
  auto type = [](const IValue& value) { return value.isInt() ? "int" : value.isBool() ? "bool" : "float"; };
  Programs programs;
  const auto graph = programs.parse("graph(%x : " + std::string(type(x)) + ", %y : " + type(y) +
                                    "):\n  %z : " + result + " = " + kind + "(%x, %y)\n  return (%z)\n");
  return run(*graph, {std::move(x), std::move(y)});
}

TEST(Interpreter, IntDivisionRoundsDownAndModHasTheDivisorsSign) {
  EXPECT_EQ(binary("aten::floordiv", 7, 2, "int").toInt(), 3);
  EXPECT_EQ(binary("aten::floordiv", -7, 2, "int").toInt(), -4);
  EXPECT_EQ(binary("aten::floordiv", 7, -2, "int").toInt(), -4);
  EXPECT_EQ(binary("aten::floordiv", kMin, int64_t{-1}, "int").toInt(), kMin);
  EXPECT_EQ(binary("aten::remainder", 7, 3, "int").toInt(), 1);
  EXPECT_EQ(binary("aten::remainder", -7, 3, "int").toInt(), 2);
  EXPECT_EQ(binary("aten::remainder", 7, -3, "int").toInt(), -2);
  EXPECT_EQ(binary("aten::remainder", kMin, int64_t{-1}, "int").toInt(), 0);
  EXPECT_EQ(binary("aten::remainder", -7.5, 2.0, "float").toDouble(), 0.5);
  EXPECT_EQ(binary("aten::div", 1, 4, "float").toDouble(), 0.25);
}

TEST(Interpreter, IntOverflowWraps) {
  EXPECT_EQ(binary("aten::add", std::numeric_limits<int64_t>::max(), int64_t{1}, "int").toInt(), kMin);
  EXPECT_EQ(binary("aten::sub", kMin, int64_t{1}, "int").toInt(), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(binary("aten::mul", kMin, int64_t{-1}, "int").toInt(), kMin);
}

TEST(Interpreter, ComparisonsWithNanAreFalseAlsoInBranches) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(binary("aten::lt", nan, 1.0, "bool").toBool());
  EXPECT_FALSE(binary("aten::ge", nan, 1.0, "bool").toBool());
  EXPECT_TRUE(binary("aten::ne", nan, nan, "bool").toBool());
  Programs programs;
  const auto graph = programs.parse(R"(graph(%x : float, %y : float):
  %c : bool = aten::ge(%x, %y)
  %r : int = prim::If(%c)
    block0():
      %1 : int = prim::Constant[value=1]()
      -> (%1)
    block1():
      %2 : int = prim::Constant[value=2]()
      -> (%2)
  return (%r)
)");
  EXPECT_EQ(run(*graph, {nan, 1.0}).toInt(), 2);
  EXPECT_EQ(run(*graph, {1.0, 1.0}).toInt(), 1);
}

TEST(Interpreter, DivisionByZeroIsAnError) {
  Programs programs;
  for (const char* kind : {"aten::floordiv", "aten::remainder"}) {
    const auto graph =
        programs.parse(std::string("graph(%x : int, %y : int):\n  %z : int = ") + kind + "(%x, %y)\n  return (%z)\n");
    ir::Stack stack{int64_t{1}, int64_t{0}};
    const absl::Status status = Runner::standard().run(*graph, stack);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << kind;
    EXPECT_EQ(exception_class(status), "ZeroDivisionError");
  }
}

TEST(Interpreter, LoopWithConditionAndTripCountEndsAtWhicheverComesFirst) {
  Programs programs;
  const auto graph = programs.parse(R"(graph(%trips : int, %bound : int):
  %0 : int = prim::Constant[value=0]()
  %3 : int = prim::Constant[value=3]()
  %start : bool = aten::lt(%0, %bound)
  %r : int = prim::Loop(%trips, %start, %0)
    block0(%i : int, %x : int):
      %y : int = aten::add(%x, %3)
      %go : bool = aten::lt(%y, %bound)
      -> (%go, %y)
  return (%r)
)");
  EXPECT_EQ(run(*graph, {int64_t{2}, int64_t{100}}).toInt(), 6);
  EXPECT_EQ(run(*graph, {int64_t{100}, int64_t{10}}).toInt(), 12);
  EXPECT_EQ(run(*graph, {int64_t{100}, int64_t{0}}).toInt(), 0);
  EXPECT_EQ(run(*graph, {int64_t{0}, int64_t{10}}).toInt(), 0);
}

TEST(Interpreter, ListIndexCountsFromTheEndAndIsChecked) {
  Programs programs;
  const auto* get =
      programs.function("get", "graph(%l : int[], %i : int):\n  %x : int = aten::__getitem__(%l, %i)\n  return (%x)\n");
  const c10::List<int64_t> list({4, 5, 6});
  EXPECT_EQ(run(*get, {list, int64_t{-1}}).toInt(), 6);
  EXPECT_EQ(run(*get, {list, int64_t{0}}).toInt(), 4);
  for (const int64_t index : {int64_t{3}, int64_t{-4}}) {
    const absl::Status status = failure(*get, {list, index});
    EXPECT_EQ(exception_class(status), "IndexError");
    EXPECT_EQ(status.message(),
              "model.py:2:3: error: list index out of range\n    %x : int = aten::__getitem__(%l, %i)\n"
              "    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  in 'get' at model.py:2:3");
  }
}

TEST(Interpreter, AnIndexOfATensorsSizesIsAListsIndex) {
  Programs programs;
  const auto* get = programs.function(
      "get",
      "graph(%x : Tensor, %i : int):\n  %l : int[] = aten::size(%x)\n"
      "  %n : int = aten::__getitem__(%l, %i)\n  return (%n)\n");
  const at::Tensor x = at::ones({4, 5, 6});
  EXPECT_EQ(run(*get, {x, int64_t{-1}}).toInt(), 6);
  EXPECT_EQ(run(*get, {x, int64_t{0}}).toInt(), 4);
  for (const int64_t index : {int64_t{3}, int64_t{-4}}) {
    const absl::Status status = failure(*get, {x, index});
    EXPECT_EQ(exception_class(status), "IndexError");
    EXPECT_TRUE(absl::StrContains(status.message(), "error: list index out of range")) << status;
  }
}

TEST(Interpreter, ListsAreSharedNotCopied) {
  Programs programs;
  const auto* put = programs.function("put", R"(graph(%l : Tensor[], %x : Tensor):
  %0 : int = prim::Constant[value=0]()
  %1 : Tensor[] = aten::_set_item(%l, %0, %x)
  %2 : Tensor[] = aten::append(%l, %x)
  return (%l)
)");
  c10::List<at::Tensor> list;
  list.push_back(at::ones({1}));
  const at::Tensor x = at::full({2}, 7.0);
  const IValue result = run(*put, {list, x});
  EXPECT_EQ(list.size(), 2u);
  EXPECT_TRUE(list.get(0).is_same(x));
  EXPECT_TRUE(result.is(IValue(list)));
}

TEST(Interpreter, TensorIsReleasedAtItsLastUse) {
  Programs programs;
  // The argument moves into the operator: nobody holds it any more while the rest runs.
  const auto* f = programs.function("f", R"(graph(%x : Tensor):
  %1 : int = prim::Constant[value=1]()
  %y : Tensor = aten::relu(%x)
  %z : Tensor = aten::add(%y, %y, %1)
  return (%z)
)");
  at::Tensor x = at::ones({3});
  const c10::weak_intrusive_ptr<c10::TensorImpl> watch(x.getIntrusivePtr());
  ir::Stack stack;
  stack.emplace_back(std::move(x));
  ASSERT_TRUE(Runner::standard().run(*f, stack).ok());
  EXPECT_TRUE(watch.expired());
}

TEST(Interpreter, DictsAndNamedTuplesKeepTheirTypes) {
  Programs programs;
  const auto graph = programs.parse(R"(graph(%k : str, %v : int):
  %d : Dict(str, int) = prim::DictConstruct(%k, %v)
  %t : (Dict(str, int), int, int, int) = prim::TupleConstruct(%d, %v, %v, %v)
  return (%t)
)");
  const IValue result = run(*graph, {"a", int64_t{3}});
  ASSERT_TRUE(result.isTuple());
  EXPECT_EQ(result.toTupleRef().elements()[0].type()->repr_str(), "Dict[str, int]");
  EXPECT_EQ(result.toTupleRef().elements()[0].toGenericDict().at("a").toInt(), 3);
}

TEST(Interpreter, IsinstanceLooksIntoContainers) {
  Programs programs;
  const auto* f = programs.function("f", R"(graph(%x : Any):
  %a : bool = prim::isinstance[types=[int[], (int, str)]](%x)
  return (%a)
)");
  EXPECT_TRUE(run(*f, {c10::List<int64_t>({1})}).toBool());
  EXPECT_FALSE(run(*f, {c10::List<double>({1.0})}).toBool());
  EXPECT_TRUE(run(*f, {c10::ivalue::Tuple::create(IValue(1), IValue("s"))}).toBool());
  EXPECT_FALSE(run(*f, {c10::ivalue::Tuple::create(IValue(1), IValue(2))}).toBool());
  EXPECT_FALSE(run(*f, {IValue()}).toBool());
}

TEST(Interpreter, ListUnpackChecksTheLength) {
  Programs programs;
  const auto* f =
      programs.function("f", "graph(%l : int[]):\n  %a : int, %b : int = prim::ListUnpack(%l)\n  return (%b)\n");
  EXPECT_EQ(run(*f, {c10::List<int64_t>({1, 2})}).toInt(), 2);
  const absl::Status status = failure(*f, {c10::List<int64_t>({1, 2, 3})});
  EXPECT_NE(status.message().find("expected 2 elements in a list but found 3"), std::string::npos) << status;
}

TEST(Interpreter, GradientsFlowThroughOperators) {
  Programs programs;
  const auto* f =
      programs.function("f", "graph(%x : Tensor, %y : Tensor):\n  %z : Tensor = aten::mul(%x, %y)\n  return (%z)\n");
  const at::Tensor x = at::full({2}, 3.0).requires_grad_();
  const at::Tensor result = run(*f, {x, at::full({2}, 5.0)}).toTensor();
  ASSERT_TRUE(result.requires_grad());
}

TEST(Interpreter, WrongArgumentsAreRefused) {
  Programs programs;
  const auto* f = programs.function("f", "graph(%x : int):\n  %y : int = aten::neg(%x)\n  return (%y)\n");
  EXPECT_EQ(failure(*f, {}).message(), "'f' takes 1 arguments, got 0");
  EXPECT_EQ(failure(*f, {1.5}).message(), "'f' takes int for argument 0, got float");
}

}  // namespace
}  // namespace vesta::runtime
