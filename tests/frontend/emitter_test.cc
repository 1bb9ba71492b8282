// Source text to graphs: goldens of the text form, and of the messages.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "frontend/compile.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ir/printer.h"
#include "ir/verifier.h"

namespace vesta::frontend {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<const support::Source> source(std::string text) {
  return std::make_shared<support::Source>(support::Source{std::move(text), "model.py", 1});
}

// The graph of `name`, verified; or the message of what went wrong.
std::string graph_of(const std::string& text, const std::string& name) {
  auto program = ir::Program::create();
  absl::StatusOr<CompileResult> result = compile(source(text), program);
  if (!result.ok()) return std::string(result.status().message());
  for (const auto& function : program->functions()) {
    if (function->graph() == nullptr) return absl::StrCat("no graph: ", function->name());
    const absl::Status status = ir::verify(*function->graph());
    if (!status.ok()) return absl::StrCat(function->name(), ": ", std::string(status.message()));
  }
  const ir::Function* function = program->find_function(name);
  return function != nullptr ? ir::print(*function->graph()) : "no such function";
}

std::string message_of(const std::string& text) {
  auto program = ir::Program::create();
  absl::StatusOr<CompileResult> result = compile(source(text), program);
  return result.ok() ? "compiled" : std::string(result.status().message());
}

std::string schema_of(const std::string& text, const std::string& name) {
  auto program = ir::Program::create();
  absl::StatusOr<CompileResult> result = compile(source(text), program);
  if (!result.ok()) return std::string(result.status().message());
  std::ostringstream out;
  out << program->find_function(name)->schema();
  return out.str();
}

TEST(Emitter, ReturnInOneBranchMovesTheRestIntoTheOther) {
  EXPECT_EQ(graph_of(R"(
def early(x: Tensor, n: int) -> Tensor:
    if n == 0:
        return x
    return x * 2
)",
                     "early"),
            R"(graph(%x : Tensor,
      %n : int):
  %2 : int = prim::Constant[value=0]()
  %3 : bool = aten::eq(%n, %2)
  %6 : Tensor = prim::If(%3)
    block0():
      -> (%x)
    block1():
      %4 : int = prim::Constant[value=2]()
      %5 : Tensor = aten::mul(%x, %4)
      -> (%5)
  return (%6)
)");
}

TEST(Emitter, CheckForNoneRefinesBothBranches) {
  EXPECT_EQ(graph_of(R"(
def f(x: Optional[Tensor], y: Tensor) -> Tensor:
    if x is None:
        x = y
    return x
)",
                     "f"),
            R"(graph(%x : Tensor?,
      %y : Tensor):
  %2 : NoneType = prim::Constant()
  %3 : bool = aten::__is__(%x, %2)
  %x.3 : Tensor = prim::If(%3)
    block0():
      -> (%y)
    block1():
      %x.2 : Tensor = prim::unchecked_cast(%x)
      -> (%x.2)
  return (%x.3)
)");
}

TEST(Emitter, ReturnInALoopBecomesACarriedFlagAndValue) {
  EXPECT_EQ(graph_of(R"(
def find(xs: List[int], v: int) -> bool:
    for x in xs:
        if x == v:
            return True
    return False
)",
                     "find"),
            R"(graph(%xs : int[],
      %v : int):
  %2 : int = aten::len(%xs)
  %3 : bool = prim::Constant[value=True]()
  %14 : bool = prim::Constant[value=False]()
  %15 : bool = prim::Uninitialized()
  %18 : bool, %19 : bool = prim::Loop(%2, %3, %14, %15)
    block0(%4 : int, %16 : bool, %17 : bool):
      %x : int = aten::__getitem__(%xs, %4)
      %6 : bool = aten::eq(%x, %v)
      %10 : bool, %12 : bool = prim::If(%6)
        block0():
          %7 : bool = prim::Constant[value=True]()
          %8 : bool = prim::Constant[value=True]()
          -> (%8, %7)
        block1():
          %9 : bool = prim::Constant[value=False]()
          %11 : bool = prim::Uninitialized()
          -> (%9, %11)
      %13 : bool = aten::__not__(%10)
      -> (%13, %10, %12)
  %21 : bool = prim::If(%18)
    block0():
      -> (%19)
    block1():
      %20 : bool = prim::Constant[value=False]()
      -> (%20)
  return (%21)
)");
}

TEST(Emitter, ContinueSkipsToTheLoopsEndWithoutAFlag) {
  const std::string text = graph_of(R"(
def f(n: int) -> int:
    total = 0
    for i in range(n):
        if i == 3:
            continue
        total += i
    return total
)",
                                    "f");
  EXPECT_THAT(text, HasSubstr("%total.4 : int = prim::Loop(%n, "));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("aten::__not__")));
}

TEST(Emitter, NamesThatALoopDoesNotChangeAreNotCarried) {
  EXPECT_THAT(graph_of(R"(
def f(n: int, x: int) -> int:
    for i in range(n):
        x = x
    return x
)",
                       "f"),
              HasSubstr("return (%x)"));
}

TEST(Emitter, ResultsAreInferredAcrossFunctionsThatFollow) {
  const std::string text = R"(
def f(x, n: int):
    return g(x), n
def g(x):
    return [x]
)";
  EXPECT_EQ(schema_of(text, "f"), "f(Tensor x, int n) -> ((Tensor[], int))");
  EXPECT_EQ(schema_of(text, "g"), "g(Tensor x) -> Tensor[]");
}

TEST(Emitter, IsinstanceThatTheTypeDecidesCompilesOneBranchOnly) {
  EXPECT_EQ(graph_of(R"(
def f(x: int) -> int:
    if isinstance(x, str):
        return x.no_such_method()
    return x
)",
                     "f"),
            R"(graph(%x : int):
  return (%x)
)");
}

TEST(Emitter, IndexingATensorIsAChainOfViews) {
  EXPECT_EQ(graph_of("def f(x: Tensor, m: Tensor) -> Tensor:\n    return x[0, None, m]\n", "f"), R"(graph(%x : Tensor,
      %m : Tensor):
  %2 : int = prim::Constant[value=0]()
  %4 : int = prim::Constant[value=0]()
  %5 : Tensor = aten::select(%x, %4, %2)
  %6 : int = prim::Constant[value=0]()
  %7 : Tensor = aten::unsqueeze(%5, %6)
  %8 : NoneType = prim::Constant()
  %9 : Tensor?[] = prim::ListConstruct(%8, %m)
  %10 : Tensor = aten::index(%7, %9)
  return (%10)
)");
}

TEST(Emitter, AScalarOnTheLeftIsSwapped) {
  EXPECT_THAT(graph_of("def f(x: Tensor) -> Tensor:\n    return 2 * x\n", "f"), HasSubstr("aten::mul(%x, %1)"));
}

TEST(Emitter, OneIntServesForAListOfFixedLength) {
  EXPECT_THAT(graph_of("def f(x: Tensor) -> Tensor:\n    return torch.max_pool2d(x, 2)\n", "f"),
              HasSubstr("int[] = prim::ListConstruct(%1, %1)"));
}

TEST(Emitter, ForkTakesWhatItCapturesAsInputs) {
  const std::string text = graph_of(R"(
def f(x: Tensor, y: Tensor) -> Tensor:
    def inner(z: Tensor) -> Tensor:
        return z + y
    return torch.jit.wait(torch.jit.fork(inner, x))
)",
                                    "f");
  EXPECT_THAT(text, HasSubstr("%2 : Future[Tensor] = prim::fork_0(%x, %y)"));
  EXPECT_THAT(text, HasSubstr("with prim::fork_0 = graph("));
}

TEST(Emitter, ClassesLearnTheirAttributesFromTheInitializer) {
  const std::string text = graph_of(R"(
class Point:
    def __init__(self, x: int):
        self.x = x
    def __add__(self, other: 'Point') -> 'Point':
        return Point(self.x + other.x)
def f(n: int) -> int:
    p = Point(n) + Point(2)
    p.x += 1
    return p.x
)",
                                    "f");
  EXPECT_THAT(text, HasSubstr("prim::CreateObject()"));
  EXPECT_THAT(text, HasSubstr("prim::CallMethod[name=\"__add__\"]"));
  EXPECT_THAT(text, HasSubstr("prim::SetAttr[name=\"x\"]"));
}

TEST(Emitter, ASliceOfATupleTakesTheSmallestStep) {
  EXPECT_THAT(graph_of("def f():\n  t = (1, 2, 3)\n  return t[::-9223372036854775808]\n", "f"),
              HasSubstr("(int) = prim::TupleConstruct("));
}

TEST(Emitter, AConditionOfAListIsItsLength) {
  EXPECT_EQ(graph_of("def f(l: List[int]):\n  return not l\n", "f"), R"(graph(%l : int[]):
  %1 : int = aten::len(%l)
  %2 : int = prim::Constant[value=0]()
  %3 : bool = aten::ne(%1, %2)
  %4 : bool = aten::__not__(%3)
  return (%4)
)");
  for (const char* type : {"List[Tensor]", "str", "Dict[str, int]"}) {
    for (const char* body : {"if l:\n    return 1\n  return 2", "while l:\n    return 1\n  return 2", "assert l",
                             "return l and True", "return 1 if l else 2", "return bool(l)"}) {
      EXPECT_EQ(message_of(absl::StrCat("def f(l: ", type, "):\n  ", body, "\n")), "compiled") << type << body;
    }
  }
}

TEST(Emitter, AResultThatIsMissingOnSomePathMayBeNone) {
  const std::string schema = "f(int n) -> int?";
  EXPECT_EQ(schema_of("def f(n: int):\n  if n > 5:\n    return n\n", "f"), schema);
  EXPECT_EQ(schema_of("def f(n: int):\n  while True:\n    n += 1\n    if n > 5:\n      return n\n", "f"), schema);
  EXPECT_EQ(schema_of("def f(n: int):\n  for i in range(n):\n    return i\n", "f"), schema);
  EXPECT_EQ(schema_of("def f(n: int):\n  if n > 5:\n    return n\n  raise ValueError('n')\n", "f"), "f(int n) -> int");
}

TEST(Emitter, ALoopOverATupleIsUnrolled) {
  const std::string text = graph_of(R"(
def f(x: Tensor) -> Tensor:
    for f in (1, 2.5):
        x = x * f
    return x
)",
                                    "f");
  EXPECT_THAT(text, ::testing::Not(HasSubstr("prim::Loop")));
  EXPECT_THAT(text, HasSubstr("value=2.5"));
}

TEST(EmitterErrors, OneCandidateIsNamedWithWhatItTakes) {
  EXPECT_EQ(message_of("def f(x: Tensor) -> Tensor:\n  return torch.matmul(x, 3)\n"),
            "model.py:2:10: error: 'matmul' takes Tensor for argument 'other', got int\n"
            "    return torch.matmul(x, 3)\n"
            "           ^^^^^^^^^^^^^^^^^^\n");
}

TEST(EmitterErrors, OfManyCandidatesTheClosestAreShown) {
  const std::string text = message_of("def f(x: Tensor):\n  return torch.add(x, 'a')\n");
  EXPECT_THAT(text, HasSubstr("model.py:2:10: error: no overload of 'add' takes (Tensor, str)"));
  EXPECT_THAT(text, HasSubstr("add(self: Tensor, other: Tensor, *, alpha: number=...): it takes Tensor "
                              "for argument 'other', got str"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("aten::add.int(")));
}

TEST(EmitterErrors, AnUncheckedOptionalIsNamed) {
  EXPECT_THAT(message_of("def f(x: Optional[Tensor]):\n  return x + 1\n"),
              HasSubstr("check that it is not None first"));
}

TEST(EmitterErrors, AllUnknownOperatorsAreListed) {
  auto program = ir::Program::create();
  absl::StatusOr<CompileResult> result =
      compile(source("def f(x):\n  return torch.nope(x) + torch.nada(x)\n"), program);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(std::string(result.status().message()),
            "2 operators are not known:\n"
            "model.py:2:10: error: there is no operator 'nope', called in 'f'\n"
            "    return torch.nope(x) + torch.nada(x)\n"
            "           ^^^^^^^^^^^^^\n"
            "model.py:2:26: error: there is no operator 'nada', called in 'f'\n"
            "    return torch.nope(x) + torch.nada(x)\n"
            "                           ^^^^^^^^^^^^^\n");
}

struct Wrong {
  const char* text;
  const char* message;
};

class EmitterErrors : public ::testing::TestWithParam<Wrong> {};

TEST_P(EmitterErrors, TellPlaceAndReason) { EXPECT_THAT(message_of(GetParam().text), HasSubstr(GetParam().message)); }

INSTANTIATE_TEST_SUITE_P(
    All, EmitterErrors,
    ::testing::Values(
        Wrong{"def f(x):\n  return y\n", "model.py:2:10: error: 'y' is not defined"},
        Wrong{"def f(x: int) -> str:\n  return x\n", "model.py:2:10: error: 'f' returns 'str', got 'int'"},
        Wrong{"def f(n: int):\n  if n > 1:\n    y = 2\n  return y\n",
              "model.py:4:10: error: 'y' is not defined on every path: it is missing where the condition is false"},
        Wrong{"def f(n: int):\n  for i in range(n):\n    y = i\n  return y\n",
              "model.py:4:10: error: 'y' is defined only inside of the loop"},
        Wrong{"def f(n: int) -> int:\n  for i in range(n):\n    return i\n",
              "'f' returns 'int', but not on every path"},
        Wrong{"def f(n: int):\n  x = 1\n  for i in range(n):\n    x = 'a'\n  return x\n",
              "variable 'x' has type 'int' before this block and cannot be assigned a value of type 'str' in it"},
        Wrong{"def f():\n  break\n", "model.py:2:3: error: 'break' outside of a loop"},
        Wrong{"def f(x: Tensor):\n  return x.foo\n", "a value of type 'Tensor' has no attribute or method 'foo'"},
        Wrong{"def f(x: Union[str, int, float, complex]):\n  return x.foo\n",
              "a value of type 'Union[float, complex, int, str]' has no attribute or method 'foo'"},
        Wrong{"def f(x: Foo):\n  return x\n", "model.py:1:10: error: unknown type 'Foo'"},
        Wrong{"def f(x: List):\n  return x\n", "'List' needs its argument types"},
        Wrong{"def f(x: Dict[List[int], int]):\n  return x\n",
              "'Dict' takes int, bool, float, complex, str, Tensor or device as key"},
        Wrong{"def f(x: RRef[int]):\n  return x\n", "'RRef' needs torch.distributed.rpc"},
        Wrong{"def f(n: int):\n  return g(n, 1)\ndef g(n: int):\n  return n\n", "'g' takes 1 argument, got 2"},
        Wrong{"def f(n: int):\n  return g(1, 2, 3)\ndef g(self: int, n: int):\n  return n\n",
              "'g' takes 2 arguments, got 3"},
        Wrong{"def f(n: int):\n  return g()\ndef g(n: int):\n  return n\n", "'g' misses argument 'n'"},
        Wrong{"def f(n: int):\n  return g(n, m=1)\ndef g(n: int):\n  return n\n", "'g' has no argument 'm'"},
        Wrong{"def f(n: int):\n  return f(n)\n", "annotate its result"},
        Wrong{"def f(n: int):\n  a, b = (1, 2, 3)\n", "cannot unpack 3 values into 2 targets"},
        Wrong{"def f(t: Tuple[int, int]):\n  return t[2]\n", "index 2 is outside of a tuple of 2"},
        Wrong{"def f(x: Tensor, b: bool):\n  x[..., b] = 1\n",
              "model.py:2:10: error: a bool behind '...' in an index is not part of the language"},
        Wrong{"def f(n: int):\n  return {1, n}\n", "sets are not part of the language"},
        Wrong{"def f(n: int):\n  return {[n]: n}\n", "a dict's keys cannot have type 'List[int]'"},
        Wrong{"def f(n: int):\n  return {[i]: i for i in range(n)}\n", "a dict's keys cannot have type 'List[int]'"},
        Wrong{"def f(x: Union[int, Any]) -> int:\n  return x\n", "'f' returns 'int', got 'Any'"},
        Wrong{"class A:\n  def __init__(self):\n    pass\n  def g(self, n: int):\n    return n\n"
              "def f(a: A):\n  return a.g(1, 2)\n",
              "'g' takes 1 argument, got 2"},
        Wrong{"def f(x: Tensor):\n  def g(n: int) -> str:\n    return n\n  return g(1)\n",
              "'g' returns 'str', got 'int'"},
        Wrong{"def f(x: Tensor):\n  def g(a: int, b: int):\n    return a\n  return torch.jit.fork(g, b=1, a=2)\n",
              "model.py:4:28: error: a nested function takes no keyword arguments"},
        Wrong{"def g(a: int = 'x') -> int:\n  return a\n",
              "model.py:1:16: error: 'a' has type 'int', its default has type 'str'"},
        Wrong{"def g(l: List[int] = None) -> int:\n  return 1\n",
              "model.py:1:22: error: 'l' has type 'List[int]', its default has type 'NoneType'"},
        Wrong{"class P(NamedTuple):\n  x: int = 1.5\n",
              "model.py:2:12: error: 'x' has type 'int', its default has type 'float'"},
        Wrong{"class E(Enum):\n  A = 1\n  A = 2\n", "model.py:3:3: error: enum member 'A' is defined twice"},
        Wrong{"class A:\n  x: int\ndef A():\n  return 1\n", "model.py:3:1: error: 'A' is defined twice"},
        Wrong{"class A:\n  if True:\n    x = 1\n",
              "model.py:2:3: error: a class body holds attributes and methods only"},
        Wrong{"class A:\n  print(1)\n", "model.py:2:3: error: a class body holds attributes and methods only"},
        Wrong{"class A:\n  class B:\n    x: int\n",
              "model.py:2:3: error: a class body holds attributes and methods only"},
        Wrong{"class A:\n  x = y = 1\n", "model.py:2:3: error: a class body holds attributes and methods only"},
        Wrong{"class A:\n  a = 1\n  a = 2\n", "model.py:3:3: error: attribute 'a' is defined twice"},
        Wrong{"class A:\n  a: int\n  a = 2\n", "model.py:3:3: error: attribute 'a' is defined twice"},
        Wrong{"class A:\n  @staticmethod\n  def g():\n    return 1\n  @staticmethod\n  def g():\n    return 2\n",
              "model.py:6:7: error: method 'g' of 'A' is defined twice"},
        Wrong{"class P(NamedTuple):\n  a: int\n  a: int\n", "model.py:3:3: error: field 'a' is defined twice"},
        Wrong{"def f(a: int, /, b: int, /):\n  return a\n", "model.py:1:26: error: expected a parameter, found '/'"},
        Wrong{"def f(n: int):\n  g = math.floor\n  for i in range(n):\n    g = math.ceil\n  return g(1.5)\n",
              "'g' is the operator 'aten::floor' before this loop and cannot become something else in it"},
        Wrong{"def f(c: bool):\n  g = range(2)\n  while c:\n    g = range(5)\n    c = False\n  return len(g)\n",
              "'g' is a range before this loop and cannot become something else in it"},
        Wrong{"def f(c: bool):\n  if c:\n    g = range(2)\n  else:\n    g = range(5)\n  return len(g)\n",
              "'g' is not the same on every path to here"},
        Wrong{"def f(c: bool):\n  if c:\n    g = int\n  else:\n    g = float\n  return g(2)\n",
              "'g' is not the same on every path to here"},
        Wrong{"def g():\n  return 1\ndef f():\n  for c in g:\n    print(c)\n", "a value of type 'function g'"},
        Wrong{"def f(*xs):\n  return 1\n", "takes any number of arguments"},
        Wrong{"def f(d: Dict[Any, int] = {None: 1}):\n  return d\n",
              "model.py:1:28: error: a dict's keys cannot have type 'NoneType'"},
        Wrong{"class A:\n  d = {(1, 2): 3}\n", "model.py:2:8: error: a dict's keys cannot have type 'Tuple[int, int]'"},
        Wrong{"class A:\n  def __init__(self):\n    self.x = 1\n  def g(self):\n    self.y = 1\n",
              "'A' has no attribute 'y'"},
        Wrong{"def f(x: Optional[List[int]]):\n  if x:\n    return 1\n  return 2\n",
              "a value of type 'Optional[List[int]]' is neither true nor false"},
        Wrong{"def f(x: Tuple[int, int]):\n  return not x\n",
              "a value of type 'Tuple[int, int]' is neither true nor false"},
        Wrong{"def f(x: complex):\n  return not x\n", "a value of type 'complex' is neither true nor false"}));

TEST(Compile, CapturedNamesAreRefined) {
  EXPECT_EQ(message_of("def f(o: Optional[int], n: int) -> int:\n  def g(s: int) -> int:\n    if o is not None:\n"
                       "      s += o\n    return s\n  return torch.jit.wait(torch.jit.fork(g, n)) + g(n)\n"),
            "compiled");
}

TEST(Compile, ANameThatTheProgramHasIsRefused) {
  auto program = ir::Program::create();
  ASSERT_TRUE(compile(source("def f(x):\n  return x\n"), program).ok());
  EXPECT_EQ(compile(source("def f(x):\n  return x\n"), program).status().message(), "'f' is defined already");
}

TEST(Compile, MethodsJoinAClassThatExists) {
  auto program = ir::Program::create();
  c10::ClassTypePtr type = program->create_class(c10::QualifiedName("__torch__.M"), true);
  type->addAttribute("weight", c10::TensorType::get(), true);
  ASSERT_TRUE(compile_methods(source("def forward(self, x):\n  return self.scaled(x, 2)\ndef scaled(self, x, n: "
                                     "int):\n  return x * n + self.weight\n"),
                              type, program)
                  .ok());
  EXPECT_EQ(ir::Function::from(type->findMethod("forward"))->schema().returns()[0].type()->annotation_str(), "Tensor");
}

TEST(EmitterLimits, NestedBlocksAreBounded) {
  std::string text = "def f(n: int):\n";
  std::string indent = " ";
  for (int i = 0; i < 3000; ++i) absl::StrAppend(&text, indent, "if n == ", i, ":\n", indent, " return ", i, "\n");
  absl::StrAppend(&text, " return -1\n");
  auto program = ir::Program::create();
  EXPECT_EQ(compile(source(text), program).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(EmitterLimits, NodesAreBounded) {
  CompileOptions options;
  options.limits.ir_nodes = 100;
  std::string text = "def f(n: int):\n";
  for (int i = 0; i < 200; ++i) text += " n = n + 1\n";
  auto program = ir::Program::create();
  EXPECT_EQ(compile(source(text), program, options).status().code(), absl::StatusCode::kResourceExhausted);
}

// Statements double a tuple without many nodes.
TEST(EmitterLimits, TuplesThatDoubleAreBounded) {
  CompileOptions options;
  options.limits.ir_nodes = 10'000;
  for (const char* twice : {" t = t + t\n", " t = (*t, *t)\n", " a, *t = (t, *t, *t)\n"}) {
    std::string text = "def f(n: int):\n t = (n, n)\n";
    for (int i = 0; i < 40; ++i) text += twice;
    EXPECT_THAT(std::string(compile(source(text), ir::Program::create(), options).status().message()),
                HasSubstr("'f' needs more than the limit of 10000 nodes"))
        << twice;
  }
}

// So do definitions and statements a type.
TEST(EmitterLimits, TypesThatDoubleAreBounded) {
  std::string tuples = "class T0(NamedTuple):\n a: int\n";
  std::string interfaces;
  std::string unions = "def f(t0: int, c: bool):\n";
  std::string results = "def f0():\n return 1\n";
  for (int i = 1; i < 40; ++i) {
    absl::StrAppend(&tuples, "class T", i, "(NamedTuple):\n a: T", i - 1, "\n b: T", i - 1, "\n");
    absl::StrAppend(&interfaces, "@torch.jit.interface\nclass I", i, ":\n def f(self, a: I", i + 1, ", b: I", i + 1,
                    ") -> I", i + 1, ":\n  pass\n");
    absl::StrAppend(&unions, " t", i, " = [t", i - 1, "] if c else {'a': t", i - 1, "}\n");
    absl::StrAppend(&results, "def f", i, "():\n return (f", i - 1, "(), f", i - 1, "())\n");
  }
  absl::StrAppend(&interfaces,
                  "@torch.jit.interface\nclass I40:\n def f(self) -> int:\n  pass\n"
                  "def f(a: I1):\n return a\n");
  for (const std::string& text : {tuples, interfaces, unions, results})
    EXPECT_THAT(message_of(text), HasSubstr("this type has more than 10000 parts")) << text.substr(0, 100);
}

TEST(EmitterLimits, SubgraphsCountAsNodes) {
  CompileOptions options;
  options.limits.ir_nodes = 10'000;
  std::string text = "def f(a: int):\n def g0(): return a\n";
  for (int i = 1; i < 30; ++i) {
    const std::string call = absl::StrCat("torch.jit.wait(torch.jit.fork(g", i - 1, "))");
    absl::StrAppend(&text, " def g", i, "(): return ", call, " + ", call, "\n");
  }
  text += " return g29()\n";
  EXPECT_THAT(std::string(compile(source(text), ir::Program::create(), options).status().message()),
              HasSubstr("'f' needs more than the limit of 10000 nodes"));
}

TEST(EmitterLimits, UnrolledLoopsThatMayBreakAreBounded) {
  std::string text = "def f(n: int):\n for i in (";
  for (int i = 0; i < 5000; ++i) text += "1, ";
  text += "):\n  if n == i:\n   break\n  n += 1\n return n\n";
  EXPECT_THAT(message_of(text), HasSubstr("blocks nest deeper than the limit of 400"));
}

// What an expression calls is compiled, or taken in, in the middle of it: the depths of both count together.
TEST(EmitterLimits, DeepExpressionsThatCallOneAnotherAreBounded) {
  const auto deep = [](const std::string& inner) {
    std::string text;
    for (int i = 0; i < 60; ++i) text += i % 2 == 0 ? "(1 if not " : "torch.jit.annotate(int, ";
    text += inner;
    for (int i = 60; i-- > 0;) text += i % 2 == 0 ? " else 0)" : ")";
    return text;
  };
  const std::string refusal = "functions called in them nest deeper than the limit of 600";
  EXPECT_THAT(message_of("def f():\n def g():\n  return " + deep("g()") + "\n return g()\n"), HasSubstr(refusal));
  EXPECT_THAT(message_of("def f():\n def g():\n  return " + deep("torch.jit.wait(torch.jit.fork(g))") +
                         "\n return torch.jit.wait(torch.jit.fork(g))\n"),
              HasSubstr(refusal));
  std::string functions, classes;
  for (int i = 0; i < 190; ++i) {
    absl::StrAppend(&functions, "def f", i, "():\n return ", deep(absl::StrCat("f", i + 1, "()")), "\n");
    absl::StrAppend(&classes, "class C", i,
                    ":\n def __init__(self):\n  self.x = ", deep(absl::StrCat("C", i + 1, "().x")), "\n");
  }
  EXPECT_THAT(message_of(functions + "def f190():\n return 1\n"), HasSubstr(refusal));
  EXPECT_THAT(message_of(classes + "class C190:\n def __init__(self):\n  self.x = 1\ndef f():\n return C0().x\n"),
              HasSubstr(refusal));
  // What is declared needs nobody to compile it first.
  std::string declared;
  for (int i = 0; i < 190; ++i)
    absl::StrAppend(&declared, "def f", i, "() -> int:\n return ", deep(absl::StrCat("f", i + 1, "()")), "\n");
  EXPECT_EQ(message_of(declared + "def f190() -> int:\n return 1\n"), "compiled");
}

TEST(EmitterLimits, BranchesThatAreNeverTakenNeedNoDepth) {
  std::string text = "def f(n: int):\n if False:\n  return 1\n";
  for (int i = 0; i < 50'000; ++i) text += " elif False:\n  return 1\n";
  EXPECT_EQ(message_of(text + " return n\n"), "compiled");
}

// A scan of the dispatcher takes a millisecond, and names without overloads there came to one each time.
TEST(EmitterLimits, OperatorsThatOnlyHaveASourceAreFoundQuickly) {
  std::string text = "def f(x: Tensor):\n return x";
  for (int i = 0; i < 3000; ++i) text += ".long()";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(message_of(text + "\n"), "compiled");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(EmitterLimits, LongChainsNeedNoDepth) {
  std::string text = "def f(n: int) -> int:\n return n";
  for (int i = 0; i < 10000; ++i) text += " + 1";
  text += "\n";
  auto program = ir::Program::create();
  EXPECT_TRUE(compile(source(text), program).ok());
}

}  // namespace
}  // namespace vesta::frontend
