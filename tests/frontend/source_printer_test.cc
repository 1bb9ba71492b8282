// Graphs to source text: goldens, and the law that compiling the text gives the graphs again.

#include "frontend/source_printer.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "frontend/compile.h"
#include "frontend/importer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ir/printer.h"

namespace vesta::frontend {
namespace {

using ::testing::HasSubstr;

struct Printed {
  std::map<std::string, std::string> texts;  // by qualifier
  std::vector<c10::IValue> constants;
  int64_t version = 0;
};

std::shared_ptr<ir::Program> compiled(const std::string& text) {
  auto program = ir::Program::create();
  auto source = std::make_shared<support::Source>(support::Source{text, "model.py", 1});
  CompileOptions options;
  options.function_qualifier = "__torch__";
  const absl::StatusOr<CompileResult> result = compile(source, program, options);
  EXPECT_TRUE(result.ok()) << result.status();
  return program;
}

Printed printed(const ir::Program& program) {
  SourcePrinter printer;
  for (const c10::NamedTypePtr& type : program.types()) printer.names().of(type);
  for (const auto& function : program.functions()) {
    if (program.find_function(function->qualname().qualifiedName()) == function.get()) printer.names().of(*function);
  }
  Printed result;
  absl::StatusOr<std::vector<PrintedSource>> sources = printer.print();
  EXPECT_TRUE(sources.ok()) << sources.status();
  if (sources.ok()) {
    for (const PrintedSource& source : *sources) result.texts[source.qualifier] = source.source.text();
  }
  result.constants = printer.constants();
  result.version = printer.version();
  return result;
}

// The program of a printed text.
std::shared_ptr<ir::Program> imported(const Printed& text, const ir::Program& like) {
  auto program = ir::Program::create();
  ImportOptions options;
  options.version = 10;
  options.find_source = [&](const std::string& qualifier) -> absl::StatusOr<std::shared_ptr<const support::Source>> {
    const auto found = text.texts.find(qualifier);
    if (found == text.texts.end()) return nullptr;
    return std::make_shared<const support::Source>(support::Source{found->second, "code/" + qualifier + ".py", 1});
  };
  SourceImporter importer(program, options);
  importer.set_constants(text.constants);
  for (const c10::NamedTypePtr& type : like.types())
    EXPECT_TRUE(importer.load_type(type->name()->qualifiedName()).ok()) << type->name()->qualifiedName();
  for (const auto& function : like.functions()) {
    const std::string name = function->qualname().qualifiedName();
    if (like.find_function(name) != function.get()) continue;
    const auto loaded = importer.load_function(name);
    EXPECT_TRUE(loaded.ok()) << loaded.status();
  }
  const absl::Status status = importer.compile_pending();
  EXPECT_TRUE(status.ok()) << status;
  return program;
}

std::string text_of(const std::string& source) { return printed(*compiled(source)).texts["__torch__"]; }

// Prints, compiles, prints again, and once more.
void expect_law(const std::string& source) {
  const std::shared_ptr<ir::Program> program = compiled(source);
  const Printed first = printed(*program);
  const std::shared_ptr<ir::Program> again = imported(first, *program);
  const Printed second = printed(*again);
  EXPECT_EQ(first.texts, second.texts);
  // The names of the second program's values are those of the text: from here on the graphs are the same to the letter.
  const std::shared_ptr<ir::Program> third = imported(second, *again);
  for (const auto& function : again->functions()) {
    const std::string name = function->qualname().qualifiedName();
    if (again->find_function(name) != function.get()) continue;
    EXPECT_EQ(ir::print(*function->graph()), ir::print(*third->find_function(name)->graph()));
  }
}

TEST(SourcePrinter, ExpressionsAreNestedWhereTheirOrderAllows) {
  EXPECT_EQ(text_of(R"(
def f(x: Tensor, y: Tensor) -> Tensor:
    total = x * 2 + y.relu()
    return total / (x - 1)
)"),
            R"(def f(x: Tensor,
  y: Tensor) -> Tensor:
  total = torch.add(torch.mul(x, 2), torch.relu(y))
  return torch.div(total, torch.sub(x, 1))
)");
}

TEST(SourcePrinter, WhatIsEvaluatedEarlierStandsEarlier) {
  EXPECT_EQ(text_of(R"(
def f(x: Tensor) -> Tensor:
    before = x.sum()
    x.add_(1)
    return before + x.sum()
)"),
            R"(def f(x: Tensor) -> Tensor:
  before = torch.sum(x)
  torch.add_(x, 1)
  return torch.add(before, torch.sum(x))
)");
}

// One that has a single element is no operand, and an empty one leaves nothing to assign.
TEST(SourcePrinter, UnpackedTuplesAreAssigned) {
  EXPECT_EQ(text_of("def f(p: Tuple[int], q: Tuple[()]):\n  for a in q:\n    print(a)\n  return p + (3,)\n"),
            R"(def f(p: Tuple[int],
  q: Tuple[()]) -> Tuple[int, int]:
  _0 = (3,)
  _1, = p
  _2, = _0
  return (_1, _2)
)");
  expect_law("def f(p: Tuple[int, str]):\n  c = p + (3,)\n  return c\n");
}

TEST(SourcePrinter, UnionsOfAllNumbersNameEachMember) {
  const Printed text =
      printed(*compiled("def f(x: Union[str, int, float, complex], y: List[Union[int, float, complex, str]]):\n"
                        "  return 1\n"));
  EXPECT_THAT(text.texts.at("__torch__"), HasSubstr("x: Union[float, complex, int, str]"));
  EXPECT_THAT(text.texts.at("__torch__"), HasSubstr("y: List[Union[float, complex, int, str]]"));
}

TEST(SourcePrinter, LoopsCarryNames) {
  EXPECT_EQ(text_of(R"(
def f(n: int) -> int:
    total = 0
    for i in range(n):
        if i % 2 == 0:
            total += i
    while total > 10:
        total = total - 3
    return total
)"),
            R"(def f(n: int) -> int:
  total = 0
  for i in range(n):
    if torch.eq(torch.remainder(i, 2), 0):
      total0 = torch.add(total, i)
    else:
      total0 = total
    total = total0
  total1 = total
  _0 = torch.gt(total, 10)
  while _0:
    total2 = torch.sub(total1, 3)
    _0, total1 = torch.gt(total2, 10), total2
  return total1
)");
}

TEST(SourcePrinter, LoopsThatCountAndTestCountByHand) {
  const std::string text = text_of(R"(
def f(n: int) -> int:
    found = -1
    for i in range(n):
        if i * i > 50:
            found = i
            break
    return found
)");
  EXPECT_THAT(text, HasSubstr("while "));
  EXPECT_EQ(text.find("for "), std::string::npos);
}

TEST(SourcePrinter, ClassesEnumsAndNamedTuplesComeWithTheirUsers) {
  EXPECT_EQ(text_of(R"(
from enum import Enum
from typing import NamedTuple

class Color(Enum):
    RED = 1
    BLUE = 2

class Pair(NamedTuple):
    left: int
    right: float = 0.5

class Counter:
    def __init__(self, start: int):
        self.value = start

    def next(self) -> int:
        self.value += 1
        return self.value

def f(color: Color, n: int) -> Pair:
    counter = Counter(n)
    if color == Color.RED:
        n = counter.next()
    return Pair(n, 1.5)
)"),
            R"(class Color(Enum):
  RED = 1
  BLUE = 2
class Pair(NamedTuple):
  left : int
  right : float = 0.5
class Counter:
  value : int
  def __init__(self: __torch__.Counter,
    start: int) -> NoneType:
    self.value = start
    return None
  def next(self: __torch__.Counter) -> int:
    self.value = torch.add(self.value, 1)
    return self.value
def f(color: __torch__.Color,
  n: int) -> __torch__.Pair:
  counter = __torch__.Counter.__new__(__torch__.Counter)
  counter.__init__(n)
  if torch.eq(color, __torch__.Color.RED):
    n0 = counter.next()
  else:
    n0 = n
  return __torch__.Pair(n0, 1.5)
)");
}

TEST(SourcePrinter, NamesThatTheTextUsesItselfAreKeptFree) {
  const std::string text = text_of(R"(
def f(print: int, ops: int) -> int:
    torch = print + ops
    inf = torch * 2
    return inf + torch
)");
  EXPECT_THAT(text, HasSubstr("def f(print: int,\n  ops0: int)"));
  EXPECT_THAT(text, HasSubstr("torch0 = torch.add(print, ops0)"));
  EXPECT_EQ(text.find("inf ="), std::string::npos);
}

TEST(SourcePrinter, VersionIsTheLowestInWhichTheOperatorsMeanTheSame) {
  EXPECT_EQ(printed(*compiled("def f(x: Tensor):\n  return x + 1\n")).version, 3);
  EXPECT_EQ(printed(*compiled("def f(x: Tensor):\n  return x / 2\n")).version, 4);
  EXPECT_EQ(printed(*compiled("def f(n: int):\n  return n / 2\n")).version, 3);
  EXPECT_EQ(printed(*compiled("def f(x: Tensor):\n  return torch.full([2], 1.0) + x / 2\n")).version, 5);
  EXPECT_EQ(printed(*compiled("def f(x: Tensor):\n  return torch.gelu(x)\n")).version, 10);
}

TEST(SourcePrinter, TextThatIsNotAsciiIsAConstant) {
  const Printed text = printed(*compiled("def f() -> str:\n  return '\\u00e9' + 'a\\n\"\\x01'\n"));
  EXPECT_THAT(text.texts.at("__torch__"), HasSubstr(R"(torch.add(CONSTANTS.c0, "a\n\"\001"))"));
  ASSERT_EQ(text.constants.size(), 1U);
  EXPECT_EQ(text.constants[0].toStringRef(), "\xc3\xa9");
}

TEST(SourcePrinter, CompilingTheTextGivesTheGraphsAgain) {
  expect_law(R"(
def numbers(x: float, n: int) -> Tuple[float, float, float, int, complex, bool]:
    return (float('inf') + x, float('-inf'), 1e-300, -9223372036854775807 + n, 2 - 3.5j, not n > 3)
)");
  expect_law(R"(
def optional(x: Optional[Tensor], n: Union[int, str]) -> Tensor:
    if x is None:
        y = torch.zeros([2])
    else:
        y = x + 1
    if isinstance(n, int):
        y = y + n
    z: Optional[int] = None
    for i in range(3):
        z = i
    assert z is not None, "z"
    return y * z
)");
  expect_law(R"(
def containers(x: Tensor) -> Dict[str, List[Tensor]]:
    empty: List[Optional[int]] = []
    empty.append(None)
    d: Dict[str, List[Tensor]] = {}
    d["a"] = [x, x + 1]
    a, b = x.max(0)
    (c, e), f = ((a, 1), b)
    d["b"] = [a, b, c + e, f]
    return d
)");
  expect_law(R"(
def control(x: Tensor, n: int) -> int:
    total = 0
    while True:
        if n > 10:
            break
        n += 1
        if n % 3 == 0:
            continue
        for j in range(n):
            if j == 7:
                return total
            total += j if j > 2 and n < 9 else -j
    return total
)");
  expect_law(R"(
def helper(x: Tensor, scale: float = 2.0, *, bias: int = 1) -> Tensor:
    return x * scale + bias

def forks(x: Tensor) -> Tensor:
    future = torch.jit.fork(helper, x, 3.0)
    y = helper(x, bias=4)
    return torch.jit.wait(future) + y
)");
  expect_law(R"(
class Guard:
    def __init__(self):
        self.depth = 0

    def __enter__(self) -> int:
        self.depth += 1
        return self.depth

    def __exit__(self, type: Any, value: Any, trace: Any):
        self.depth -= 1

def scopes(x: Tensor) -> Tensor:
    guard = Guard()
    with guard as depth:
        with guard:
            x = x + depth
        x = x * 2
    return x
)");
  expect_law(R"(
def swaps(a: int, b: int, n: int) -> Tuple[int, int]:
    for _ in range(n):
        a, b = b, a + b
    return a, b
)");
}

TEST(SourcePrinter, FunctionsWithUnknownOperatorsAreUnimplemented) {
  auto program = ir::Program::create();
  auto source = std::make_shared<support::Source>(
      support::Source{"def f(x: Tensor):\n  return torch.ops.nowhere.nothing(x)\n", "model.py", 1});
  EXPECT_FALSE(compile(source, program).ok());
  SourcePrinter printer;
  printer.names().of(*program->find_function("f"));
  const absl::Status status = printer.print().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(status.message()), HasSubstr("'f' cannot be written as source"));
}

}  // namespace
}  // namespace vesta::frontend
