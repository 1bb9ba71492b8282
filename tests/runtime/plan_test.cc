// Plans beside plain execution: each kind of node, at the edges of its sizes.

#include <atomic>
#include <cmath>
#include <set>
#include <string>
#include <thread>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "runtime/plan/builder.h"
#include "runtime/plan/panel_kernels.h"
#include "tests/runtime/planned.h"

namespace vesta::runtime {
namespace {

using testing::expect_planned;

class PlanTest : public ::testing::Test {
 protected:
  void SetUp() override { at::manual_seed(7); }
  void TearDown() override { at::set_num_threads(threads_); }
  int threads_ = at::get_num_threads();
};

constexpr std::string_view kBlock = R"(
graph(%x : Tensor, %w1 : Tensor, %b1 : Tensor, %g : Tensor, %h : Tensor, %m : Tensor, %v : Tensor, %w2 : Tensor):
  %none : NoneType = prim::Constant()
  %false : bool = prim::Constant[value=False]()
  %one : int = prim::Constant[value=1]()
  %eps : float = prim::Constant[value=0.00001]()
  %mom : float = prim::Constant[value=0.1]()
  %ones : int[] = prim::Constant[value=[1, 1]]()
  %a : Tensor = aten::conv2d(%x, %w1, %b1, %ones, %ones, %ones, %one)
  %n : Tensor = aten::batch_norm(%a, %g, %h, %m, %v, %false, %mom, %eps, %false)
  %r : Tensor = aten::relu_(%n)
  %c : Tensor = aten::conv2d(%r, %w2, %none, %ones, %ones, %ones, %one)
  %s : Tensor = aten::add_(%c, %x, %one)
  %t : Tensor = aten::relu_(%s)
  return (%t)
)";

TEST_F(PlanTest, ResidualBlockWithBatchNormIsOneGroup) {
  for (int64_t channels : {16, 20, 3}) {
    for (int64_t size : {1, 7, 32}) {
      expect_planned(kBlock,
                     {{"w1", at::randn({channels, channels, 3, 3})},
                      {"b1", at::randn({channels})},
                      {"g", at::rand({channels}) + 0.5},
                      {"h", at::randn({channels})},
                      {"m", at::randn({channels})},
                      {"v", at::rand({channels}) + 0.5},
                      {"w2", at::randn({channels, channels, 3, 3})}},
                     {at::randn({2, channels, size, size})});
    }
  }
}

// On machines where oneDNN's are no better.
TEST_F(PlanTest, ConvolutionsOfOneTapAreProductsOfPixels) {
  const std::string text = absl::StrReplaceAll(
      std::string(kBlock), {{"%ones, %ones, %ones", "%ones, %zeros, %ones"},
                            {"  %a : Tensor", "  %zeros : int[] = prim::Constant[value=[0, 0]]()\n  %a : Tensor"}});
  for (int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    for (int64_t channels : {16, 20, 3}) {
      for (int64_t size : {1, 7, 32}) {
        const std::map<std::string, at::Tensor> held = {{"w1", at::randn({channels, channels, 1, 1})},
                                                        {"b1", at::randn({channels})},
                                                        {"g", at::rand({channels}) + 0.5},
                                                        {"h", at::randn({channels})},
                                                        {"m", at::randn({channels})},
                                                        {"v", at::rand({channels}) + 0.5},
                                                        {"w2", at::randn({channels, channels, 1, 1})}};
        const std::vector<at::Tensor> inputs = {at::randn({2, channels, size, size})};
        expect_planned(text, held, inputs);
        EXPECT_EQ(absl::StrContains(testing::steps_of(text, held, inputs), "panels of pixels"),
                  plan::panels_take_all());
      }
    }
  }
}

TEST_F(PlanTest, LinearLayersWithActivations) {
  constexpr std::string_view kText = R"(
graph(%x : Tensor, %w1 : Tensor, %b1 : Tensor, %w2 : Tensor):
  %none : NoneType = prim::Constant()
  %a : Tensor = aten::linear(%x, %w1, %b1)
  %r : Tensor = aten::relu(%a)
  %c : Tensor = aten::linear(%r, %w2, %none)
  return (%c)
)";
  const std::map<std::string, at::Tensor> weights = {
      {"w1", at::randn({33, 17})}, {"b1", at::randn({33})}, {"w2", at::randn({5, 33})}};
  expect_planned(kText, weights, {at::randn({1, 17})});
  expect_planned(kText, weights, {at::randn({17})});
  expect_planned(kText, weights, {at::randn({2, 3, 4, 17})});
}

// One operator on %x, with its further arguments.
std::string with(std::string_view nodes, std::string_view result = "%y") {
  return absl::StrCat(
      "graph(%x : Tensor, %w : Tensor, %b : Tensor):\n"
      "  %none : NoneType = prim::Constant()\n"
      "  %false : bool = prim::Constant[value=False]()\n"
      "  %true : bool = prim::Constant[value=True]()\n"
      "  %zero : int = prim::Constant[value=0]()\n"
      "  %one : int = prim::Constant[value=1]()\n"
      "  %two : int = prim::Constant[value=2]()\n"
      "  %last : int = prim::Constant[value=-1]()\n"
      "  %half : float = prim::Constant[value=0.5]()\n"
      "  %eps : float = prim::Constant[value=0.00001]()\n",
      absl::string_view(nodes.data(), nodes.size()), "  return (", absl::string_view(result.data(), result.size()),
      ")\n");
}

TEST_F(PlanTest, TheGroupingPassAndTheBuilderKnowTheSameOperators) {
  std::set<std::string> rows;
#define VESTA_PLANNED(name, role) rows.insert(name);
#include "passes/planned_ops.def"
#undef VESTA_PLANNED
  for (const std::string& name : rows) {
    EXPECT_TRUE(plan::has_plan_handler(c10::Symbol::fromQualString(name))) << name;
  }
  EXPECT_EQ(rows.size(), plan::plan_handlers());
}

TEST_F(PlanTest, Convolutions) {
  struct Case {
    const char* nodes;
    std::vector<int64_t> x, w;
    int64_t b;
  };
  const Case cases[] = {
      // grouped, depthwise, strided, dilated, one-dimensional, three-dimensional, even kernel with 'same'
      {"%s : int[] = prim::Constant[value=[2, 1]]()\n %p : int[] = prim::Constant[value=[1, 0]]()\n"
       "%d : int[] = prim::Constant[value=[1, 2]]()\n"
       "%y : Tensor = aten::conv2d(%x, %w, %b, %s, %p, %d, %two)\n",
       {2, 6, 9, 11},
       {8, 3, 3, 2},
       8},
      {"%s : int[] = prim::Constant[value=[2, 2]]()\n %p : int[] = prim::Constant[value=[1, 1]]()\n"
       "%g : int = prim::Constant[value=24]()\n"
       "%y : Tensor = aten::conv2d(%x, %w, %b, %s, %p, %p, %g)\n",
       {1, 24, 14, 14},
       {24, 1, 3, 3},
       24},
      {"%s : int[] = prim::Constant[value=[1]]()\n %p : int[] = prim::Constant[value=[2]]()\n"
       "%y : Tensor = aten::conv1d(%x, %w, %b, %s, %p, %s, %one)\n",
       {2, 5, 19},
       {7, 5, 5},
       7},
      {"%s : int[] = prim::Constant[value=[1, 1, 1]]()\n"
       "%y : Tensor = aten::conv3d(%x, %w, %b, %s, %s, %s, %one)\n",
       {1, 4, 5, 6, 7},
       {6, 4, 3, 3, 3},
       6},
      {"%s : int[] = prim::Constant[value=[1, 1]]()\n %p : str = prim::Constant[value=\"same\"]()\n"
       "%y : Tensor = aten::conv2d(%x, %w, %b, %s, %p, %s, %one)\n",
       {1, 3, 8, 8},
       {4, 3, 4, 2},
       4},
      {"%s : int[] = prim::Constant[value=[2, 2]]()\n %p : int[] = prim::Constant[value=[1, 1]]()\n"
       "%d : int[] = prim::Constant[value=[1, 1]]()\n"
       "%y : Tensor = aten::conv_transpose2d(%x, %w, %b, %s, %p, %p, %one, %d)\n",
       {2, 6, 7, 7},
       {6, 10, 3, 3},
       10},
      {"%s : int[] = prim::Constant[value=[2, 2]]()\n %p : int[] = prim::Constant[value=[0, 0]]()\n"
       "%d : int[] = prim::Constant[value=[1, 1]]()\n"
       "%y : Tensor = aten::conv_transpose2d(%x, %w, %b, %s, %p, %p, %two, %d)\n",
       {1, 6, 5, 5},
       {6, 4, 2, 2},
       8},
      {"%s : int[] = prim::Constant[value=[1, 1]]()\n %p : int[] = prim::Constant[value=[0, 0]]()\n"
       "%y : Tensor = aten::_convolution(%x, %w, %b, %s, %p, %s, %false, %p, %one, %false, %false, %true, %true)\n",
       {1, 32, 10, 10},
       {64, 32, 1, 1},
       64},
  };
  for (const Case& held : cases) {
    expect_planned(with(held.nodes), {{"w", at::randn(held.w)}, {"b", at::randn({held.b})}}, {at::randn(held.x)});
  }
}

TEST_F(PlanTest, Pooling) {
  const std::map<std::string, at::Tensor> none = {{"w", at::randn({1})}, {"b", at::randn({1})}};
  const char* const cases[] = {
      "%k : int[] = prim::Constant[value=[3, 3]]()\n %s : int[] = prim::Constant[value=[2, 2]]()\n"
      "%p : int[] = prim::Constant[value=[1, 1]]()\n%y : Tensor = aten::max_pool2d(%x, %k, %s, %p, %p, %false)\n",
      "%k : int[] = prim::Constant[value=[3, 2]]()\n %s : int[] = prim::Constant[value=[2, 2]]()\n"
      "%p : int[] = prim::Constant[value=[0, 0]]()\n%d : int[] = prim::Constant[value=[1, 1]]()\n"
      "%y : Tensor = aten::max_pool2d(%x, %k, %s, %p, %d, %true)\n",
      "%k : int[] = prim::Constant[value=[2, 2]]()\n %s : int[] = prim::Constant[value=annotate(List[int], [])]()\n"
      "%p : int[] = prim::Constant[value=[1, 1]]()\n%y : Tensor = aten::avg_pool2d(%x, %k, %k, %p, %false, %true, "
      "%none)\n",
      "%k : int[] = prim::Constant[value=[3, 3]]()\n %p : int[] = prim::Constant[value=[1, 1]]()\n"
      "%y : Tensor = aten::avg_pool2d(%x, %k, %k, %p, %true, %false, %none)\n",
      "%k : int[] = prim::Constant[value=[1, 1]]()\n %y : Tensor = aten::adaptive_avg_pool2d(%x, %k)\n",
      "%k : int[] = prim::Constant[value=[5, 2]]()\n %y : Tensor = aten::adaptive_avg_pool2d(%x, %k)\n",
  };
  for (std::string_view nodes : cases) {
    if (nodes.find("annotate") != std::string_view::npos) continue;
    for (int64_t channels : {3, 16, 21}) expect_planned(with(nodes), none, {at::randn({2, channels, 10, 12})});
  }
}

TEST_F(PlanTest, PointwiseOperators) {
  const std::map<std::string, at::Tensor> held = {{"w", at::randn({3, 1, 7})}, {"b", at::randn({7}).abs() + 0.1}};
  const char* const cases[] = {"relu(%x)",
                               "sigmoid(%x)",
                               "tanh(%x)",
                               "exp(%x)",
                               "neg(%x)",
                               "abs(%x)",
                               "silu(%x)",
                               "hardswish(%x)",
                               "hardsigmoid(%x)",
                               "square(%x)",
                               "reciprocal(%x)",
                               "floor(%x)",
                               "ceil(%x)",
                               "relu6(%x)",
                               "mul(%x, %w)",
                               "maximum(%x, %w)",
                               "minimum(%x, %w)",
                               "add(%x, %w, %two)",
                               "sub(%x, %w, %two)",
                               "rsub(%x, %half, %one)",
                               "div(%x, %b)",
                               "pow(%x, %two)",
                               "clamp(%x, %half, %none)",
                               "clamp(%x, %none, %half)",
                               "hardtanh(%x, %half, %two)",
                               "leaky_relu(%x, %half)",
                               "elu(%x, %one, %one, %one)",
                               "softplus(%x, %one, %twenty)",
                               "gelu(%x, %erf)",
                               "gelu(%x, %tanh)",
                               "clamp_max(%x, %half)",
                               "clamp_min(%x, %half)",
                               "add(%x, %half, %two)",
                               "mul(%x, %half)",
                               "sub(%x, %half, %one)"};
  std::vector<at::Tensor> inputs = {at::randn({4, 3, 5, 7}) * 4, at::randn({2, 3, 1, 7}), at::randn({3, 2, 7}),
                                    at::randn({7})};
  inputs[0].view({-1}).narrow(0, 0, 6).copy_(at::tensor({NAN, INFINITY, -INFINITY, 0.F, -0.F, 88.F}));
  for (std::string_view call : cases) {
    // Two of them: a group of one pointwise operator is not worth a plan.
    const std::string nodes = absl::StrCat(
        "%twenty : int = prim::Constant[value=20]()\n %erf : str = prim::Constant[value=\"none\"]()\n"
        "%tanh : str = prim::Constant[value=\"tanh\"]()\n %u : Tensor = aten::",
        absl::string_view(call.data(), call.size()), "\n %y : Tensor = aten::relu(%u)\n");
    for (const at::Tensor& input : inputs) {
      // Of infinity libtorch's gelu makes NaN.
      const bool finite = absl::StrContains(nodes, "%erf)");
      expect_planned(with(nodes, "%u, %y"), held, {finite ? input.clamp(-90, 90) : input});
    }
  }
  for (std::string_view call : {"log(%x)", "log1p(%x)", "sqrt(%x)", "rsqrt(%x)", "pow(%x, %half)", "pow(%x, %b)"}) {
    const std::string nodes = absl::StrCat("%u : Tensor = aten::", absl::string_view(call.data(), call.size()),
                                           "\n %y : Tensor = aten::relu(%u)\n");
    expect_planned(with(nodes, "%u, %y"), held, {at::randn({3, 9, 7}).abs()});
  }
}

TEST_F(PlanTest, PointwiseOperatorsOnOtherStrides) {
  const std::string nodes =
      "%u : Tensor = aten::transpose(%x, %one, %two)\n %v : Tensor = aten::mul(%u, %w)\n"
      "%y : Tensor = aten::add(%v, %u, %one)\n";
  for (int64_t size : {1, 3, 200}) {
    expect_planned(with(nodes), {{"w", at::randn({size})}, {"b", at::randn({1})}}, {at::randn({5, size, 4})});
  }
}

TEST_F(PlanTest, ConditionsChooseElements) {
  const std::string nodes =
      "%c : Tensor = aten::gt(%x, %half)\n %s : Tensor = aten::mul(%x, %half)\n"
      "%y : Tensor = aten::where(%c, %x, %s)\n";
  expect_planned(with(nodes), {{"w", at::randn({1})}, {"b", at::randn({1})}}, {at::randn({17, 33})});
}

TEST_F(PlanTest, NormsSoftmaxAndProducts) {
  const std::map<std::string, at::Tensor> held = {{"w", at::randn({24})}, {"b", at::randn({24})}};
  expect_planned(with("%n : int[] = prim::Constant[value=[24]]()\n"
                      "%y : Tensor = aten::layer_norm(%x, %n, %w, %b, %eps, %true)\n"),
                 held, {at::randn({2, 5, 24})});
  for (int64_t axis : {0, 1, 2}) {
    const std::string nodes =
        absl::StrCat("%a : int = prim::Constant[value=", axis, "]()\n", "%y : Tensor = aten::softmax(%x, %a, %none)\n");
    expect_planned(with(nodes), held, {at::randn({4, 9, 6})});
    expect_planned(with(absl::StrCat("%a : int = prim::Constant[value=", axis, "]()\n",
                                     "%y : Tensor = aten::log_softmax(%x, %a, %none)\n")),
                   held, {at::randn({4, 9, 6})});
  }
  expect_planned(with("%t : Tensor = aten::transpose(%x, %one, %two)\n %y : Tensor = aten::matmul(%x, %t)\n"), held,
                 {at::randn({3, 7, 5})});
  expect_planned(with("%t : Tensor = aten::transpose(%x, %one, %two)\n %y : Tensor = aten::bmm(%t, %x)\n"), held,
                 {at::randn({3, 7, 5})});
}

TEST_F(PlanTest, ListsAndViews) {
  const std::map<std::string, at::Tensor> held = {{"w", at::randn({8, 8, 1, 1})}, {"b", at::randn({8})}};
  // Concatenation of blocked and plain layouts.
  expect_planned(with("%s : int[] = prim::Constant[value=[1, 1]]()\n %p : int[] = prim::Constant[value=[0, 0]]()\n"
                      "%c : Tensor = aten::conv2d(%x, %w, %b, %s, %p, %s, %one)\n"
                      "%l : Tensor[] = prim::ListConstruct(%x, %c, %c)\n %y : Tensor = aten::cat(%l, %one)\n"),
                 held, {at::randn({2, 8, 6, 5})});
  expect_planned(with("%r : Tensor = aten::relu(%x)\n %parts : Tensor[] = aten::chunk(%r, %two, %one)\n"
                      "%u : Tensor, %v : Tensor = prim::ListUnpack(%parts)\n"
                      "%y : Tensor = aten::mul(%u, %v)\n"),
                 held, {at::randn({3, 8})});
  expect_planned(with("%r : Tensor = aten::relu(%x)\n %t : Tensor = aten::tanh(%r)\n"
                      "%l : Tensor[] = prim::ListConstruct(%r, %t)\n %y : Tensor = aten::stack(%l, %last)\n"),
                 held, {at::randn({3, 8})});
  // Views of what the group makes, and of what it is given, stay views.
  expect_planned(
      with("%r : Tensor = aten::relu(%x)\n %s : Tensor = aten::exp(%r)\n"
           "%t : Tensor = aten::transpose(%s, %zero, %one)\n %f : Tensor = aten::flatten(%t, %zero, %last)\n",
           "%s, %t, %f"),
      held, {at::randn({3, 8})});
}

TEST_F(PlanTest, ResultsAliasAsPlainExecutionHasIt) {
  const c10::NoGradGuard no_grad;
  const auto graph = testing::parse_frozen(
      with("%r : Tensor = aten::relu(%x)\n %s : Tensor = aten::exp(%r)\n"
           "%t : Tensor = aten::transpose(%s, %zero, %one)\n %u : Tensor = aten::transpose(%x, %zero, %one)\n",
           "%s, %t, %u"),
      {{"w", at::randn({1})}, {"b", at::randn({1})}});
  const at::Tensor input = at::randn({3, 8});
  const auto results = testing::run_graph(*testing::grouped(*graph), {input});
  EXPECT_TRUE(results[1].toTensor().is_alias_of(results[0].toTensor()));
  EXPECT_TRUE(results[2].toTensor().is_alias_of(input));
  EXPECT_FALSE(results[0].toTensor().is_alias_of(input));
}

// Columns of a filled tensor are written behind the group that made both; two filled tensors are two.
TEST_F(PlanTest, FilledResultsAliasAsPlainExecutionHasIt) {
  const c10::NoGradGuard no_grad;
  const auto graph = testing::parse_frozen(
      with("%n : NoneType = prim::Constant()\n %h : Tensor = aten::relu(%x)\n %r : Tensor = aten::exp(%h)\n"
           "%z : Tensor = aten::zeros_like(%x, %n, %n, %n, %n, %n)\n"
           "%q : Tensor = aten::zeros_like(%x, %n, %n, %n, %n, %n)\n"
           "%v : Tensor = aten::select(%z, %one, %zero)\n %s : Tensor = aten::select(%r, %one, %one)\n"
           "%m : Tensor = aten::copy_(%v, %s, %false)\n",
           "%z, %q, %v, %r"),
      {});
  const at::Tensor input = at::randn({3, 8});
  for (int i = 0; i < 3; ++i) {
    const auto expected = testing::run_graph(*graph, {input, at::ones({1}), at::ones({1})});
    const auto actual = testing::run_graph(*testing::grouped(*graph), {input, at::ones({1}), at::ones({1})});
    for (size_t k = 0; k < expected.size(); ++k) testing::expect_close(actual[k].toTensor(), expected[k].toTensor());
    EXPECT_TRUE(actual[2].toTensor().is_alias_of(actual[0].toTensor()));
    EXPECT_FALSE(actual[1].toTensor().is_alias_of(actual[0].toTensor()));
  }
}

TEST_F(PlanTest, SizesAndBranchesAreDecidedWithThePlan) {
  constexpr std::string_view kText = R"(
graph(%x : Tensor):
  %none : NoneType = prim::Constant()
  %zero : int = prim::Constant[value=0]()
  %one : int = prim::Constant[value=1]()
  %two : int = prim::Constant[value=2]()
  %last : int = prim::Constant[value=-1]()
  %text : str = prim::Constant[value="too many dimensions"]()
  %d : int = aten::dim(%x)
  %c : bool = aten::gt(%d, %two)
   = prim::If(%c)
    block0():
       = prim::RaiseException(%text, %none)
      -> ()
    block1():
      -> ()
  %n : int = aten::size(%x, %zero)
  %many : bool = aten::gt(%n, %two)
  %r : Tensor = prim::If(%many)
    block0():
      %e : Tensor = aten::exp(%x)
      -> (%e)
    block1():
      %t : Tensor = aten::tanh(%x)
      -> (%t)
  %l : int[] = prim::ListConstruct(%n, %last, %one)
  %v : Tensor = aten::view(%r, %l)
  %u : Tensor = aten::relu(%v)
  %y : Tensor = aten::exp(%u)
  return (%y)
)";
  expect_planned(kText, {}, {at::randn({4, 6})});
  expect_planned(kText, {}, {at::randn({2, 6})});
  const auto graph = testing::parse_frozen(kText, {});
  const auto fast = testing::grouped(*graph);
  std::vector<c10::IValue> plain = {at::randn({2, 3, 4})};
  std::vector<c10::IValue> planned = plain;
  const absl::Status expected = Runner::standard().run(*graph, plain);
  const absl::Status actual = Runner::standard().run(*fast, planned);
  EXPECT_FALSE(actual.ok());
  EXPECT_EQ(actual.message(), expected.message());
}

TEST_F(PlanTest, WhatHasNoPlanRunsPlainly) {
  const auto graph = testing::parse_frozen(kBlock, {{"w1", at::randn({4, 4, 3, 3})},
                                                    {"b1", at::randn({4})},
                                                    {"g", at::rand({4}) + 0.5},
                                                    {"h", at::randn({4})},
                                                    {"m", at::randn({4})},
                                                    {"v", at::rand({4}) + 0.5},
                                                    {"w2", at::randn({4, 4, 3, 3})}});
  const auto fast = testing::grouped(*graph);
  const auto body = testing::groups_of(*fast).at(0)->get<std::shared_ptr<ir::Graph>>(c10::attr::Subgraph);
  const plan::PlannedGroup group(body);
  const at::Tensor good = at::randn({1, 4, 8, 8});
  const auto planned = [&](const at::Tensor& input) {
    std::vector<c10::IValue> stack = {input};
    return group.run(stack);
  };
  EXPECT_TRUE(planned(good));
  EXPECT_FALSE(planned(good.to(at::kDouble)));
  EXPECT_FALSE(planned(good.contiguous(at::MemoryFormat::ChannelsLast)));
  EXPECT_FALSE(planned(at::randn({0, 4, 8, 8})));
  EXPECT_FALSE(planned(at::randn({1, 5, 8, 8})));
  EXPECT_FALSE(planned(at::Tensor()));
  at::Tensor trained = good.clone();
  trained.set_requires_grad(true);
  EXPECT_FALSE(planned(trained));
  {
    const c10::NoGradGuard no_grad;
    EXPECT_TRUE(planned(trained));
  }
  // Errors, with their lines, are those of the plain program.
  std::vector<c10::IValue> plain_stack = {at::randn({1, 5, 8, 8})};
  std::vector<c10::IValue> fast_stack = plain_stack;
  const absl::Status expected = Runner::standard().run(*graph, plain_stack);
  const absl::Status actual = Runner::standard().run(*fast, fast_stack);
  EXPECT_FALSE(expected.ok());
  EXPECT_EQ(actual.message(), expected.message());
  // Gradients reach the input through the plain path.
  std::vector<c10::IValue> stack = {trained};
  ASSERT_TRUE(Runner::standard().run(*fast, stack).ok());
  EXPECT_TRUE(stack[0].toTensor().requires_grad());
}

TEST_F(PlanTest, ARefusedNodeSplitsItsGroup) {
  // Sums of ints have no plan; the rest has.
  const auto graph = testing::parse_frozen(
      with("%a : Tensor = aten::exp(%x)\n %c : Tensor = aten::tanh(%a)\n %i : Tensor = aten::add(%w, %b, %one)\n"
           "%d : Tensor = aten::mul(%c, %x)\n %e : Tensor = aten::relu(%d)\n",
           "%e, %i"),
      {});
  const auto fast = testing::grouped(*graph);
  const plan::PlannedGroup group(testing::groups_of(*fast).at(0)->get<std::shared_ptr<ir::Graph>>(c10::attr::Subgraph));
  const std::vector<c10::IValue> inputs = {at::randn({3, 4}), at::ones({2}, at::kLong), at::ones({2}, at::kLong)};
  std::vector<c10::IValue> stack = inputs;
  EXPECT_FALSE(group.run(stack));
  EXPECT_NE(group.plain(), nullptr);
  for (int i = 0; i < 2; ++i) {
    const c10::NoGradGuard no_grad;
    const auto expected = testing::run_graph(*graph, inputs);
    const auto actual = testing::run_graph(*fast, inputs);
    testing::expect_close(actual[0].toTensor(), expected[0].toTensor());
    EXPECT_TRUE(actual[1].toTensor().equal(expected[1].toTensor()));
  }
}

TEST_F(PlanTest, LayersOfTransformersAndCells) {
  const c10::NoGradGuard no_grad;
  std::map<std::string, at::Tensor> held;
  const auto hold = [&](const char* name, std::vector<int64_t> sizes) { held[name] = at::randn(sizes) * 0.2; };
  hold("qw", {48, 16}), hold("qb", {48}), hold("pw", {16, 16}), hold("pb", {16}), hold("n1", {16}), hold("m1", {16});
  hold("n2", {16}), hold("m2", {16}), hold("f1", {40, 16}), hold("g1", {40}), hold("f2", {16, 40}), hold("g2", {16});
  for (const char* first : {"True", "False"}) {
    expect_planned(
        absl::StrCat(
            "graph(%x : Tensor, %qw : Tensor, %qb : Tensor, %pw : Tensor, %pb : Tensor, %n1 : Tensor, %m1 : Tensor,"
            " %n2 : Tensor, %m2 : Tensor, %f1 : Tensor, %g1 : Tensor, %f2 : Tensor, %g2 : Tensor):\n"
            " %none : NoneType = prim::Constant()\n %e : int = prim::Constant[value=16]()\n"
            " %h : int = prim::Constant[value=4]()\n %first : bool = prim::Constant[value=",
            first,
            "]()\n"
            " %eps : float = prim::Constant[value=0.00001]()\n"
            " %y : Tensor = aten::_transformer_encoder_layer_fwd(%x, %e, %h, %qw, %qb, %pw, %pb, %first, %first,"
            " %eps, %n1, %m1, %n2, %m2, %f1, %g1, %f2, %g2, %none, %none)\n return (%y)\n"),
        held, {at::randn({2, 7, 16})}, 1e-4);
  }
  hold("wi", {24, 5}), hold("wh", {24, 8}), hold("bi", {24}), hold("bh", {24});
  expect_planned(
      "graph(%x : Tensor, %h : Tensor, %wi : Tensor, %wh : Tensor, %bi : Tensor, %bh : Tensor):\n"
      " %y : Tensor = aten::gru_cell(%x, %h, %wi, %wh, %bi, %bh)\n return (%y)\n",
      held, {at::randn({3, 5}), at::randn({3, 8})});
}

TEST_F(PlanTest, PaddedBlocksStayZeroBehindPointwiseSteps) {
  // 20 channels lie in blocks of 16 with padding; what follows is by channel, with and without keeping zero.
  const std::map<std::string, at::Tensor> held = {{"w", at::randn({20, 20, 3, 3})}, {"b", at::randn({20})}};
  for (const char* gate : {"hardsigmoid", "tanh"}) {
    expect_planned(with(absl::StrCat("%s : int[] = prim::Constant[value=[1, 1]]()\n"
                                     "%c : Tensor = aten::conv2d(%x, %w, %b, %s, %s, %s, %one)\n"
                                     "%p : Tensor = aten::adaptive_avg_pool2d(%c, %s)\n %g : Tensor = aten::",
                                     gate,
                                     "(%p)\n"
                                     "%m : Tensor = aten::mul(%g, %c)\n"
                                     "%y : Tensor = aten::conv2d(%m, %w, %b, %s, %s, %s, %one)\n")),
                   held, {at::randn({2, 20, 9, 9})});
  }
}

// with(), of a graph that has two more inputs.
std::string with_more(std::string_view nodes, std::string_view result = "%y") {
  return absl::StrReplaceAll(with(nodes, result), {{"%b : Tensor)", "%b : Tensor, %v : Tensor, %d : Tensor)"}});
}

TEST_F(PlanTest, ConcatenatedConvolutionsKeepTheirLayout) {
  const std::map<std::string, at::Tensor> held = {{"w", at::randn({32, 16, 3, 3})},
                                                  {"b", at::randn({32})},
                                                  {"v", at::randn({16, 96, 1, 1})},
                                                  {"d", at::zeros({1})}};
  const std::string program =
      "%s : int[] = prim::Constant[value=[1, 1]]()\n %p : int[] = prim::Constant[value=[0, 0]]()\n"
      "%c : Tensor = aten::conv2d(%x, %w, %b, %s, %s, %s, %one)\n"
      "%f : Tensor = aten::relu(%c)\n %e : Tensor = aten::tanh(%c)\n"
      "%l : Tensor[] = prim::ListConstruct(%c, %f, %e)\n %k : Tensor = aten::cat(%l, %one)\n"
      "%y : Tensor = aten::conv2d(%k, %v, %none, %s, %p, %s, %one)\n";
  for (int64_t batch : {1, 3}) {
    expect_planned(with_more(program), held, {at::randn({batch, 16, 9, 7})});
    expect_planned(with_more(program, "%k, %y"), held, {at::randn({batch, 16, 9, 7})});
  }
}

TEST_F(PlanTest, DepthwiseNetworks) {
  // 24 channels fill one block and a half.
  for (int64_t channels : {24, 32}) {
    const std::map<std::string, at::Tensor> held = {{"w", at::randn({channels, 3, 3, 3})},
                                                    {"d", at::randn({channels, 1, 5, 5})},
                                                    {"b", at::randn({channels})},
                                                    {"v", at::randn({channels, channels, 1, 1})}};
    const std::string program = absl::StrCat(
        "%s : int[] = prim::Constant[value=[1, 1]]()\n %p : int[] = prim::Constant[value=[0, 0]]()\n"
        "%q : int[] = prim::Constant[value=[2, 2]]()\n %groups : int = prim::Constant[value=",
        channels,
        "]()\n %c : Tensor = aten::conv2d(%x, %w, %b, %q, %s, %s, %one)\n %h : Tensor = aten::hardswish(%c)\n"
        "%d1 : Tensor = aten::conv2d(%h, %d, %b, %s, %q, %s, %groups)\n %r : Tensor = aten::relu(%d1)\n"
        "%g : Tensor = aten::adaptive_avg_pool2d(%r, %s)\n"
        "%g1 : Tensor = aten::conv2d(%g, %v, %b, %s, %p, %s, %one)\n %g2 : Tensor = aten::hardsigmoid(%g1)\n"
        "%m : Tensor = aten::mul(%g2, %r)\n %n : Tensor = aten::conv2d(%m, %v, %b, %s, %p, %s, %one)\n"
        "%y : Tensor = aten::add(%n, %c, %one)\n");
    for (int64_t batch : {1, 2}) expect_planned(with_more(program), held, {at::randn({batch, 3, 17, 15})});
  }
}

TEST_F(PlanTest, PlansAreBounded) {
  const auto graph = testing::parse_frozen(with("%r : Tensor = aten::exp(%x)\n %y : Tensor = aten::relu(%r)\n"),
                                           {{"w", at::randn({1})}, {"b", at::randn({1})}});
  const auto fast = testing::grouped(*graph);
  const plan::PlannedGroup group(testing::groups_of(*fast).at(0)->get<std::shared_ptr<ir::Graph>>(c10::attr::Subgraph));
  for (int round = 0; round < 2; ++round) {
    for (int64_t size = 1; size < 40; ++size) {
      const at::Tensor input = at::randn({size});
      std::vector<c10::IValue> stack = {input};
      ASSERT_TRUE(group.run(stack));
      testing::expect_close(stack[0].toTensor(), input.exp().relu());
    }
  }
  EXPECT_EQ(group.plans(), plan::PlannedGroup::kMaxPlans);
}

TEST_F(PlanTest, ThreadsShareAPlan) {
  const std::map<std::string, at::Tensor> weights = {{"w1", at::randn({16, 16, 3, 3})},
                                                     {"b1", at::randn({16})},
                                                     {"g", at::rand({16}) + 0.5},
                                                     {"h", at::randn({16})},
                                                     {"m", at::randn({16})},
                                                     {"v", at::rand({16}) + 0.5},
                                                     {"w2", at::randn({16, 16, 3, 3})}};
  const auto graph = testing::parse_frozen(kBlock, weights);
  const auto fast = testing::grouped(*graph);
  const plan::PlannedGroup group(testing::groups_of(*fast).at(0)->get<std::shared_ptr<ir::Graph>>(c10::attr::Subgraph));
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      const c10::NoGradGuard no_grad;
      at::set_num_threads(1);
      const at::Tensor input = at::full({1, 16, 12, 12}, 0.1 * thread);
      const at::Tensor expected = testing::run_graph(*graph, {input})[0].toTensor();
      for (int i = 0; i < 50; ++i) {
        std::vector<c10::IValue> stack = {input};
        if (!group.run(stack) || !at::allclose(stack[0].toTensor(), expected, 1e-4, 1e-4)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace vesta::runtime
