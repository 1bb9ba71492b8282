// Plans that read int64: embeddings, bags, chosen rows; and what such programs have around them.

#include <string>

#include <ATen/ATen.h>

#include "absl/strings/str_cat.h"
#include "tests/runtime/planned.h"

namespace vesta::runtime {
namespace {

using testing::expect_close;
using testing::expect_planned;

class PlanIndexingTest : public ::testing::Test {
 protected:
  void SetUp() override { at::manual_seed(5); }
};

at::Tensor ints(std::vector<int64_t> values) { return at::tensor(values, at::kLong); }

constexpr std::string_view kEmbedding = R"(
graph(%i : Tensor, %w : Tensor, %v : Tensor):
  %none : NoneType = prim::Constant()
  %false : bool = prim::Constant[value=False]()
  %pad : int = prim::Constant[value=-1]()
  %e : Tensor = aten::embedding(%w, %i, %pad, %false, %false)
  %y : Tensor = aten::linear(%e, %v, %none)
  return (%y)
)";

TEST_F(PlanIndexingTest, EmbeddingsFeedProducts) {
  const std::map<std::string, at::Tensor> weights = {{"w", at::randn({7, 5})}, {"v", at::randn({6, 5})}};
  expect_planned(kEmbedding, weights, {ints({3})});
  expect_planned(kEmbedding, weights, {ints({3, 0, 6, 6}).view({2, 2})});
  expect_planned(kEmbedding, weights, {at::tensor(2, at::kLong)});
}

// A group that gives the error that plain execution gives, and works afterwards.
void expect_error(std::string_view text, const std::map<std::string, at::Tensor>& constants,
                  const std::vector<c10::IValue>& good, const std::vector<c10::IValue>& bad) {
  const c10::NoGradGuard no_grad;
  const auto graph = testing::parse_frozen(text, constants);
  const auto fast = testing::grouped(*graph);
  for (int round = 0; round < 2; ++round) {
    const std::vector<c10::IValue> expected = testing::run_graph(*graph, good);
    expect_close(testing::run_graph(*fast, good).at(0).toTensor(), expected.at(0).toTensor());
    std::vector<c10::IValue> plain = bad;
    std::vector<c10::IValue> planned = bad;
    const absl::Status wanted = Runner::standard().run(*graph, plain);
    EXPECT_FALSE(wanted.ok());
    EXPECT_EQ(Runner::standard().run(*fast, planned).message(), wanted.message());
  }
}

TEST_F(PlanIndexingTest, IndicesOutOfRangeAreTheErrorsOfPlainExecution) {
  const std::map<std::string, at::Tensor> weights = {{"w", at::randn({7, 5})}, {"v", at::randn({6, 5})}};
  expect_error(kEmbedding, weights, {ints({1, 2})}, {ints({1, 7})});
  expect_error(kEmbedding, weights, {ints({1, 2})}, {ints({-1, 0})});
}

TEST_F(PlanIndexingTest, IndicesOfOtherTypesAndStridesRunPlainly) {
  const c10::NoGradGuard no_grad;
  const auto graph = testing::parse_frozen(kEmbedding, {{"w", at::randn({7, 5})}, {"v", at::randn({6, 5})}});
  const auto fast = testing::grouped(*graph);
  const at::Tensor strided = ints({3, 1, 4, 1, 5, 2}).view({2, 3}).t();
  for (const at::Tensor& given : {strided, strided.to(at::kInt), strided.narrow(0, 0, 0)}) {
    expect_close(testing::run_graph(*fast, {given}).at(0).toTensor(),
                 testing::run_graph(*graph, {given}).at(0).toTensor());
  }
}

std::string bags(const char* mode, const char* end, const char* pad) {
  return absl::StrCat(
      "graph(%i : Tensor, %o : Tensor, %w : Tensor):\n"
      "  %none : NoneType = prim::Constant()\n"
      "  %false : bool = prim::Constant[value=False]()\n"
      "  %end : bool = prim::Constant[value=",
      end, "]()\n  %mode : int = prim::Constant[value=", mode, "]()\n", pad,
      "  %s : Tensor, %a : Tensor, %b : Tensor, %c : Tensor = aten::embedding_bag(%w, %i, %o, %false, "
      "%mode, %false, %none, %end, %pad)\n  %y : Tensor = aten::relu(%s)\n  return (%y)\n");
}
constexpr const char* kNoPad = "  %pad : NoneType = prim::Constant()\n";

TEST_F(PlanIndexingTest, BagsAreSumsAndMeansAndMayBeEmpty) {
  const std::map<std::string, at::Tensor> weights = {{"w", at::randn({9, 19})}};
  const at::Tensor rows = ints({8, 0, 3, 3, 1, 2});
  for (const char* mode : {"0", "1"}) {
    expect_planned(bags(mode, "False", kNoPad), weights, {rows, ints({0, 2, 2, 5})});
    expect_planned(bags(mode, "False", kNoPad), weights, {rows, ints({0})});
    expect_planned(bags(mode, "False", kNoPad), weights, {rows, ints({0, 6})});
    expect_planned(bags(mode, "True", kNoPad), weights, {rows, ints({0, 2, 2, 6})});
  }
  expect_error(bags("0", "False", kNoPad), weights, {rows, ints({0, 3})}, {rows, ints({1, 3})});
  expect_error(bags("0", "False", kNoPad), weights, {rows, ints({0, 3})}, {ints({1, 2, 9, 0, 0, 0}), ints({0, 3})});
}

TEST_F(PlanIndexingTest, BagsOfMaximaAndWithAPaddingRowArePlain) {
  const c10::NoGradGuard no_grad;
  const std::vector<c10::IValue> inputs = {ints({8, 0, 3, 3, 1, 2}), ints({0, 2, 5})};
  for (const std::string& text :
       {bags("2", "False", kNoPad), bags("0", "False", "  %pad : int = prim::Constant[value=3]()\n")}) {
    const auto graph = testing::parse_frozen(text, {{"w", at::randn({9, 4})}});
    expect_close(testing::run_graph(*testing::grouped(*graph), inputs).at(0).toTensor(),
                 testing::run_graph(*graph, inputs).at(0).toTensor());
  }
}

TEST_F(PlanIndexingTest, IndexSelectAlongAnyDimension) {
  for (int64_t dim : {0, 1, 2, -1}) {
    expect_planned(absl::StrCat("graph(%x : Tensor, %i : Tensor):\n"
                                "  %d : int = prim::Constant[value=",
                                dim,
                                "]()\n  %r : Tensor = aten::relu(%x)\n"
                                "  %y : Tensor = aten::index_select(%r, %d, %i)\n  return (%y)\n"),
                   {{"i", ints({1, 1, 0})}}, {at::randn({2, 3, 4})});
  }
}

TEST_F(PlanIndexingTest, LargestElementsAreFoundAsPlainExecutionFindsThem) {
  const auto text = [](const char* dim, const char* keep) {
    return absl::StrCat(
        "graph(%x : Tensor, %w : Tensor):\n  %none : NoneType = prim::Constant()\n"
        "  %d : ",
        dim[0] == 'N' ? "NoneType" : "int", " = prim::Constant", dim[0] == 'N' ? "" : absl::StrCat("[value=", dim, "]"),
        "()\n  %k : bool = prim::Constant[value=", keep,
        "]()\n  %p : Tensor = aten::linear(%x, %w, %none)\n"
        "  %y : Tensor = aten::argmax(%p, %d, %k)\n  return (%y, %p)\n");
  };
  const at::Tensor eye = at::eye(11);
  at::Tensor x = at::randn({3, 2, 11});
  x[0][0].fill_(2);
  x[1][1][9] = 1e9;
  x[1][0][4] = -std::numeric_limits<float>::infinity();
  for (const char* keep : {"True", "False"}) {
    for (const char* dim : {"0", "1", "2", "-1", "None"}) expect_planned(text(dim, keep), {{"w", eye}}, {x});
  }
  at::Tensor odd = at::randn({2, 11});
  odd[0][3] = std::numeric_limits<float>::quiet_NaN();
  odd[0][7] = std::numeric_limits<float>::quiet_NaN();
  odd[1].fill_(-std::numeric_limits<float>::infinity());
  expect_planned(R"(
graph(%x : Tensor):
  %d : int = prim::Constant[value=1]()
  %k : bool = prim::Constant[value=False]()
  %p : Tensor = aten::neg(%x)
  %y : Tensor = aten::argmax(%p, %d, %k)
  return (%y, %p)
)",
                 {}, {odd});
}

TEST_F(PlanIndexingTest, MirroredEnds) {
  for (const char* widths : {"[0, 4]", "[4, 0]", "[3, 2]", "[0, 0]"}) {
    for (const at::Tensor& x : {at::randn({2, 5}), at::randn({2, 3, 5})}) {
      expect_planned(absl::StrCat("graph(%x : Tensor):\n  %w : int[] = prim::Constant[value=", widths,
                                  "]()\n  %m : str = prim::Constant[value=\"reflect\"]()\n"
                                  "  %none : NoneType = prim::Constant()\n  %r : Tensor = aten::relu(%x)\n"
                                  "  %y : Tensor = aten::pad(%r, %w, %m, %none)\n  return (%y)\n"),
                     {}, {x});
    }
  }
}

TEST_F(PlanIndexingTest, LstmCells) {
  constexpr std::string_view kText = R"(
graph(%h : Tensor, %c : Tensor, %x : Tensor, %wi : Tensor, %wh : Tensor, %bi : Tensor, %bh : Tensor):
  %s : Tensor[] = prim::ListConstruct(%h, %c)
  %y : Tensor, %z : Tensor = aten::lstm_cell(%x, %s, %wi, %wh, %bi, %bh)
  return (%y, %z)
)";
  for (int64_t batch : {1, 3, 12}) {
    expect_planned(
        kText,
        {{"wi", at::randn({28, 5})}, {"wh", at::randn({28, 7})}, {"bi", at::randn({28})}, {"bh", at::randn({28})}},
        {at::randn({batch, 7}), at::randn({batch, 7}), at::randn({batch, 5})});
  }
}

// A row of the input, chosen by a loop's counter.
constexpr std::string_view kLoop = R"(
graph(%x : Tensor, %n : int, %w : Tensor):
  %none : NoneType = prim::Constant()
  %one : int = prim::Constant[value=1]()
  %true : bool = prim::Constant[value=True]()
  %start : Tensor = aten::relu(%x)
  %y : Tensor = prim::Loop(%n, %true, %start)
    block0(%t : int, %s : Tensor):
      %row : Tensor = aten::select(%s, %one, %t)
      %p : Tensor = aten::linear(%row, %w, %none)
      %q : Tensor = aten::unsqueeze(%p, %one)
      %next : Tensor = aten::add(%s, %q, %one)
      -> (%true, %next)
  return (%y)
)";

TEST_F(PlanIndexingTest, ALoopsCounterChoosesInsideOfAGroup) {
  const std::map<std::string, at::Tensor> weights = {{"w", at::randn({6, 6}) / 6}};
  const auto fast = testing::grouped(*testing::parse_frozen(kLoop, weights));
  EXPECT_NE(ir::print(*fast).find("PlannedGroup_0(%s, %t)"), std::string::npos) << ir::print(*fast);
  expect_error(kLoop, weights, {at::randn({2, 4, 6}), 4}, {at::randn({2, 4, 6}), 5});
  expect_error(kLoop, weights, {at::randn({2, 4, 6}), 2}, {at::randn({6}), 1});
}

TEST_F(PlanIndexingTest, AChosenViewThatLeavesTheGroupIsAView) {
  const c10::NoGradGuard no_grad;
  const auto graph = testing::parse_frozen(R"(
graph(%x : Tensor, %t : int, %w : Tensor):
  %none : NoneType = prim::Constant()
  %one : int = prim::Constant[value=1]()
  %row : Tensor = aten::select(%x, %one, %t)
  %p : Tensor = aten::linear(%row, %w, %none)
  return (%row, %p)
)",
                                           {{"w", at::randn({6, 6})}});
  const at::Tensor x = at::randn({2, 4, 6});
  for (int64_t t : {0, 3, -1}) {
    const auto results = testing::run_graph(*testing::grouped(*graph), {x, t});
    const auto expected = testing::run_graph(*graph, {x, t});
    EXPECT_TRUE(results.at(0).toTensor().is_alias_of(x));
    for (size_t i = 0; i < 2; ++i) expect_close(results.at(i).toTensor(), expected.at(i).toTensor());
  }
}

TEST_F(PlanIndexingTest, WhatAnIndexChoseIsAsOldAsItsChoice) {
  const c10::NoGradGuard no_grad;
  const auto graph = testing::parse_frozen(R"(
graph(%x : Tensor, %t : int, %w : Tensor):
  %none : NoneType = prim::Constant()
  %one : int = prim::Constant[value=1]()
  %a : Tensor = aten::linear(%x, %w, %none)
  %row : Tensor = aten::select(%a, %one, %t)
  %b : Tensor = aten::relu_(%a)
  %p : Tensor = aten::linear(%row, %w, %none)
  return (%b, %p)
)",
                                           {{"w", at::randn({6, 6})}});
  const std::vector<c10::IValue> inputs = {at::randn({2, 4, 6}), 2};
  const auto results = testing::run_graph(*testing::grouped(*graph), inputs);
  const auto expected = testing::run_graph(*graph, inputs);
  for (size_t i = 0; i < 2; ++i) expect_close(results.at(i).toTensor(), expected.at(i).toTensor());
}

TEST_F(PlanIndexingTest, CastsThatChangeNothingAreNothing) {
  const c10::NoGradGuard no_grad;
  const auto graph = testing::parse_frozen(R"(
graph(%x : Tensor, %w : Tensor):
  %none : NoneType = prim::Constant()
  %false : bool = prim::Constant[value=False]()
  %type : int = prim::Constant[value=6]()
  %y : Tensor = aten::to(%x, %type, %false, %false, %none)
  %p : Tensor = aten::linear(%y, %w, %none)
  return (%y, %p)
)",
                                           {{"w", at::randn({6, 6})}});
  const auto fast = testing::grouped(*graph);
  for (const at::Tensor& x : {at::randn({2, 6}), at::randn({2, 6}).to(at::kDouble), at::ones({2, 6}, at::kLong)}) {
    const auto results = testing::run_graph(*fast, {x});
    const auto expected = testing::run_graph(*graph, {x});
    EXPECT_EQ(results.at(0).toTensor().is_alias_of(x), x.scalar_type() == at::kFloat);
    for (size_t i = 0; i < 2; ++i) expect_close(results.at(i).toTensor(), expected.at(i).toTensor());
  }
}

}  // namespace
}  // namespace vesta::runtime
