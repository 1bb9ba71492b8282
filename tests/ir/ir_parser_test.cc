#include "ir/ir_parser.h"

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/class_type.h>
#include <ATen/core/enum_type.h>
#include <ATen/ops/empty.h>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ir/printer.h"
#include "ir/program.h"
#include "ir/verifier.h"

namespace vesta::ir {
namespace {

constexpr std::string_view kAdd = R"(graph(%x : Tensor,
      %n : int):
  %2 : int = prim::Constant[value=1]()
  %y.1 : Tensor = aten::add(%x, %n, %2)
  %10 : Tensor = aten::relu(%y.1)
  return (%10)
)";

constexpr std::string_view kLoop = R"(graph(%x : Tensor,
      %n : int):
  %true : bool = prim::Constant[value=True]()
  %zero : int = prim::Constant[value=0]()
  %out : Tensor, %last : int = prim::Loop(%n, %true, %x, %zero)
    block0(%i : int, %carried : Tensor, %count : int):
      %cond : bool = aten::gt(%i, %zero)
      %6 : Tensor = prim::If(%cond)
        block0():
          %7 : Tensor = aten::mul(%carried, %i)
          -> (%7)
        block1():
          -> (%carried)
      %8 : int = aten::add(%count, %i)
      -> (%true, %6, %8)
  %9 : (Tensor, int) = prim::TupleConstruct(%out, %last)
  return (%9)
)";

constexpr std::string_view kForks = R"(graph(%x : Tensor):
  %f : Future[Tensor] = prim::fork_0(%x)
  %g : Future[Tensor] = prim::fork_1(%x)
  %a : Tensor = aten::wait(%f)
  %b : Tensor = aten::wait(%g)
  %4 : Tensor[] = prim::ListConstruct(%a, %b)
  return (%4)
with prim::fork_0 = graph(%y : Tensor):
  %h : Future[Tensor] = prim::fork_2(%y)
  %1 : Tensor = aten::wait(%h)
  return (%1)
with prim::fork_1 = graph(%z : Tensor):
  %1 : Tensor = aten::neg(%z)
  return (%1)
with prim::fork_2 = graph(%w : Tensor):
  return (%w)
)";

constexpr std::string_view kConstants = R"(graph():
  %0 : NoneType = prim::Constant()
  %1 : int = prim::Constant[value=-9223372036854775808]()
  %2 : float = prim::Constant[value=0.1]()
  %3 : float = prim::Constant[value=-inf]()
  %4 : float = prim::Constant[value=nan]()
  %5 : float = prim::Constant[value=1e+300]()
  %6 : float = prim::Constant[value=3.]()
  %7 : bool = prim::Constant[value=False]()
  %8 : str = prim::Constant[value="a\"\\\n\t\x01\xc3\xa9%3 # with"]()
  %9 : complex = prim::Constant[value=(1.5, -2.j)]()
  %10 : Device = prim::Constant[value="cuda:1"]()
  %11 : int[] = prim::Constant[value=[1, -2, 3]]()
  %12 : float[] = prim::Constant[value=[]]()
  %13 : str[][] = prim::Constant[value=[["a"], []]]()
  %14 : (int, str, float?) = prim::Constant[value=(1, "x", None)]()
  %15 : Dict(str, int[]) = prim::Constant[value={"a": [1], "b": []}]()
  %16 : Scalar = prim::Constant[value=2.5]()
  %17 : int? = prim::Constant[value=4]()
  %18 : Tensor? = prim::Constant()
  %19 : Union(int, str) = prim::Constant[value="u"]()
  return ()
)";

constexpr std::string_view kAttributes = R"(graph(%x : Any,
      %t : (int, str, int)):
  %2 : bool = prim::isinstance[types=[int, Tensor?, Dict(str, int)]](%x)
  %3 : (int, str) = prim::TupleSlice[beg=0, end=2](%t)
  %4 : int = prim::unchecked_cast[note="n", scale=0.5, dims=[1, 2], names=["a", "b"], none=[], to=int[]](%x)
  return (%2, %3, %4)
)";

constexpr std::string_view kShapes = R"(graph(%x : Float(2, 3, strides=[3, 1], requires_grad=0, device=cpu),
      %y : Double(*, 4),
      %z : Long()):
  %3 : FloatTensor = aten::relu(%x)
   = prim::RaiseException(%4)
  return (%3)
)";

IrParseOptions plain() {
  IrParseOptions options;
  options.make_tensor = [](c10::ScalarType type, const std::vector<int64_t>& sizes) {
    return at::empty(sizes, at::TensorOptions().dtype(type));
  };
  return options;
}

std::string printed_again(std::string_view text, const IrParseOptions& options = plain()) {
  const auto graph = parse_graph(text, options);
  return graph.ok() ? print(**graph) : std::string(graph.status().message());
}

TEST(IrParser, PrintedTextReadsBackAsItself) {
  for (const std::string_view text : {kAdd, kLoop, kForks, kConstants, kAttributes}) {
    EXPECT_EQ(printed_again(text), text);
  }
}

TEST(IrParser, ParsedGraphsObeyTheLaws) {
  for (const std::string_view text : {kAdd, kLoop, kForks, kConstants}) {
    const auto graph = parse_graph(text, plain());
    ASSERT_TRUE(graph.ok()) << graph.status();
    EXPECT_TRUE(verify(**graph).ok()) << verify(**graph);
  }
}

TEST(IrParser, NumbersOfValuesStayUnique) {
  const auto graph = parse_graph(kAdd, plain());
  ASSERT_TRUE(graph.ok()) << graph.status();
  std::vector<size_t> ids;
  for (const Value* input : (*graph)->inputs()) ids.push_back(input->id());
  for (const Node* node : (*graph)->nodes()) ids.push_back(node->output()->id());
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(std::unique(ids.begin(), ids.end()), ids.end());
  Value* fresh = (*graph)->insert_constant(c10::IValue(7));
  EXPECT_GT(fresh->id(), ids.back());
}

TEST(IrParser, BlanksAndCommentsMeanNothing) {
  EXPECT_EQ(printed_again("# a graph\ngraph(%x : Tensor):  # of one\n%1 : Tensor = aten::relu( %x ) # model.py:1:2\n\n"
                          "return(%1) # end"),
            "graph(%x : Tensor):\n  %1 : Tensor = aten::relu(%x)\n  return (%1)\n");
}

TEST(IrParser, OverloadsFollowTheTypes) {
  const auto overload = [](std::string_view types, std::string_view call, std::string_view result) {
    const auto graph = parse_graph(absl::StrCat("graph(", std::string(types), "):\n  %r : ", std::string(result), " = ",
                                                std::string(call), "\n  return (%r)\n"));
    if (!graph.ok()) return std::string(graph.status().message());
    const Operator* op = (*graph)->block()->first()->op();
    return op->schema.name() + "." + op->schema.overload_name();
  };
  EXPECT_EQ(overload("%a : Tensor, %b : Tensor, %c : int", "aten::add(%a, %b, %c)", "Tensor"), "aten::add.Tensor");
  EXPECT_EQ(overload("%a : Tensor, %b : float, %c : int", "aten::add(%a, %b, %c)", "Tensor"), "aten::add.Scalar");
  EXPECT_EQ(overload("%a : int, %b : int", "aten::add(%a, %b)", "int"), "aten::add.int");
  EXPECT_EQ(overload("%a : str, %b : str", "aten::add(%a, %b)", "str"), "aten::add.str");
  EXPECT_EQ(overload("%a : int[], %b : int[]", "aten::add(%a, %b)", "int[]"), "aten::add.t");
  EXPECT_EQ(overload("%a : Tensor[], %b : int", "aten::__getitem__(%a, %b)", "Tensor"), "aten::__getitem__.t");
  EXPECT_EQ(overload("%a : Dict(str, int), %b : str", "aten::__getitem__(%a, %b)", "int"),
            "aten::__getitem__.Dict_str");
  EXPECT_EQ(overload("%a : str, %b : int, %c : Tensor", "aten::format(%a, %b, %c)", "str"), "aten::format.");
}

TEST(IrParser, WithoutACatalogAnyNameIsAnOperator) {
  IrParseOptions options = plain();
  options.catalog = nullptr;
  const std::string_view text = "graph(%x : Tensor):\n  %1 : Tensor = my::op(%x, %x)\n  return (%1)\n";
  EXPECT_EQ(printed_again(text, options), text);
  EXPECT_EQ((*parse_graph(text, options))->block()->first()->op(), nullptr);
}

TEST(IrParser, TensorTypesKeepTheirFacts) {
  IrParseOptions options = plain();
  std::string text(kShapes);
  text.replace(text.find("%4"), 2, "%3");
  options.catalog = nullptr;
  EXPECT_EQ(printed_again(text, options), text);
}

TEST(IrParser, TensorConstantsComeFromTheCaller) {
  const std::string_view text =
      "graph():\n  %0 : Tensor = prim::Constant[value=<Tensor Float[2, 3]>]()\n  return (%0)\n";
  EXPECT_EQ(printed_again(text), text);
  EXPECT_NE(printed_again(text, {}).find("a tensor's values are not part of a graph's text"), std::string::npos);
}

TEST(IrParser, TypesAndFunctionsComeFromTheProgram) {
  const auto program = Program::create();
  program->create_class(c10::QualifiedName("__torch__.C"), false);
  program->add_type(c10::EnumType::create(c10::QualifiedName("__torch__.Color"), c10::IntType::get(),
                                          {{"RED", c10::IValue(1)}}, program->compilation_unit()));
  program->create_function(c10::QualifiedName("__torch__.f"), c10::FunctionSchema("f", "", {}, {}));
  IrParseOptions options = plain();
  options.program = program.get();
  const std::string_view text = R"(graph(%c : __torch__.C):
  %1 : Enum<__torch__.Color> = prim::Constant[value=__torch__.Color.RED]()
  %2 : Function = prim::Constant[name="__torch__.f"]()
  %3 : int = prim::CallFunction(%2)
  return (%3)
)";
  EXPECT_EQ(printed_again(text, options), text);
  const auto graph = parse_graph(text, options);
  ASSERT_TRUE(graph.ok());
  const Value* function = (*graph)->block()->first()->next()->output();
  EXPECT_EQ(function->type()->expectRef<c10::FunctionType>().function(), program->find_function("__torch__.f"));
  EXPECT_NE(printed_again(text).find("this is no known type"), std::string::npos);
}

// c10's own text has a comma too many or none where all kinds of numbers are members.
TEST(IrParser, UnionsOfAllNumbersReadBackAsThemselves) {
  for (const std::string text :
       {"Union(int, str, float, complex)", "Union(str, float, complex, int)[]",
        "Dict(str, Union(int, float, t, complex)?)", "(int, Union(int, float, complex, str))"}) {
    const std::string once = printed_again("graph(%x : " + text + "):\n  return (%x)\n");
    EXPECT_NE(once.find("graph(%x : "), std::string::npos) << once;
    EXPECT_EQ(printed_again(once), once);
  }
}

TEST(IrParser, NodesKnowTheirPlaceInTheText) {
  const auto graph = parse_graph(kAdd, plain());
  ASSERT_TRUE(graph.ok());
  EXPECT_EQ((*graph)->block()->last()->range().short_description(), "graph.ir:5:3");
  EXPECT_EQ((*graph)->block()->last()->range().text(), "%10 : Tensor = aten::relu(%y.1)");
}

TEST(IrParser, ErrorsPointIntoTheText) {
  EXPECT_EQ(
      printed_again("graph(%x : Tensor):\n  %1 : Tensor = aten::relu(%y)\n  return (%1)\n"),
      "graph.ir:2:28: error: '%y' is not defined\n    %1 : Tensor = aten::relu(%y)\n                             ^^\n");
  const auto refuses = [](std::string_view text, std::string_view message) {
    const std::string result = printed_again(text);
    EXPECT_NE(result.find(message), std::string::npos) << text << "\n" << result;
  };
  refuses("", "expected 'graph', found the end of the text");
  refuses("graph(%x : Tensor, %x : int):\n return ()", "'%x' is defined twice");
  refuses("graph(%x : Foo):\n return ()", "this is no known type");
  refuses("graph(%x : Tensor):\n %1 : Tensor = aten::nope(%x)\n return ()", "unknown operator 'aten::nope'");
  refuses("graph(%x : str):\n %1 : Tensor = aten::relu(%x)\n return ()", "no overload of 'aten::relu' takes (str)");
  refuses("graph(%x : Tensor):\n %1 : Tensor = relu(%x)\n return ()", "expected the name of an operator");
  refuses("graph():\n %1 : int = prim::Constant[value=1.5]()\n return ()",
          "this constant is of type 'float', expected 'int'");
  refuses("graph():\n %1 : int[] = prim::Constant[value=[\"a\"]]()\n return ()", "expected 'int'");
  refuses("graph():\n %1 : Device = prim::Constant[value=\"moon\"]()\n return ()", "not a device");
  refuses("graph():\n %1 : str = prim::Constant[value=\"abc\n return ()", "not closed");
  refuses("graph():\n %1.5 : int = prim::Constant[value=1]()\n return ()", "is no name of a value");
  refuses("graph():\n %01 : int = prim::Constant[value=1]()\n return ()", "is no number of a value");
  refuses("graph():\n %99999999999 : int = prim::Constant[value=1]()\n return ()", "is no number of a value");
  refuses("graph():\n return () x", "expected the end of the graph");
  refuses("graph():\n return ()\nwith prim::fork_0 = graph():\n return ()",
          "no node before here is called 'prim::fork_0'");
  refuses(
      "graph(%c : bool):\n  = prim::If(%c)\n  block0():\n   %1 : int = prim::Constant[value=1]()\n   -> ()\n"
      "  block1():\n   -> (%1)\n return ()",
      "it belongs to another block");
  refuses("graph():\n  = prim::If[a=1, a=2]()\n return ()", "one attribute 'a' only");
}

TEST(IrParser, AKeyThatCannotBeHashedIsRefused) {
  EXPECT_EQ(printed_again("graph():\n  %0 : Dict(Any, int) = prim::Constant[value={None: 2}]()\n  return (%0)\n"),
            "graph.ir:2:47: error: this constant cannot be a dict's key\n"
            "    %0 : Dict(Any, int) = prim::Constant[value={None: 2}]()\n"
            "                                                ^^^^\n");
}

TEST(IrParser, TheNamespaceOfANodeWithAGraphMayHaveUnderscores) {
  IrParseOptions options = plain();
  options.catalog = nullptr;
  EXPECT_EQ(printed_again("graph():\n   = a_b::c()\n  return ()\nwith a_b::c = graph():\n  return ()\n", options),
            "graph():\n   = a_b::c_0()\n  return ()\nwith a_b::c_0 = graph():\n  return ()\n");
}

TEST(IrParser, LimitsHold) {
  IrParseOptions options = plain();
  options.limits.ir_nodes = 2;
  EXPECT_EQ(parse_graph(kAdd, options).status().code(), absl::StatusCode::kResourceExhausted);
  std::string text = "graph():\n";
  for (int i = 0; i < 100000; ++i) text += "= prim::Loop() block0():\n";
  EXPECT_EQ(parse_graph(text, plain()).status().code(), absl::StatusCode::kResourceExhausted);
  std::string lists(100000, '[');
  EXPECT_FALSE(parse_graph("graph():\n %1 : int[] = prim::Constant[value=" + lists, plain()).ok());
  EXPECT_FALSE(parse_graph("graph():\n  = prim::If[a=" + lists, plain()).ok());
}

TEST(IrParser, MutatedTextNeverCrashes) {
  constexpr std::string_view kSeeds[] = {kAdd, kLoop, kForks, kConstants, kAttributes, kShapes};
  constexpr std::string_view kPieces[] = {"%",
                                          "(",
                                          ")",
                                          "[",
                                          "]",
                                          ":",
                                          "=",
                                          "->",
                                          "block0",
                                          "return",
                                          "with ",
                                          "\"",
                                          "\\",
                                          "prim::fork_0",
                                          "graph(",
                                          "Tensor",
                                          "?",
                                          "None",
                                          "0",
                                          "9999999999",
                                          "\n",
                                          "{",
                                          "<Tensor Float[2]>",
                                          "aten::add",
                                          "nan",
                                          "#"};
  std::mt19937 random(7);
  size_t accepted = 0;
  for (int round = 0; round < 6000; ++round) {
    std::string text(kSeeds[random() % std::size(kSeeds)]);
    const int changes = 1 + static_cast<int>(random() % 3);
    for (int i = 0; i < changes && !text.empty(); ++i) {
      const size_t at = random() % text.size();
      switch (random() % 4) {
        case 0:
          text.erase(at, 1 + random() % 6);
          break;
        case 1:
          text.insert(at, kPieces[random() % std::size(kPieces)]);
          break;
        case 2:
          text[at] = static_cast<char>(32 + random() % 95);
          break;
        default:
          text.insert(at, text.substr(random() % text.size(), random() % 24));
          break;
      }
    }
    IrParseOptions options = plain();
    // A name that is not found makes the catalog look at the dispatcher again, which takes a while.
    if (round % 16 != 0) options.catalog = nullptr;
    const auto graph = parse_graph(text, options);
    if (!graph.ok()) continue;
    ++accepted;
    const std::string once = print(**graph);
    EXPECT_EQ(printed_again(once, options), once) << text;
  }
  EXPECT_GT(accepted, 100u);
}

}  // namespace
}  // namespace vesta::ir
