// Choices between layouts by timing, and what is kept of them.

#include "runtime/plan/tuning.h"

#include <algorithm>
#include <string>

#include <ATen/ATen.h>

#include "absl/strings/str_cat.h"
#include "runtime/plan/builder.h"
#include "runtime/plan/instruction_set.h"
#include "runtime/plan/plan.h"
#include "runtime/plan/rewrites.h"
#include "tests/runtime/planned.h"

namespace vesta::runtime {
namespace {

constexpr const char* kNetwork =
    "graph(%x : Tensor, %w1 : Tensor, %w2 : Tensor, %w3 : Tensor):\n"
    " %none : NoneType = prim::Constant()\n %one : int = prim::Constant[value=1]()\n"
    " %i : int[] = prim::Constant[value=[1, 1]]()\n %two : int[] = prim::Constant[value=[2, 2]]()\n"
    " %a : Tensor = aten::conv2d(%x, %w1, %none, %i, %i, %i, %one)\n %r : Tensor = aten::relu(%a)\n"
    " %b : Tensor = aten::conv2d(%r, %w2, %none, %i, %i, %i, %one)\n %s : Tensor = aten::relu(%b)\n"
    " %y : Tensor = aten::conv2d(%s, %w3, %none, %two, %i, %i, %one)\n return (%y)\n";

class PlanTuningTest : public ::testing::Test {
 protected:
  void SetUp() override {
    at::manual_seed(3);
    const std::map<std::string, at::Tensor> held = {
        {"w1", at::randn({32, 16, 3, 3})}, {"w2", at::randn({32, 32, 3, 3})}, {"w3", at::randn({48, 32, 3, 3})}};
    graph_ = testing::parse_frozen(kNetwork, held);
    body_ = testing::groups_of(*testing::grouped(*graph_)).at(0)->get<std::shared_ptr<ir::Graph>>(c10::attr::Subgraph);
    expected_ = testing::run_graph(*graph_, {input_})[0].toTensor();
  }
  plan::PlanGraph planned(plan::DerivedConstants& constants) const {
    const std::vector<plan::PlanInput> inputs = {{input_.sizes().vec()}};
    absl::StatusOr<plan::PlanGraph> graph = plan::build_plan_graph(*body_, inputs, constants);
    EXPECT_TRUE(graph.ok()) << graph.status();
    plan::rewrite(*graph, constants);
    return *std::move(graph);
  }
  void expect_result(const ir::Stack& stack) const {
    ASSERT_EQ(stack.size(), 1U);
    testing::expect_close(stack[0].toTensor(), expected_, 1e-4);
  }

  const c10::NoGradGuard no_grad_;
  const at::Tensor input_ = at::linspace(-1, 1, 2 * 16 * 12 * 12).reshape({2, 16, 12, 12});
  std::shared_ptr<ir::Graph> graph_, body_;
  at::Tensor expected_;
};

TEST_F(PlanTuningTest, EachConvolutionTakesItsLayout) {
  plan::DerivedConstants constants;
  const plan::PlanGraph graph = planned(constants);
  std::vector<std::string> texts;
  for (const plan::ConvolutionLayouts& layouts : std::vector<plan::ConvolutionLayouts>{
           {}, {false, false, false}, {true, true, true}, {true, false, true}, {false, true, false}}) {
    const auto plan = plan::Plan::compile(graph, constants, layouts);
    ASSERT_TRUE(plan.ok()) << plan.status();
    ir::Stack stack = {input_};
    EXPECT_TRUE((*plan)->run(stack));
    expect_result(stack);
    texts.push_back((*plan)->to_string());
  }
  EXPECT_EQ(texts[0], texts[1]) << "the rule";
  if (plan::instruction_set() != plan::InstructionSet::kAvx512) GTEST_SKIP() << "no blocks here";
  for (size_t i = 2; i < texts.size(); ++i) EXPECT_NE(texts[i], texts[0]);
}

TEST_F(PlanTuningTest, AGroupIsTunedInAScopeAndKeepsTheChoice) {
  const auto constants = std::make_shared<plan::DerivedConstants>();
  const plan::PlannedGroup group(body_, "group", nullptr, constants);
  const auto choices = [&] {
    const auto entries = constants->entries();
    return std::count_if(entries.begin(), entries.end(),
                         [](const auto& entry) { return entry.name.rfind("choice:", 0) == 0; });
  };
  ir::Stack stack = {input_};
  ASSERT_TRUE(group.run(stack)) << group.refusal();
  EXPECT_EQ(choices(), 0);
  EXPECT_FALSE(plan::is_tuning());
  {
    const plan::TuningScope tuning;
    EXPECT_TRUE(plan::is_tuning());
    stack = {input_};
    if (group.run(stack)) expect_result(stack);
    EXPECT_EQ(choices(), 1);
  }
  EXPECT_FALSE(plan::is_tuning());
  stack = {input_};
  if (group.run(stack)) {
    expect_result(stack);
  } else {
    EXPECT_EQ(group.refusal(), "runs faster without a plan");
  }
  EXPECT_EQ(choices(), 1);
}

TEST_F(PlanTuningTest, WhatWasChosenIsFoundAgain) {
  plan::DerivedConstants constants;
  const plan::PlanGraph graph = planned(constants);
  EXPECT_FALSE(plan::kept_choice(graph, "kind", constants).has_value());
  plan::keep_choice(graph, "kind", {.plain = true, .layouts = {true, false, true}}, constants);
  const std::optional<plan::PlanChoice> kept = plan::kept_choice(graph, "kind", constants);
  ASSERT_TRUE(kept.has_value());
  EXPECT_TRUE(kept->plain);
  EXPECT_EQ(kept->layouts, (plan::ConvolutionLayouts{true, false, true}));
  EXPECT_FALSE(plan::kept_choice(graph, "another kind", constants).has_value());
  // As a file could have it.
  const plan::DerivedConstants::Entry entry = constants.entries().back();
  for (const at::Tensor& wrong : {at::zeros({3}, at::kByte), at::zeros({4}), at::zeros({0}, at::kByte),
                                  at::zeros({8}, at::kByte).slice(0, 0, 8, 2)}) {
    plan::DerivedConstants read;
    read.restore(entry.name, entry.sources, wrong);
    EXPECT_FALSE(plan::kept_choice(graph, "kind", read).has_value()) << wrong.sizes();
  }
}

TEST_F(PlanTuningTest, ChoosingByTimingGivesALayoutForEachConvolution) {
  plan::DerivedConstants constants;
  const plan::PlanGraph graph = planned(constants);
  const plan::PlanChoice choice = plan::choose_by_timing(graph, {input_}, [](ir::Stack&) { return false; });
  EXPECT_FALSE(choice.plain) << "the plain way failed";
  EXPECT_EQ(choice.layouts.size(), 3U);
}

}  // namespace
}  // namespace vesta::runtime
