// Loops over numbers: what the lowering makes of them, and that it means the same at the edges.

#include <limits>

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "runtime/disassembler.h"
#include "runtime/lowering.h"
#include "runtime/scalar_math.h"
#include "tests/runtime/programs.h"

namespace vesta::runtime {
namespace {

using c10::IValue;
using testing::Programs;

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

std::string instructions(std::string_view text) {
  Programs programs;
  const std::shared_ptr<ir::Graph> graph = programs.parse(text);
  if (graph == nullptr) return "";
  auto code = lower(*graph, "f", &programs.program());
  if (!code.ok()) return std::string(code.status().message());
  const std::string all = disassemble(**code);
  return all.substr(all.find("  0: "));
}

TEST(ScalarCode, AndInALoopsConditionIsJumps) {
  EXPECT_EQ(instructions(R"(graph(%x : float, %n : int):
  %max : int = prim::Constant[value=9223372036854775807]()
  %t : bool = prim::Constant[value=True]()
  %0 : int = prim::Constant[value=0]()
  %y : float, %k : int = prim::Loop(%max, %t, %x, %0)
    block0(%i : int, %z : float, %j : int):
      %half : float = prim::Constant[value=0.5]()
      %1 : int = prim::Constant[value=1]()
      %next : float = aten::mul(%z, %half)
      %j.1 : int = aten::add(%j, %1)
      %big : bool = aten::gt(%next, %half)
      %more : bool = prim::If(%big)
        block0():
          %few : bool = aten::lt(%j.1, %n)
          -> (%few)
        block1():
          %no : bool = prim::Constant[value=False]()
          -> (%no)
      -> (%more, %next, %j.1)
  return (%y, %k)
)"),
            R"(  0: move_scalar s2, #0
  1: mul_float s0, s0, #0.5
  2: add_int s2, s2, #1
  3: jump_unless_lt_float @5, #0.5, s0
  4: loop_if_lt_int @1, s2, s1
  5: return_values (s0, s2)
)");
}

TEST(ScalarCode, OrOfAndBranchesWithoutABool) {
  EXPECT_EQ(instructions(R"(graph(%a : int, %b : int):
  %0 : int = prim::Constant[value=0]()
  %yes : bool = prim::Constant[value=True]()
  %no : bool = prim::Constant[value=False]()
  %c : bool = aten::lt(%a, %0)
  %d : bool = prim::If(%c)
    block0():
      %e : bool = aten::lt(%b, %0)
      -> (%e)
    block1():
      -> (%no)
  %f : bool = prim::If(%d)
    block0():
      -> (%yes)
    block1():
      %g : bool = aten::eq(%a, %b)
      -> (%g)
  %r : int = prim::If(%f)
    block0():
      %s : int = aten::neg(%a)
      -> (%s)
    block1():
      -> (%b)
  return (%r)
)"),
            R"(  0: jump_unless_lt_int @2, s0, #0
  1: jump_if_lt_int @3, s1, #0
  2: jump_unless_eq_int @5, s0, s1
  3: neg_int s2, s0
  4: jump @6
  5: move_scalar s2, s1
  6: return_values (s2)
)");
}

TEST(ScalarCode, ALoopThatHandsItsValuesOnMovesEachOnce) {
  EXPECT_EQ(instructions(R"(graph(%n : int):
  %0 : int = prim::Constant[value=0]()
  %1 : int = prim::Constant[value=1]()
  %m : int = prim::Constant[value=1000007]()
  %t : bool = prim::Constant[value=True]()
  %a : int, %b : int = prim::Loop(%n, %t, %0, %1)
    block0(%i : int, %x : int, %y : int):
      %sum : int = aten::add(%x, %y)
      %z : int = aten::remainder(%sum, %m)
      -> (%t, %y, %z)
  return (%a)
)"),
            R"(  0: move_scalar s1, #0
  1: move_scalar s2, #1
  2: move_scalar s3, #0
  3: jump_unless_lt_int @8, s3, s0
  4: add_int s4, s1, s2
  5: move_scalar s1, s2
  6: mod_positive s2, s4, #1000007
  7: loop_for @4, s3, s0
  8: return_values (s1)
)");
}

TEST(ScalarCode, BranchesOfALoopComputeItsNextValueInPlace) {
  EXPECT_EQ(instructions(R"(graph(%n : int):
  %max : int = prim::Constant[value=9223372036854775807]()
  %0 : int = prim::Constant[value=0]()
  %1 : int = prim::Constant[value=1]()
  %2 : int = prim::Constant[value=2]()
  %3 : int = prim::Constant[value=3]()
  %t : bool = prim::Constant[value=True]()
  %last : int = prim::Loop(%max, %t, %n)
    block0(%i : int, %x : int):
      %rest : int = aten::remainder(%x, %2)
      %even : bool = aten::eq(%rest, %0)
      %next : int = prim::If(%even)
        block0():
          %half : int = aten::floordiv(%x, %2)
          -> (%half)
        block1():
          %triple : int = aten::mul(%3, %x)
          %odd : int = aten::add(%triple, %1)
          -> (%odd)
      %more : bool = aten::ne(%next, %1)
      -> (%more, %next)
  return (%last)
)"),
            R"(  0: jump_unless_disjoint_int @3, s0, #1
  1: shift_right_int s0, s0, #1
  2: jump @4
  3: mul_add_int s0, #3, s0, #1
  4: loop_if_ne_int @0, s0, #1
  5: return_values (s0)
)");
}

TEST(ScalarCode, CharactersThatAreComparedWithConstantsAreBytes) {
  const char* const text = R"(graph(%line : str):
  %0 : int = prim::Constant[value=0]()
  %1 : int = prim::Constant[value=1]()
  %o : str = prim::Constant[value="o"]()
  %two : str = prim::Constant[value="oo"]()
  %t : bool = prim::Constant[value=True]()
  %n : int = aten::len(%line)
  %r : int = prim::Loop(%n, %t, %0)
    block0(%i : int, %count : int):
      %c : str = aten::__getitem__(%line, %i)
      %is : bool = aten::eq(%c, %o)
      %isnt : bool = aten::ne(%two, %c)
      %next : int = prim::If(%is)
        block0():
          %more : int = aten::add(%count, %1)
          -> (%more)
        block1():
          -> (%count)
      %last : int = prim::If(%isnt)
        block0():
          -> (%next)
        block1():
          -> (%0)
      -> (%t, %last)
  return (%r)
)";
  EXPECT_NE(instructions(text).find("string_byte"), std::string::npos) << instructions(text);
  EXPECT_EQ(instructions(text).find("__getitem__"), std::string::npos) << instructions(text);
  Programs programs;
  const ir::Function& count = *programs.function("count", text);
  EXPECT_EQ(testing::run(count, {IValue("foot of the m\xc3\xb6untain o")}).toInt(), 4);
  EXPECT_EQ(testing::run(count, {IValue("")}).toInt(), 0);
}

TEST(ScalarCode, BytesOfStringsAreCountedFromTheEndAndChecked) {
  Programs programs;
  const ir::Function& is_x = *programs.function("is_x", R"(graph(%text : str, %i : int):
  %x : str = prim::Constant[value="x"]()
  %c : str = aten::__getitem__(%text, %i)
  %r : bool = aten::eq(%c, %x)
  return (%r)
)");
  EXPECT_TRUE(testing::run(is_x, {IValue("abx"), int64_t{2}}).toBool());
  EXPECT_TRUE(testing::run(is_x, {IValue("xab"), int64_t{-3}}).toBool());
  EXPECT_FALSE(testing::run(is_x, {IValue("xab"), int64_t{-1}}).toBool());
  for (const int64_t outside : {int64_t{3}, int64_t{-4}, kMin, kMax}) {
    const absl::Status status = testing::failure(is_x, {IValue("abx"), outside});
    EXPECT_NE(status.message().find("string index out of range"), std::string::npos) << status;
  }
}

TEST(ScalarCode, TheLastReferenceMovesIntoAList) {
  EXPECT_EQ(instructions(R"(graph(%list : Tensor[], %x : Tensor, %y : Tensor):
  %0 : int = prim::Constant[value=0]()
  %a : Tensor[] = aten::append(%list, %x)
  %b : Tensor[] = aten::append(%list, %x)
  %c : Tensor[] = aten::_set_item(%list, %0, %y)
  return (%list)
)"),
            R"(  0: list_append v0, v1
  1: list_append_last v0, v1
  2: list_set_last v0, #0, v2
  3: return_values (v0!)
)");
}

// ---- Meaning at the edges

using Wide = __int128;
Wide wide_floordiv(Wide x, Wide y) { return x / y - (x % y != 0 && (x < 0) != (y < 0) ? 1 : 0); }
int64_t wrapped(Wide x) { return static_cast<int64_t>(static_cast<uint64_t>(x)); }

std::vector<int64_t> edges(int64_t divisor) {
  std::vector<int64_t> values{kMin, kMin + 1, kMax, kMax - 1, -1, 0, 1, 2, -2, 1 << 20, -(1 << 20)};
  for (const int64_t base : {divisor, wrapping_mul(divisor, 2), wrapping_sub(0, divisor), int64_t{1} << 32}) {
    for (const int64_t offset : {-1, 0, 1}) values.push_back(wrapping_add(base, offset));
  }
  return values;
}

TEST(ScalarCode, DividingByAConstantRoundsDownAtEveryEdge) {
  const int64_t divisors[] = {
      1,  2,  3,  7,  8,        13,   101,      1000007, int64_t{1} << 32, (int64_t{1} << 62) + 1,
      -1, -2, -3, -8, -1000007, kMax, kMax - 1, kMin,    kMin + 1,         int64_t{1} << 62};
  for (const int64_t divisor : divisors) {
    Programs programs;
    const ir::Function& both =
        *programs.function("both", absl::StrCat("graph(%x : int):\n  %d : int = prim::Constant[value=", divisor, R"(]()
  %1 : int = prim::Constant[value=1]()
  %3 : int = prim::Constant[value=3]()
  %q : int = aten::floordiv(%x, %d)
  %m : int = aten::remainder(%x, %d)
  %sum : int = aten::add(%x, %1)
  %sm : int = aten::remainder(%sum, %d)
  %product : int = aten::mul(%x, %3)
  %pm : int = aten::remainder(%product, %d)
  %all : (int, int, int, int) = prim::TupleConstruct(%q, %m, %sm, %pm)
  return (%all)
)"));
    for (const int64_t x : edges(divisor)) {
      const auto got = testing::run(both, {x}).toTupleRef().elements();
      const auto mod = [&](int64_t y) { return wrapped(Wide{y} - wide_floordiv(y, divisor) * divisor); };
      EXPECT_EQ(got[0].toInt(), wrapped(wide_floordiv(x, divisor))) << x << " // " << divisor;
      EXPECT_EQ(got[1].toInt(), mod(x)) << x << " % " << divisor;
      EXPECT_EQ(got[2].toInt(), mod(wrapping_add(x, 1))) << "(" << x << " + 1) % " << divisor;
      EXPECT_EQ(got[3].toInt(), mod(wrapping_mul(x, 3))) << "(" << x << " * 3) % " << divisor;
    }
  }
}

TEST(ScalarCode, DividingByTheConstantZeroFailsWhereItIsReached) {
  Programs programs;
  for (const char* kind : {"aten::remainder", "aten::floordiv"}) {
    const ir::Function& divide =
        *programs.function(std::string("f") + std::to_string(kind[6]), absl::StrCat(R"(graph(%x : int, %c : bool):
  %0 : int = prim::Constant[value=0]()
  %1 : int = prim::Constant[value=1]()
  %r : int = prim::If(%c)
    block0():
      %s : int = aten::add(%x, %1)
      %q : int = )",
                                                                                    kind, R"((%s, %0)
      -> (%q)
    block1():
      -> (%x)
  return (%r)
)"));
    EXPECT_EQ(testing::run(divide, {int64_t{5}, false}).toInt(), 5);
    const absl::Status status = testing::failure(divide, {int64_t{5}, true});
    EXPECT_NE(status.message().find("by 0"), std::string::npos) << status;
    EXPECT_NE(status.message().find("model.py:7:"), std::string::npos) << status;
  }
}

TEST(ScalarCode, JoinedStepsRoundFloatsTwiceAndWrapIntsAround) {
  Programs programs;
  const ir::Function& floats = *programs.function("floats", R"(graph(%x : float, %y : float, %z : float):
  %p : float = aten::mul(%x, %y)
  %sum : float = aten::add(%p, %z)
  %q : float = aten::mul(%x, %y)
  %minus : float = aten::sub(%q, %z)
  %r : float = aten::mul(%x, %y)
  %from : float = aten::sub(%z, %r)
  %s : float = aten::mul(%x, %y)
  %three : float = aten::mul(%z, %s)
  %all : (float, float, float, float) = prim::TupleConstruct(%sum, %minus, %from, %three)
  return (%all)
)");
  const double x = 1 + std::numeric_limits<double>::epsilon();
  volatile double product = x * x;
  const double z = -product;
  const auto got = testing::run(floats, {x, x, z}).toTupleRef().elements();
  EXPECT_EQ(got[0].toDouble(), 0.0);  // 4.9e-32 where it is rounded once.
  EXPECT_EQ(got[1].toDouble(), product - z);
  EXPECT_EQ(got[2].toDouble(), z - product);
  EXPECT_EQ(got[3].toDouble(), z * product);

  const ir::Function& ints = *programs.function("ints", R"(graph(%x : int, %y : int, %z : int):
  %p : int = aten::mul(%x, %y)
  %sum : int = aten::add(%z, %p)
  %q : int = aten::mul(%x, %y)
  %minus : int = aten::sub(%q, %z)
  %r : int = aten::add(%x, %y)
  %more : int = aten::add(%r, %z)
  %s : int = aten::add(%x, %y)
  %less : int = aten::sub(%s, %z)
  %all : (int, int, int, int) = prim::TupleConstruct(%sum, %minus, %more, %less)
  return (%all)
)");
  const auto wrapping = testing::run(ints, {kMax, int64_t{3}, kMin}).toTupleRef().elements();
  EXPECT_EQ(wrapping[0].toInt(), wrapped(Wide{kMax} * 3 + kMin));
  EXPECT_EQ(wrapping[1].toInt(), wrapped(Wide{kMax} * 3 - kMin));
  EXPECT_EQ(wrapping[2].toInt(), wrapped(Wide{kMax} + 3 + kMin));
  EXPECT_EQ(wrapping[3].toInt(), wrapped(Wide{kMax} + 3 - kMin));
}

TEST(ScalarCode, RangesWithStartAndStepCountAsTheyDid) {
  Programs programs;
  const ir::Function& sums = *programs.function("sums", R"(graph(%n : int, %start : int, %step : int):
  %0 : int = prim::Constant[value=0]()
  %1 : int = prim::Constant[value=1]()
  %t : bool = prim::Constant[value=True]()
  %a : int, %b : int = prim::Loop(%n, %t, %0, %0)
    block0(%i : int, %x : int, %y : int):
      %one : int = aten::__derive_index(%i, %start, %1)
      %many : int = aten::__derive_index(%i, %start, %step)
      %x.1 : int = aten::add(%x, %one)
      %y.1 : int = aten::add(%y, %many)
      -> (%t, %x.1, %y.1)
  %both : (int, int) = prim::TupleConstruct(%a, %b)
  return (%both)
)");
  const auto got = testing::run(sums, {int64_t{4}, int64_t{10}, int64_t{-3}}).toTupleRef().elements();
  EXPECT_EQ(got[0].toInt(), 10 + 11 + 12 + 13);
  EXPECT_EQ(got[1].toInt(), 10 + 7 + 4 + 1);
}

// A loop whose condition is `and`, which never ends by itself.
TEST(ScalarCode, LimitsEndLoopsWhoseConditionIsJumps) {
  Programs programs;
  const ir::Function& forever = *programs.function("forever", R"(graph(%n : int):
  %max : int = prim::Constant[value=9223372036854775807]()
  %0 : int = prim::Constant[value=0]()
  %t : bool = prim::Constant[value=True]()
  %no : bool = prim::Constant[value=False]()
  %a : int, %b : int = prim::Loop(%max, %t, %n, %0)
    block0(%i : int, %x : int, %y : int):
      %sum : int = aten::sub(%x, %y)
      %c : bool = aten::ge(%sum, %0)
      %more : bool = prim::If(%c)
        block0():
          %d : bool = aten::ge(%x, %0)
          -> (%d)
        block1():
          -> (%no)
      -> (%more, %y, %sum)
  return (%a)
)");
  CallOptions fuel;
  fuel.limits.fuel = 1000;
  EXPECT_EQ(testing::failure(forever, {int64_t{0}}, fuel).code(), absl::StatusCode::kResourceExhausted);
  CallOptions deadline;
  deadline.limits.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
  EXPECT_EQ(testing::failure(forever, {int64_t{0}}, deadline).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(testing::run(forever, {int64_t{-1}}).toInt(), 0);
}

}  // namespace
}  // namespace vesta::runtime
