#pragma once

// Graphs in text, run plainly and by plans.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include "ir/graph.h"
#include "ir/ir_parser.h"
#include "ir/printer.h"
#include "ir/verifier.h"
#include "passes/pass.h"
#include "runtime/plan/builder.h"
#include "runtime/plan/derived_constants.h"
#include "runtime/plan/group.h"
#include "runtime/plan/plan.h"
#include "runtime/plan/rewrites.h"
#include "runtime/runner.h"

namespace vesta::runtime::testing {

// The text's graph; inputs named in `constants` become constants.
inline std::shared_ptr<ir::Graph> parse_frozen(std::string_view text,
                                               const std::map<std::string, at::Tensor>& constants) {
  absl::StatusOr<std::shared_ptr<ir::Graph>> parsed = ir::parse_graph(text);
  if (!parsed.ok()) {
    ADD_FAILURE() << parsed.status();
    return std::make_shared<ir::Graph>();
  }
  ir::Graph& graph = **parsed;
  for (size_t i = graph.inputs().size(); i-- > 0;) {
    auto found = constants.find(graph.inputs()[i]->name());
    if (found == constants.end()) continue;
    ir::Node* constant = graph.create_constant(found->second);
    constant->output()->set_type(c10::TensorType::get());
    graph.block()->prepend(constant);
    graph.inputs()[i]->replace_all_uses_with(constant->output());
    graph.block()->erase_input(i);
  }
  return *parsed;
}

inline std::vector<const ir::Node*> groups_of(const ir::Graph& graph) {
  std::vector<const ir::Node*> groups;
  for (const ir::Node* node : graph.nodes()) {
    if (node->kind() == c10::Symbol::prim("PlannedGroup")) groups.push_back(node);
  }
  return groups;
}

inline std::shared_ptr<ir::Graph> grouped(const ir::Graph& graph) {
  std::shared_ptr<ir::Graph> copy = graph.copy();
  passes::PassContext context;
  EXPECT_TRUE(passes::group_planned_nodes(*copy, context).ok());
  const absl::Status status = ir::verify(*copy);
  EXPECT_TRUE(status.ok()) << status << "\n" << ir::print(*copy);
  return copy;
}

inline std::vector<c10::IValue> run_graph(const ir::Graph& graph, std::vector<c10::IValue> inputs) {
  const absl::Status status = Runner::standard().run(graph, inputs);
  EXPECT_TRUE(status.ok()) << status;
  return inputs;
}

inline void expect_close(const at::Tensor& actual, const at::Tensor& expected, double tolerance = 1e-5) {
  ASSERT_EQ(actual.sizes(), expected.sizes());
  EXPECT_EQ(actual.strides(), expected.strides());
  EXPECT_EQ(actual.scalar_type(), expected.scalar_type());
  if (expected.numel() == 0) return;
  EXPECT_TRUE(actual.isnan().equal(expected.isnan()));
  const at::Tensor a = actual.nan_to_num(0, 1e30, -1e30);
  const at::Tensor b = expected.nan_to_num(0, 1e30, -1e30);
  const double scale = std::max(1e-3, b.abs().max().item().toDouble());
  EXPECT_LE((a - b).abs().max().item().toDouble() / scale, tolerance);
}

// The text is one group that has a plan for these inputs, and gives what plain execution gives.
inline void expect_planned(std::string_view text, const std::map<std::string, at::Tensor>& constants,
                           const std::vector<at::Tensor>& inputs, double tolerance = 1e-5) {
  SCOPED_TRACE(std::string(text));
  const c10::NoGradGuard no_grad;
  const std::shared_ptr<ir::Graph> graph = parse_frozen(text, constants);
  const std::vector<c10::IValue> arguments(inputs.begin(), inputs.end());
  const std::vector<c10::IValue> expected = run_graph(*graph, arguments);
  const std::shared_ptr<ir::Graph> fast = grouped(*graph);
  const auto groups = groups_of(*fast);
  ASSERT_EQ(groups.size(), 1U) << ir::print(*fast);
  const auto body = groups[0]->get<std::shared_ptr<ir::Graph>>(c10::attr::Subgraph);
  const plan::PlannedGroup group(body);
  std::vector<c10::IValue> stack = arguments;
  ASSERT_TRUE(group.run(stack)) << group.refusal();
  const std::vector<c10::IValue> actual = run_graph(*fast, arguments);
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) expect_close(actual[i].toTensor(), expected[i].toTensor(), tolerance);
}

// What the plan of the text's group runs, a step a line.
inline std::string steps_of(const std::string& text, const std::map<std::string, at::Tensor>& held,
                            const std::vector<at::Tensor>& inputs) {
  const std::shared_ptr<ir::Graph> fast = grouped(*parse_frozen(text, held));
  const auto body = groups_of(*fast).at(0)->get<std::shared_ptr<ir::Graph>>(c10::attr::Subgraph);
  std::vector<plan::PlanInput> sizes;
  for (const at::Tensor& input : inputs) sizes.push_back({input.sizes().vec()});
  plan::DerivedConstants constants;
  absl::StatusOr<plan::PlanGraph> graph = plan::build_plan_graph(*body, sizes, constants);
  if (!graph.ok()) return std::string(graph.status().message());
  plan::rewrite(*graph, constants);
  const auto plan = plan::Plan::compile(*std::move(graph), constants);
  return plan.ok() ? (*plan)->to_string() : std::string(plan.status().message());
}

}  // namespace vesta::runtime::testing
