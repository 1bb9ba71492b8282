#include <gtest/gtest.h>

#include "runtime/disassembler.h"
#include "runtime/lowering.h"
#include "tests/runtime/programs.h"

namespace vesta::runtime {
namespace {

using testing::Programs;

std::string bytecode(Programs& programs, std::string_view text) {
  const std::shared_ptr<ir::Graph> graph = programs.parse(text);
  if (graph == nullptr) return "";
  auto code = lower(*graph, "f", &programs.program());
  return code.ok() ? disassemble(**code) : std::string(code.status().message());
}

std::string bytecode(std::string_view text) {
  Programs programs;
  return bytecode(programs, text);
}

TEST(Lowering, TensorsMoveAtTheirLastUse) {
  EXPECT_EQ(bytecode(R"(graph(%x : Tensor):
  %1 : int = prim::Constant[value=1]()
  %a : Tensor = aten::add(%x, %x, %1)
  %b : Tensor = aten::relu(%a)
  %c : Tensor = aten::mul(%b, %a)
  return (%c)
)"),
            R"(code 'f' (values 2, scalars 0)
  parameters: v0 Tensor
  0: call_operator aten::add.Tensor(v0, v0!, 1) -> v0
  1: call_operator aten::relu(v0) -> v1
  2: call_operator aten::mul.Tensor(v1!, v0!) -> v1
  3: return_values (v1!)
)");
}

TEST(Lowering, LoopOfIntsIsUnboxedAndCarriesInPlace) {
  EXPECT_EQ(bytecode(R"(graph(%n : int):
  %0 : int = prim::Constant[value=0]()
  %t : bool = prim::Constant[value=True]()
  %r : int = prim::Loop(%n, %t, %0)
    block0(%i : int, %sum : int):
      %next : int = aten::add(%sum, %i)
      -> (%t, %next)
  return (%r)
)"),
            R"(code 'f' (values 0, scalars 3)
  parameters: s0 int
  0: move_scalar s1, #0
  1: move_scalar s2, #0
  2: jump_unless_lt_int @5, s2, s0
  3: add_int s1, s1, s2
  4: loop_for @3, s2, s0
  5: return_values (s1)
)");
}

TEST(Lowering, WhileLoopFusesItsComparison) {
  EXPECT_EQ(bytecode(R"(graph(%n : int):
  %1 : int = prim::Constant[value=1]()
  %max : int = prim::Constant[value=9223372036854775807]()
  %c : bool = aten::gt(%n, %1)
  %r : int = prim::Loop(%max, %c, %n)
    block0(%i : int, %x : int):
      %2 : int = prim::Constant[value=2]()
      %y : int = aten::floordiv(%x, %2)
      %d : bool = aten::gt(%y, %1)
      -> (%d, %y)
  return (%r)
)"),
            R"(code 'f' (values 0, scalars 2)
  parameters: s0 int
  0: lt_int s1, #1, s0
  1: jump_unless @4, s1
  2: shift_right_int s0, s0, #1
  3: loop_if_lt_int @2, #1, s0
  4: return_values (s0)
)");
}

TEST(Lowering, SwappedCarriedValuesGoThroughATemporary) {
  EXPECT_EQ(bytecode(R"(graph(%n : int, %a : Tensor, %b : Tensor):
  %t : bool = prim::Constant[value=True]()
  %p : Tensor, %q : Tensor = prim::Loop(%n, %t, %a, %b)
    block0(%i : int, %x : Tensor, %y : Tensor):
      -> (%t, %y, %x)
  %r : Tensor = aten::sub(%p, %q, %n)
  return (%r)
)"),
            R"(code 'f' (values 3, scalars 2)
  parameters: s0 int, v0 Tensor, v1 Tensor
  0: move_scalar s1, #0
  1: jump_unless_lt_int @6, s1, s0
  2: move_value v2, v1
  3: move_value v1, v0
  4: move_value v0, v2
  5: loop_for @2, s1, s0
  6: call_operator aten::sub.Tensor(v0!, v1!, s0) -> v1
  7: return_values (v1!)
)");
}

TEST(Lowering, AnElementOfATensorsSizesNeedsNoList) {
  EXPECT_EQ(bytecode(R"(graph(%x : Tensor, %i : int):
  %y : Tensor = aten::relu(%x)
  %sizes : int[] = aten::size(%y)
  %0 : int = prim::Constant[value=0]()
  %n : int = aten::__getitem__(%sizes, %0)
  %others : int[] = aten::size(%x)
  %z : Tensor = aten::relu_(%x)
  %m : int = aten::__getitem__(%others, %i)
  return (%n, %m)
)"),
            R"(code 'f' (values 2, scalars 3)
  parameters: v0 Tensor, s0 int
  0: call_operator aten::relu(v0) -> v1
  1: tensor_size_get s1, v1, #0
  2: drop v1
  3: call_builtin aten::size(v0) -> v1
  4: call_operator aten::relu_(v0!) -> _
  5: list_get_int s2, v1, s0
  6: drop v1
  7: return_values (s1, s2)
)");
}

TEST(Lowering, BranchesYieldInPlaceAndDropWhatOnlyTheOtherReads) {
  EXPECT_EQ(bytecode(R"(graph(%x : Tensor, %y : Tensor, %n : int):
  %0 : int = prim::Constant[value=0]()
  %c : bool = aten::lt(%n, %0)
  %r : Tensor = prim::If(%c)
    block0():
      %a : Tensor = aten::relu(%x)
      -> (%a)
    block1():
      %b : Tensor = aten::neg(%y)
      -> (%b)
  return (%r)
)"),
            R"(code 'f' (values 3, scalars 1)
  parameters: v0 Tensor, v1 Tensor, s0 int
  0: jump_unless_lt_int @4, s0, #0
  1: drop v1
  2: call_operator aten::relu(v0!) -> v2
  3: jump @6
  4: drop v0
  5: call_operator aten::neg(v1!) -> v2
  6: return_values (v2!)
)");
}

TEST(Lowering, TuplesThatAreOnlyTakenApartVanish) {
  EXPECT_EQ(bytecode(R"(graph(%x : int, %y : int):
  %1 : int = prim::Constant[value=1]()
  %t : (int, int) = prim::TupleConstruct(%x, %y)
  %a : int, %b : int = prim::TupleUnpack(%t)
  %c : int = prim::TupleIndex(%t, %1)
  %d : int = aten::mul(%a, %b)
  %e : int = aten::add(%d, %c)
  return (%e)
)"),
            R"(code 'f' (values 0, scalars 2)
  parameters: s0 int, s1 int
  0: mul_add_int s0, s0, s1, s1
  1: return_values (s0)
)");
}

TEST(Lowering, IntsMixedWithFloatsAreConverted) {
  EXPECT_EQ(bytecode(R"(graph(%x : float, %n : int):
  %2 : int = prim::Constant[value=2]()
  %a : float = aten::mul(%x, %n)
  %b : float = aten::add(%a, %2)
  return (%b)
)"),
            R"(code 'f' (values 0, scalars 3)
  parameters: s0 float, s1 int
  0: int_to_float s2, s1
  1: mul_add_float s1, s0, s2, #2.0
  2: return_values (s1)
)");
}

TEST(Lowering, ConstantConditionLeavesOneBranch) {
  EXPECT_EQ(bytecode(R"(graph(%x : int):
  %f : bool = prim::Constant[value=False]()
  %r : int = prim::If(%f)
    block0():
      %a : int = aten::neg(%x)
      -> (%a)
    block1():
      -> (%x)
  return (%r)
)"),
            R"(code 'f' (values 0, scalars 2)
  parameters: s0 int
  0: move_scalar s1, s0
  1: return_values (s1)
)");
}

TEST(Lowering, ListsOfIntsAreReadAndWrittenUnboxed) {
  EXPECT_EQ(bytecode(R"(graph(%l : int[], %i : int):
  %x : int = aten::__getitem__(%l, %i)
  %y : int = aten::add(%x, %x)
  %1 : int[] = aten::_set_item(%l, %i, %y)
  %2 : int[] = aten::append(%l, %y)
  %n : int = aten::len(%l)
  return (%n)
)"),
            R"(code 'f' (values 1, scalars 2)
  parameters: v0 int[], s0 int
  0: list_get_int s1, v0, s0
  1: add_int s1, s1, s1
  2: list_set_int v0, s0, s1
  3: list_append_int v0, s1
  4: list_length s1, v0
  5: drop v0
  6: return_values (s1)
)");
}

TEST(Lowering, UnknownOperatorIsUnimplementedAtItsLine) {
  Programs programs;
  auto source = std::make_shared<support::Source>();
  source->text = "graph(%x : Tensor):\n  %y : Tensor = aten::no_such_thing(%x)\n  return (%y)\n";
  source->filename = "model.py";
  ir::IrParseOptions options;
  options.catalog = nullptr;
  auto graph = ir::parse_graph(source, options);
  ASSERT_TRUE(graph.ok()) << graph.status();
  const auto code = lower(**graph, "f", nullptr);
  EXPECT_EQ(code.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_NE(code.status().message().find("model.py:2:3: error: 'aten::no_such_thing' has no operator"),
            std::string::npos)
      << code.status();
}

TEST(Lowering, MissingAttributeIsAnError) {
  Programs programs;
  programs.make_class("__torch__.Foo", {{"x", c10::IntType::get()}});
  const std::string text = bytecode(programs, R"(graph(%self : __torch__.Foo):
  %y : int = prim::GetAttr[name="y"](%self)
  return (%y)
)");
  EXPECT_NE(text.find("'__torch__.Foo' has no attribute 'y'"), std::string::npos) << text;
}

}  // namespace
}  // namespace vesta::runtime
