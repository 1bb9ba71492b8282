#include "ir/graph.h"
#include "ir/support/suggestion.h"

#include <gtest/gtest.h>

#include "ir/operator.h"
#include "ir/printer.h"
#include "ir/verifier.h"

namespace vesta::ir {
namespace {

// y = x + x; z = relu(y)
struct SmallGraph {
  Graph graph;
  Value* x;
  Node* add;
  Node* relu;

  SmallGraph() {
    const OperatorCatalog& catalog = OperatorCatalog::standard();
    x = graph.add_input(c10::TensorType::get(), "x");
    Value* one = graph.insert_constant(int64_t{1});
    add = graph.insert(graph.create(aten::add, {x, x, one}));
    add->set_op(catalog.find("aten::add", "Tensor"));
    relu = graph.insert(graph.create(aten::relu, {add->output()}));
    relu->set_op(catalog.find("aten::relu", ""));
    relu->output()->set_name("z");
    graph.add_output(relu->output());
  }
};

TEST(Graph, PrintsAsTorchJitUsersKnowIt) {
  SmallGraph small;
  EXPECT_EQ(print(small.graph),
            "graph(%x : Tensor):\n"
            "  %1 : int = prim::Constant[value=1]()\n"
            "  %2 : Tensor = aten::add(%x, %x, %1)\n"
            "  %z : Tensor = aten::relu(%2)\n"
            "  return (%z)\n");
  EXPECT_TRUE(verify(small.graph).ok()) << verify(small.graph);
}

TEST(Graph, ReplacingAValueMovesAllItsUses) {
  SmallGraph small;
  Value* y = small.graph.add_input(c10::TensorType::get(), "y");
  small.x->replace_all_uses_with(y);
  EXPECT_FALSE(small.x->has_uses());
  EXPECT_EQ(y->uses().size(), 2U);
  EXPECT_EQ(small.add->input(0), y);
  EXPECT_EQ(small.add->input(1), y);
}

TEST(Graph, RemovingAnInputRenumbersTheUsesBehindIt) {
  SmallGraph small;
  small.add->set_op(nullptr);
  small.add->remove_input(0);
  ASSERT_EQ(small.x->uses().size(), 1U);
  EXPECT_EQ(small.x->uses()[0].index, 0U);
  Value* y = small.graph.add_input(c10::TensorType::get(), "y");
  small.add->insert_input(0, y);
  EXPECT_EQ(small.x->uses()[0].index, 1U);
  EXPECT_EQ(y->uses()[0].index, 0U);
}

TEST(Graph, TakenNamesGetASuffix) {
  Graph graph;
  Value* first = graph.add_input(c10::TensorType::get(), "x");
  Value* second = graph.add_input(c10::TensorType::get(), "x");
  Value* third = graph.add_input(c10::TensorType::get(), "x.1");
  Value* number = graph.add_input(c10::TensorType::get(), "12");
  EXPECT_EQ(first->name(), "x");
  EXPECT_EQ(second->name(), "x.1");
  EXPECT_EQ(third->name(), "x.2");
  EXPECT_EQ(number->name(), "3") << "a name that reads as a number would clash with ids";
}

TEST(Graph, OrderSurvivesManyInsertionsAtOnePlace) {
  Graph graph;
  Node* last = graph.insert(graph.create_constant(int64_t{0}));
  std::vector<Node*> nodes;
  for (int64_t i = 0; i < 200; ++i) {
    Node* node = graph.create_constant(i);
    node->insert_before(last);
    nodes.push_back(node);
  }
  for (size_t i = 0; i + 1 < nodes.size(); ++i) {
    EXPECT_TRUE(nodes[i]->is_before(nodes[i + 1])) << i;
    EXPECT_FALSE(nodes[i + 1]->is_before(nodes[i])) << i;
  }
}

TEST(Graph, OrderLooksThroughNestedBlocks) {
  Graph graph;
  Value* condition = graph.add_input(c10::BoolType::get(), "c");
  Node* before = graph.insert(graph.create_constant(int64_t{1}));
  Node* branch = graph.insert(graph.create(prim::If, {condition}, 0));
  Node* then = graph.create_constant(int64_t{2});
  branch->add_block()->append(then);
  Node* otherwise = graph.create_constant(int64_t{3});
  branch->add_block()->append(otherwise);
  EXPECT_TRUE(before->is_before(then));
  EXPECT_TRUE(then->is_before(otherwise));
  EXPECT_FALSE(then->is_before(before));
  EXPECT_TRUE(verify(graph).ok());
}

TEST(Graph, CopyIsEqualInTextAndSharesNothing) {
  SmallGraph small;
  std::shared_ptr<Graph> copy = small.graph.copy();
  EXPECT_EQ(print(*copy), print(small.graph));
  EXPECT_TRUE(verify(*copy).ok());
  copy->outputs()[0]->node()->replace_input(0, copy->inputs()[0]);
  EXPECT_NE(print(*copy), print(small.graph));
}

TEST(Graph, DestroyingNodesWhileWalkingIsSafe) {
  Graph graph;
  for (int64_t i = 0; i < 10; ++i) graph.insert_constant(i);
  for (Node* node : graph.nodes()) {
    if (node->get<c10::IValue>(attr::value).toInt() % 2 == 0) node->destroy();
  }
  EXPECT_EQ(graph.node_count(), 5U);
}

TEST(Graph, InsertPointMovesOnWhenItsNodeIsDestroyed) {
  Graph graph;
  Node* first = graph.insert(graph.create_constant(int64_t{1}));
  Node* second = graph.insert(graph.create_constant(int64_t{2}));
  graph.set_insert_point(first);
  first->destroy();
  Node* fresh = graph.insert(graph.create_constant(int64_t{3}));
  EXPECT_EQ(fresh->next(), second);
}

TEST(Verifier, FindsAReadBeforeTheDefinition) {
  SmallGraph small;
  small.relu->insert_before(small.add);
  const absl::Status status = verify(small.graph);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_NE(status.message().find("read where it is not defined"), absl::string_view::npos) << status;
}

TEST(Verifier, FindsAValueThatLeavesItsBlock) {
  Graph graph;
  Value* condition = graph.add_input(c10::BoolType::get(), "c");
  Node* branch = graph.insert(graph.create(prim::If, {condition}, 0));
  Node* inner = graph.create_constant(int64_t{2});
  branch->add_block()->append(inner);
  branch->add_block();
  graph.add_output(inner->output());
  EXPECT_FALSE(verify(graph).ok());
}

TEST(Verifier, FindsWrongArgumentTypes) {
  SmallGraph small;
  Value* text = small.graph.create_constant("text")->output();
  text->node()->insert_before(small.add);
  small.add->replace_input(1, text);
  const absl::Status status = verify(small.graph);
  EXPECT_NE(status.message().find("'other' takes Tensor, got str"), absl::string_view::npos) << status;
}

TEST(Verifier, FindsWrongResultTypes) {
  SmallGraph small;
  small.relu->output()->set_type(c10::IntType::get());
  const absl::Status status = verify(small.graph);
  EXPECT_NE(status.message().find("result 0 is Tensor, not int"), absl::string_view::npos) << status;
}

TEST(Verifier, FindsAnOperatorOfAnotherName) {
  SmallGraph small;
  small.relu->set_op(OperatorCatalog::standard().find("aten::sigmoid", ""));
  const absl::Status status = verify(small.graph);
  EXPECT_NE(status.message().find("its operator has another name"), absl::string_view::npos) << status;
}

TEST(Verifier, FindsBranchesThatYieldAnotherNumber) {
  Graph graph;
  Value* condition = graph.add_input(c10::BoolType::get(), "c");
  Node* branch = graph.insert(graph.create(prim::If, {condition}, 1));
  branch->output()->set_type(c10::IntType::get());
  branch->add_block();
  branch->add_block();
  EXPECT_FALSE(verify(graph).ok());
}

// What `verify` says of a graph with one constant whose attributes `change` sets.
std::string complaint_about_constant(c10::TypePtr type, void (*change)(Node& node)) {
  Graph graph;
  Node* node = graph.insert(graph.create(prim::Constant, {}, 1));
  node->output()->set_type(std::move(type));
  change(*node);
  return std::string(verify(graph).message());
}

TEST(Verifier, FindsAttributesThatHoldSomethingElse) {
  EXPECT_NE(complaint_about_constant(c10::IntType::get(), [](Node& node) { node.set(attr::value, int64_t{1}); })
                .find("the attribute 'value' is of another kind"),
            std::string::npos);
  EXPECT_NE(complaint_about_constant(c10::IntType::get(), [](Node&) {}).find("its type has no None"),
            std::string::npos);
  EXPECT_EQ(complaint_about_constant(c10::OptionalType::create(c10::IntType::get()), [](Node&) {}), "");
  EXPECT_NE(complaint_about_constant(c10::IntType::get(), [](Node& node) { node.set(attr::name, std::string("f")); })
                .find("is no function"),
            std::string::npos);
  Graph graph;
  Value* object = graph.add_input(c10::AnyType::get(), "x");
  graph.insert(graph.create(prim::GetAttr, {object}, 1));
  EXPECT_NE(std::string(verify(graph).message()).find("the attribute 'name' is missing"), std::string::npos);
}

TEST(OperatorCatalog, FindsOverloadsOfTheDispatcher) {
  const OperatorCatalog& catalog = OperatorCatalog::standard();
  const Operator* add = catalog.find("aten::add", "Tensor");
  ASSERT_NE(add, nullptr);
  EXPECT_TRUE(add->handle.has_value());
  EXPECT_TRUE(catalog.candidates("aten::no_such_operator").empty());
}

TEST(Suggestion, NamesASlipAndNotAnotherWord) {
  const std::vector<std::string> names = {"matmul", "mul", "sum", "cumsum"};
  EXPECT_EQ(support::did_you_mean("mathmul", names), "; did you mean 'matmul'?");
  EXPECT_EQ(support::did_you_mean("summ", names), "; did you mean 'sum'?");
  EXPECT_EQ(support::did_you_mean("smu", names), "; did you mean 'sum'?");
  EXPECT_EQ(support::did_you_mean("mu", names), "");
  EXPECT_EQ(support::did_you_mean("convolution", names), "");
}

}  // namespace
}  // namespace vesta::ir
