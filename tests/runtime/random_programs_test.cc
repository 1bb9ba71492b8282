// Random programs of nested branches and loops over values of both banks, run as bytecode and by the plain
// evaluator. This is what finds a register that was given away too early.

#include <random>

#include <gtest/gtest.h>

#include "ir/printer.h"
#include "runtime/disassembler.h"
#include "runtime/lowering.h"
#include "runtime/runner.h"
#include "tests/runtime/graph_evaluator.h"

namespace vesta::runtime {
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
    for (int i = 0; i < 3; ++i) scope.ints.push_back(graph_->add_input(int_));
    scope.lists.push_back(graph_->add_input(list_));
    scope.optionals.push_back(graph_->add_input(optional_));
    fill(scope, 0);
    for (int i = 0; i < 3; ++i) graph_->add_output(any(scope.ints));
    graph_->add_output(any(scope.lists));
    graph_->add_output(any(scope.optionals));
    return graph_;
  }

 private:
  struct Scope {
    std::vector<Value*> ints, bools, lists, optionals, tuples;
  };

  size_t below(size_t bound) { return std::uniform_int_distribution<size_t>(0, bound - 1)(random_); }
  // Late values more often: then earlier ones die.
  Value* any(const std::vector<Value*>& values) {
    const size_t window = below(3) == 0 ? values.size() : std::min<size_t>(values.size(), 4);
    return values[values.size() - 1 - below(window)];
  }
  Value* node(const char* kind, std::initializer_list<Value*> inputs, const c10::TypePtr& type) {
    Node* made = graph_->insert(graph_->create(c10::Symbol::fromQualString(kind), inputs, 1));
    made->output()->set_type(type);
    return made->output();
  }
  Value* integer(int64_t value) { return graph_->insert_constant(value); }
  // Dividing by constants; of the sums also: a step that may be joined with the one before.
  Value* divide(Scope& scope) {
    static constexpr const char* kKinds[] = {"aten::remainder", "aten::floordiv", "aten::__and__"};
    static constexpr int64_t kDivisors[] = {1, 2, 3, 8, 101, -3, -2};
    Value* x = below(2) == 0 ? any(scope.ints) : node("aten::add", {any(scope.ints), any(scope.ints)}, int_);
    return node(kKinds[below(3)], {x, integer(kDivisors[below(7)])}, int_);
  }
  // A comparison, or `and`, `or` and worse: an If that gives a bool.
  Value* condition(Scope& scope, int depth) {
    if (depth >= 3 || below(3) != 0) return below(4) == 0 ? parity(scope) : compare(scope);
    Node* owner = graph_->insert(graph_->create(c10::prim::If, {condition(scope, depth + 1)}, 1));
    owner->output(0)->set_type(bool_);
    for (int side = 0; side < 2; ++side) {
      Block* block = owner->add_block();
      const ir::InsertPoint point(block);
      Scope inner = scope;
      if (below(4) == 0) fill(inner, 3);
      const size_t what = below(4);
      block->add_output(what < 2 ? graph_->insert_constant(what == 0) : condition(inner, depth + 1));
    }
    return owner->output(0);
  }
  Value* parity(Scope& scope) {
    Value* rest = node("aten::remainder", {any(scope.ints), integer(2)}, int_);
    return node("aten::eq", {rest, integer(static_cast<int64_t>(below(2)))}, bool_);
  }
  Value* compare(Scope& scope) {
    static constexpr const char* kKinds[] = {"aten::lt", "aten::ge", "aten::eq"};
    return node(kKinds[below(3)], {any(scope.ints), any(scope.ints)}, bool_);
  }

  void fill(Scope& scope, int depth) {
    const size_t count = 3 + below(8);
    for (size_t i = 0; i < count; ++i) statement(scope, depth);
  }

  void statement(Scope& scope, int depth) {
    static constexpr const char* kArithmetic[] = {"aten::add", "aten::sub", "aten::mul"};
    switch (below(depth < 3 ? 14 : 10)) {
      case 0:
      case 1:
      case 2:
        // Masked: numbers stay small enough for the evaluator's plain ints.
        scope.ints.push_back(node(kArithmetic[below(2)], {any(scope.ints), any(scope.ints)}, int_));
        break;
      case 3:
        scope.ints.push_back(below(2) == 0 ? divide(scope) : integer(static_cast<int64_t>(below(7)) - 3));
        break;
      case 4:
        scope.bools.push_back(compare(scope));
        break;
      case 5:
        scope.lists.push_back(node("prim::ListConstruct", {any(scope.ints), any(scope.ints)}, list_));
        break;
      case 6:
        scope.ints.push_back(node("aten::__getitem__", {any(scope.lists), integer(below(2) == 0 ? 0 : -1)}, int_));
        break;
      case 7: {
        Value* tuple = node("prim::TupleConstruct", {any(scope.ints), any(scope.lists)}, tuple_);
        scope.tuples.push_back(tuple);
        break;
      }
      case 8:
        if (!scope.tuples.empty()) {
          Node* unpack = graph_->insert(graph_->create(c10::prim::TupleUnpack, {any(scope.tuples)}, 2));
          unpack->output(0)->set_type(int_);
          unpack->output(1)->set_type(list_);
          scope.ints.push_back(unpack->output(0));
          scope.lists.push_back(unpack->output(1));
        }
        break;
      case 9:
        scope.optionals.push_back(unwrap(scope));
        break;
      case 10:
      case 11:
        branch(scope, depth);
        break;
      default:
        loop(scope, depth);
        break;
    }
  }

  // x if x is not None else an int, as an optional again.
  Value* unwrap(Scope& scope) {
    Value* optional = any(scope.optionals);
    Value* none = graph_->insert_constant(IValue());
    Node* test = graph_->insert(graph_->create(c10::prim::If, {node("aten::__is__", {optional, none}, bool_)}, 2));
    test->output(0)->set_type(int_);
    test->output(1)->set_type(optional_);
    {
      ir::InsertPoint point(test->add_block());
      test->block(0)->add_output(any(scope.ints));
      test->block(0)->add_output(any(scope.ints));
    }
    {
      ir::InsertPoint point(test->add_block());
      test->block(1)->add_output(node("prim::unchecked_cast", {optional}, int_));
      test->block(1)->add_output(none);
    }
    scope.ints.push_back(test->output(0));
    return test->output(1);
  }

  void yield(Node* owner, Block* block, Scope& scope) {
    for (const Value* output : owner->outputs()) {
      const c10::TypeKind kind = output->type()->kind();
      block->add_output(kind == c10::TypeKind::IntType        ? any(scope.ints)
                        : kind == c10::TypeKind::ListType     ? any(scope.lists)
                        : kind == c10::TypeKind::OptionalType ? any(below(2) == 0 ? scope.optionals : scope.ints)
                                                              : any(scope.tuples));
    }
  }
  void type_results(Node* owner, const Scope& scope) {
    for (Value* output : owner->outputs()) {
      const size_t choice = below(scope.tuples.empty() ? 5 : 6);
      output->set_type(choice < 3 ? int_ : choice == 3 ? list_ : choice == 4 ? optional_ : tuple_);
    }
  }
  void publish(const Node* owner, Scope& scope) {
    for (Value* output : owner->outputs()) publish(output, scope);
  }
  void publish(Value* value, Scope& scope) {
    const c10::TypeKind kind = value->type()->kind();
    (kind == c10::TypeKind::IntType        ? scope.ints
     : kind == c10::TypeKind::ListType     ? scope.lists
     : kind == c10::TypeKind::OptionalType ? scope.optionals
                                           : scope.tuples)
        .push_back(value);
  }

  void branch(Scope& scope, int depth) {
    Value* choice = below(3) == 0 && !scope.bools.empty() ? any(scope.bools) : condition(scope, depth);
    Node* owner = graph_->insert(graph_->create(c10::prim::If, {choice}, below(4)));
    type_results(owner, scope);
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
    const size_t kind_of_loop = below(3);  // for, while, both at once
    Value* trips = integer(kind_of_loop == 1 ? INT64_MAX : static_cast<int64_t>(below(4)));
    Value* first = kind_of_loop == 2 ? condition(scope, depth) : graph_->insert_constant(true);
    const size_t carried = below(5) + (kind_of_loop == 1 ? 1 : 0);
    Node* owner = graph_->insert(graph_->create(c10::prim::Loop, {trips, first}, carried));
    type_results(owner, scope);
    if (kind_of_loop == 1) owner->output(carried - 1)->set_type(int_);
    Block* body = owner->add_block();
    Scope inner = scope;
    Value* index = body->add_input(int_);
    if (kind_of_loop != 1) inner.ints.push_back(index);
    for (Value* output : owner->outputs()) {
      const c10::TypeKind kind = output->type()->kind();
      owner->add_input(kind == c10::TypeKind::IntType        ? any(scope.ints)
                       : kind == c10::TypeKind::ListType     ? any(scope.lists)
                       : kind == c10::TypeKind::OptionalType ? any(scope.optionals)
                                                             : any(scope.tuples));
      publish(body->add_input(output->type()), inner);
    }
    ir::InsertPoint point(body);
    fill(inner, depth + 1);
    if (kind_of_loop == 1) {
      end_while(owner, body, inner, depth);
    } else {
      body->add_output(kind_of_loop == 2 ? condition(inner, depth) : graph_->insert_constant(true));
      yield(owner, body, inner);
      if (below(3) == 0) rotate(body);
    }
    publish(owner, scope);
  }

  // What is carried last counts down, so that the loop ends.
  void end_while(Node* owner, Block* body, Scope& inner, int depth) {
    Value* count = body->inputs().back();
    Value* low = node("aten::remainder", {count, integer(4)}, int_);
    Value* next = node("aten::sub", {low, integer(1)}, int_);
    Value* more = node("aten::ge", {next, integer(0)}, bool_);
    if (below(2) == 0) {
      Node* both = graph_->insert(graph_->create(c10::prim::If, {more}, 1));
      both->output(0)->set_type(bool_);
      for (int side = 0; side < 2; ++side) {
        Block* block = both->add_block();
        const ir::InsertPoint point(block);
        Scope deeper = inner;
        block->add_output(side == 0 ? condition(deeper, depth + 1) : graph_->insert_constant(false));
      }
      more = both->output(0);
    }
    body->add_output(more);
    yield(owner, body, inner);
    body->replace_output(body->outputs().size() - 1, next);
  }

  // Each int that is carried becomes the one behind it, the last one a new one: `a, b = b, f(a, b)`.
  void rotate(Block* body) {
    for (size_t i = 1; i + 1 < body->inputs().size(); ++i) {
      const bool ints = body->inputs()[i]->type() == int_ && body->inputs()[i + 1]->type() == int_;
      if (ints) body->replace_output(i, body->inputs()[i + 1]);
    }
  }

  const c10::TypePtr int_ = c10::IntType::get();
  const c10::TypePtr bool_ = c10::BoolType::get();
  const c10::TypePtr list_ = c10::ListType::ofInts();
  const c10::TypePtr optional_ = c10::OptionalType::create(c10::IntType::get());
  const c10::TypePtr tuple_ = c10::TupleType::create({int_, list_});
  std::mt19937_64 random_;
  std::shared_ptr<Graph> graph_;
};

std::vector<IValue> arguments_for(uint64_t seed) {
  const auto n = static_cast<int64_t>(seed % 7);
  return {n, int64_t{1}, -n, c10::List<int64_t>({n, int64_t{5}}), seed % 2 == 0 ? IValue() : IValue(n)};
}

TEST(RandomPrograms, BytecodeGivesWhatThePlainEvaluatorGives) {
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    const std::shared_ptr<Graph> graph = Generator(seed).make();
    const std::vector<IValue> expected = testing::evaluate(*graph, arguments_for(seed));
    ir::Stack stack = arguments_for(seed);
    const absl::Status status = Runner::standard().run(*graph, stack);
    ASSERT_TRUE(status.ok()) << seed << ": " << status << "\n"
                             << ir::print(*graph) << disassemble(**lower(*graph, "random", nullptr));
    ASSERT_EQ(stack.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      if (stack[i] == expected[i]) continue;
      auto code = lower(*graph, "random", nullptr);
      FAIL() << "seed " << seed << ", result " << i << ": " << stack[i] << ", expected " << expected[i] << "\n"
             << ir::print(*graph) << disassemble(**code);
    }
  }
}

}  // namespace
}  // namespace vesta::runtime
