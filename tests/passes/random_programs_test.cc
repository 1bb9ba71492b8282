// Random programs full of views, writes in place, lists, tuples, branches and loops, through every pass and through the
// whole pipeline: results, arguments afterwards, constants afterwards, and who shares memory with whom are to be those
// of before. This is what finds an operator whose effects nobody told the alias analysis.

#include <random>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "ir/operator.h"
#include "ir/printer.h"
#include "passes/pipeline.h"
#include "tests/passes/pass_test_support.h"

namespace vesta::passes {
namespace {

using c10::IValue;
using ir::Block;
using ir::Graph;
using ir::Node;
using ir::Value;

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  std::shared_ptr<Graph> make() {
    graph_ = std::make_shared<Graph>();
    Scope scope;
    for (int i = 0; i < 2; ++i) scope.mats.push_back(graph_->add_input(tensor_));
    scope.ints.push_back(graph_->add_input(int_));
    scope.bools.push_back(graph_->add_input(bool_));
    const at::Tensor constant = at::arange(9, at::kFloat).reshape({3, 3}) * 0.1;
    constants_ = {constant, constant.t(), at::full({3, 3}, 0.5)};
    for (const at::Tensor& one : constants_) scope.mats.push_back(graph_->insert_constant(one, tensor_));
    scope.ints.push_back(integer(2));
    scope.bools.push_back(graph_->insert_constant(below(2) == 0));
    fill(scope, 0);
    for (int i = 0; i < 3; ++i) graph_->add_output(any(scope.mats));
    graph_->add_output(any(scope.ints));
    if (!scope.lists.empty() && below(2) == 0) graph_->add_output(any(scope.lists));
    if (!scope.tuples.empty() && below(2) == 0) graph_->add_output(any(scope.tuples));
    return graph_;
  }
  const std::vector<at::Tensor>& constants() const { return constants_; }

 private:
  struct Scope {
    std::vector<Value*> mats, rows, ints, bools, lists, tuples;
  };

  size_t below(size_t bound) { return std::uniform_int_distribution<size_t>(0, bound - 1)(random_); }
  Value* any(const std::vector<Value*>& values) {
    const size_t window = below(3) == 0 ? values.size() : std::min<size_t>(values.size(), 5);
    return values[values.size() - 1 - below(window)];
  }
  Value* integer(int64_t value) { return graph_->insert_constant(value); }
  Value* number(double value) { return graph_->insert_constant(value); }

  // Operators by name and overload; structural kinds by the first alone.
  Value* call(const char* name, const char* overload, std::vector<Value*> inputs, const c10::TypePtr& type) {
    Node* node = graph_->insert(graph_->create(c10::Symbol::fromQualString(name), inputs, 1));
    node->set_op(ir::OperatorCatalog::standard().find(name, overload));
    EXPECT_NE(node->op(), nullptr) << name << "." << overload;
    node->output()->set_type(type);
    return node->output();
  }
  Value* structure(c10::Symbol kind, std::vector<Value*> inputs, const c10::TypePtr& type) {
    Node* node = graph_->insert(graph_->create(kind, inputs, 1));
    node->output()->set_type(type);
    return node->output();
  }
  Value* shape() { return structure(c10::prim::ListConstruct, {integer(3), integer(3)}, c10::ListType::ofInts()); }

  void fill(Scope& scope, int depth) {
    const size_t count = 4 + below(9);
    for (size_t i = 0; i < count; ++i) statement(scope, depth);
  }

  void statement(Scope& scope, int depth) {
    const size_t choice = below(100);
    if (choice < 26) {
      scope.mats.push_back(pure(scope));
    } else if (choice < 42) {
      view(scope);
    } else if (choice < 58) {
      write(scope);
    } else if (choice < 72) {
      list(scope);
    } else if (choice < 80) {
      numbers(scope);
    } else if (choice < 86) {
      tuple(scope);
    } else if (depth < 2) {
      below(2) == 0 ? branch(scope, depth) : loop(scope, depth);
    }
  }

  // Bounded whatever it is given, so that numbers stay comparable.
  Value* pure(Scope& scope) {
    switch (below(7)) {
      case 0:
        return call("aten::tanh", "",
                    {call("aten::add", "Tensor", {any(scope.mats), any(scope.mats), integer(1)}, tensor_)}, tensor_);
      case 1:
        return call("aten::sigmoid", "", {call("aten::mul", "Tensor", {any(scope.mats), any(scope.mats)}, tensor_)},
                    tensor_);
      case 2:
        return call("aten::tanh", "", {call("aten::matmul", "", {any(scope.mats), any(scope.mats)}, tensor_)}, tensor_);
      case 3:
        return call("aten::neg", "", {any(scope.mats)}, tensor_);
      case 4:
        return call("aten::clone", "", {any(scope.mats), graph_->insert_constant(IValue())}, tensor_);
      case 5:
        return call("aten::dropout", "", {any(scope.mats), number(0.5), graph_->insert_constant(false)}, tensor_);
      default:
        if (scope.rows.empty()) return call("aten::relu", "", {any(scope.mats)}, tensor_);
        return call("aten::tanh", "",
                    {call("aten::add", "Tensor", {any(scope.mats), any(scope.rows), integer(1)}, tensor_)}, tensor_);
    }
  }

  void view(Scope& scope) {
    switch (below(6)) {
      case 0:
        return scope.mats.push_back(call("aten::t", "", {any(scope.mats)}, tensor_));
      case 1:
        return scope.mats.push_back(call("aten::reshape", "", {any(scope.mats), shape()}, tensor_));
      case 2:
        return scope.mats.push_back(call("aten::detach", "", {any(scope.mats)}, tensor_));
      case 3:
        return scope.mats.push_back(call("aten::type_as", "", {any(scope.mats), any(scope.mats)}, tensor_));
      case 4: {
        Value* rows = call("aten::unbind", "int", {any(scope.mats), integer(0)}, list_);
        return scope.rows.push_back(call("aten::__getitem__", "t", {rows, integer(below(3))}, tensor_));
      }
      default:
        return scope.rows.push_back(
            call("aten::select", "int", {any(scope.mats), integer(below(2)), integer(below(3))}, tensor_));
    }
  }

  void write(Scope& scope) {
    const bool row = !scope.rows.empty() && below(3) == 0;
    std::vector<Value*>& targets = row ? scope.rows : scope.mats;
    switch (below(5)) {
      case 0:
        return targets.push_back(call("aten::add_", "Scalar", {any(targets), number(0.25), integer(1)}, tensor_));
      case 1:
        return targets.push_back(call("aten::mul_", "Scalar", {any(targets), number(0.5)}, tensor_));
      case 2:
        return targets.push_back(call("aten::tanh_", "", {any(targets)}, tensor_));
      case 3:
        call("aten::zero_", "", {any(targets)}, tensor_);
        return;
      default: {
        Value* fresh = call("aten::clone", "", {any(targets), graph_->insert_constant(IValue())}, tensor_);
        call("aten::copy_", "", {any(targets), fresh, graph_->insert_constant(false)}, tensor_);
      }
    }
  }

  void list(Scope& scope) {
    if (scope.lists.empty() || below(4) == 0) {
      return scope.lists.push_back(structure(c10::prim::ListConstruct, {any(scope.mats), any(scope.mats)}, list_));
    }
    switch (below(6)) {
      case 0:
        call("aten::append", "t", {any(scope.lists), any(scope.mats)}, list_);
        return;
      case 1:
        return scope.mats.push_back(call("aten::__getitem__", "t", {any(scope.lists), integer(below(2))}, tensor_));
      case 2:
        call("aten::_set_item", "t", {any(scope.lists), integer(below(2)), any(scope.mats)}, list_);
        return;
      case 3:
        return scope.ints.push_back(call("aten::len", "t", {any(scope.lists)}, int_));
      case 4:
        return scope.lists.push_back(call("aten::add", "t", {any(scope.lists), any(scope.lists)}, list_));
      default: {
        Value* all = call("aten::stack", "", {any(scope.lists), integer(0)}, tensor_);
        Value* dims = structure(c10::prim::ListConstruct, {integer(0)}, c10::ListType::ofInts());
        Value* mean = call("aten::mean", "dim",
                           {all, dims, graph_->insert_constant(false), graph_->insert_constant(IValue())}, tensor_);
        scope.mats.push_back(mean);
      }
    }
  }

  void numbers(Scope& scope) {
    switch (below(5)) {
      case 0:
        return scope.ints.push_back(call("aten::add", "int", {any(scope.ints), integer(below(2))}, int_));
      case 1:
        return scope.ints.push_back(call("aten::size", "int", {any(scope.mats), integer(0)}, int_));
      case 2: {
        Value* made = call("prim::NumToTensor", "Scalar", {any(scope.ints)}, tensor_);
        if (below(3) == 0) call("aten::add_", "Scalar", {made, integer(1), integer(1)}, tensor_);
        return scope.ints.push_back(call("aten::Int", "Tensor", {made}, int_));
      }
      case 3:
        return scope.bools.push_back(call("aten::lt", "int", {any(scope.ints), any(scope.ints)}, bool_));
      default:
        return scope.bools.push_back(call("aten::__not__", "", {any(scope.bools)}, bool_));
    }
  }

  void tuple(Scope& scope) {
    if (scope.tuples.empty() || below(2) == 0) {
      return scope.tuples.push_back(structure(c10::prim::TupleConstruct, {any(scope.mats), any(scope.ints)}, tuple_));
    }
    Node* unpack = graph_->insert(graph_->create(c10::prim::TupleUnpack, {any(scope.tuples)}, 2));
    unpack->output(0)->set_type(tensor_);
    unpack->output(1)->set_type(int_);
    scope.mats.push_back(unpack->output(0));
    scope.ints.push_back(unpack->output(1));
  }

  std::vector<Value*>& of_type(Scope& scope, const c10::TypePtr& type) {
    switch (type->kind()) {
      case c10::TypeKind::TensorType:
        return scope.mats;
      case c10::TypeKind::IntType:
        return scope.ints;
      case c10::TypeKind::BoolType:
        return scope.bools;
      case c10::TypeKind::ListType:
        return scope.lists;
      default:
        return scope.tuples;
    }
  }
  std::vector<c10::TypePtr> some_types(const Scope& scope) {
    std::vector<c10::TypePtr> types;
    for (size_t i = below(3); i-- > 0;) types.push_back(tensor_);
    if (below(2) == 0) types.push_back(int_);
    if (below(3) == 0) types.push_back(bool_);
    if (!scope.lists.empty() && below(2) == 0) types.push_back(list_);
    if (!scope.tuples.empty() && below(2) == 0) types.push_back(tuple_);
    return types;
  }
  void publish(const Node* owner, Scope& scope) {
    for (Value* output : owner->outputs()) of_type(scope, output->type()).push_back(output);
  }
  void yield(const Node* owner, Block* block, Scope& scope) {
    for (const Value* output : owner->outputs()) block->add_output(any(of_type(scope, output->type())));
  }

  void branch(Scope& scope, int depth) {
    const std::vector<c10::TypePtr> types = some_types(scope);
    Node* owner = graph_->insert(graph_->create(c10::prim::If, {any(scope.bools)}, types.size()));
    for (size_t i = 0; i < types.size(); ++i) owner->output(i)->set_type(types[i]);
    for (int side = 0; side < 2; ++side) {
      Block* block = owner->add_block();
      ir::InsertPoint point(block);
      Scope inner = scope;
      if (below(4) != 0) fill(inner, depth + 1);
      yield(owner, block, inner);
    }
    publish(owner, scope);
  }

  void loop(Scope& scope, int depth) {
    const std::vector<c10::TypePtr> types = some_types(scope);
    Value* trips = integer(static_cast<int64_t>(below(4)));
    Value* condition = below(3) == 0 ? any(scope.bools) : graph_->insert_constant(true);
    Node* owner = graph_->insert(graph_->create(c10::prim::Loop, {trips, condition}, types.size()));
    Block* body = owner->add_block();
    Scope inner = scope;
    inner.ints.push_back(body->add_input(int_));
    for (size_t i = 0; i < types.size(); ++i) {
      owner->output(i)->set_type(types[i]);
      owner->add_input(any(of_type(scope, types[i])));
      of_type(inner, types[i]).push_back(body->add_input(types[i]));
    }
    {
      ir::InsertPoint point(body);
      fill(inner, depth + 1);
      body->add_output(below(2) == 0 ? graph_->insert_constant(true) : any(inner.bools));
      yield(owner, body, inner);
    }
    publish(owner, scope);
  }

  const c10::TypePtr tensor_ = c10::TensorType::get();
  const c10::TypePtr int_ = c10::IntType::get();
  const c10::TypePtr bool_ = c10::BoolType::get();
  const c10::TypePtr list_ = c10::ListType::ofTensors();
  const c10::TypePtr tuple_ = c10::TupleType::create({tensor_, int_});
  std::mt19937_64 random_;
  std::shared_ptr<Graph> graph_;
  std::vector<at::Tensor> constants_;
};

struct Program {
  std::shared_ptr<Graph> graph;
  std::vector<at::Tensor> constants;
  std::vector<at::Tensor> initial;
  std::vector<IValue> arguments;
};

Program program_of(uint64_t seed) {
  Generator generator(seed);
  Program program;
  program.graph = generator.make();
  program.constants = generator.constants();
  for (const at::Tensor& constant : program.constants) program.initial.push_back(constant.clone());
  at::manual_seed(seed);
  const at::Tensor x = at::randn({3, 3});
  // Now and then a caller passes one tensor twice, or a view of it.
  const at::Tensor y = seed % 5 == 0 ? x : seed % 5 == 1 ? x.t() : at::randn({3, 3});
  program.arguments = {x, y, static_cast<int64_t>(seed % 4), seed % 2 == 0};
  return program;
}

// With the constants as they were, because programs write to them; what is in them afterwards counts as an argument.
testing::RunResult run_anew(const Program& program, const Graph& graph) {
  for (size_t i = 0; i < program.constants.size(); ++i) program.constants[i].copy_(program.initial[i]);
  testing::RunResult result = testing::run(graph, program.arguments);
  for (const at::Tensor& constant : program.constants) result.arguments.emplace_back(constant);
  const std::vector<at::Tensor> after = {program.constants[0].clone(), program.constants[2].clone()};
  for (const at::Tensor& tensor : after) result.results.emplace_back(tensor);
  return result;
}

testing::RunResult with_results_kept(testing::RunResult result) {
  // A result may be a constant, which the next run changes: keep a copy of the elements beside who shares what.
  for (IValue& value : result.results) value = value.isTensor() ? IValue(value.toTensor().clone()) : value.deepcopy();
  return result;
}

void expect_unchanged(const Program& program, const Graph& before, const Graph& after, uint64_t seed,
                      std::string_view what) {
  const testing::RunResult expected = run_anew(program, before);
  const std::vector<size_t> shared = testing::sharing(expected);
  const testing::RunResult kept = with_results_kept(expected);
  const testing::RunResult got = run_anew(program, after);
  EXPECT_EQ(testing::sharing(got), shared) << what << ", seed " << seed;
  const std::string difference = testing::difference(with_results_kept(got), kept, 1e-5);
  ASSERT_EQ(difference, "") << what << ", seed " << seed << "\n" << ir::print(before) << "\n" << ir::print(after);
}

constexpr uint64_t kPrograms = 120;

TEST(RandomPrograms, AreTheSameThroughEachPass) {
  for (uint64_t seed = 1; seed <= kPrograms; ++seed) {
    const Program program = program_of(seed);
    for (const PassInfo& pass : all_passes()) {
      const std::shared_ptr<Graph> graph = program.graph->copy();
      PassContext context = testing::plain_context(Level::kFast);
      const absl::StatusOr<bool> changed = run_pass(pass, *graph, context);
      ASSERT_TRUE(changed.ok()) << changed.status() << "\n" << ir::print(*program.graph);
      if (!*changed) continue;
      ASSERT_NO_FATAL_FAILURE(expect_unchanged(program, *program.graph, *graph, seed, pass.name));
    }
  }
}

TEST(RandomPrograms, AreTheSameThroughThePipeline) {
  size_t nodes_before = 0;
  size_t nodes_after = 0;
  for (uint64_t seed = 1; seed <= kPrograms; ++seed) {
    const Program program = program_of(seed);
    for (const Level level : {Level::kExact, Level::kFast}) {
      const std::shared_ptr<Graph> graph = program.graph->copy();
      PassContext context = testing::plain_context(level);
      const absl::Status status = optimize(*graph, context);
      ASSERT_TRUE(status.ok()) << status;
      ASSERT_NO_FATAL_FAILURE(expect_unchanged(program, *program.graph, *graph, seed, "the pipeline"));
      nodes_before += program.graph->node_count();
      nodes_after += graph->node_count();
    }
  }
  EXPECT_LT(nodes_after, nodes_before * 3 / 4) << "the programs have to be worth optimizing";
}

}  // namespace
}  // namespace vesta::passes
