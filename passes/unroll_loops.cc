// A loop of a few rounds, as many as are known beforehand, becomes its rounds one after the other. Where there are
// operators on tensors in it that pays: the round's number is a constant in each (which element of a list, which
// branch), and what several rounds compute comes into one plan. Loops over numbers alone are left: the interpreter is
// quick with them, and code grows.

#include <algorithm>

#include "passes/pass.h"
#include "passes/rewrite.h"

namespace vesta::passes {
namespace {

using ir::Block;
using ir::Graph;
using ir::Node;
using ir::Value;
namespace prim = c10::prim;

constexpr int64_t kMaxRounds = 16;
constexpr size_t kMaxNodes = 512;  // Of all rounds of a loop.

class Unroller {
 public:
  Unroller(Graph& graph, const PassContext& context) : graph_(graph), context_(context) {}

  bool run() {
    bool changed = false;
    for_each_node(graph_.block(), [&](Node* node) {
      if (node->kind() != prim::Loop || !pays(*node)) return;
      unroll(node);
      changed = true;
    });
    return changed;
  }

 private:
  bool pays(const Node& loop) const {
    const c10::IValue* rounds = constant_of(loop.input(0));
    if (rounds == nullptr || !rounds->isInt() || rounds->toInt() < 1 || rounds->toInt() > kMaxRounds) return false;
    if (!is_constant(loop.input(1), true) || !is_constant(loop.block(0)->outputs()[0], true)) return false;
    size_t nodes = 0;
    bool has_tensors = false;
    for_each_node(loop.block(0), [&](const Node* node) {
      ++nodes;
      has_tensors = has_tensors || makes_tensors(*node);
    });
    const size_t grown = nodes * static_cast<size_t>(rounds->toInt());
    return has_tensors && grown <= kMaxNodes && graph_.node_count() + grown <= context_.max_nodes;
  }

  static bool makes_tensors(const Node& node) {
    if (node.op() == nullptr || node.op()->is_builtin()) return false;
    return std::any_of(node.outputs().begin(), node.outputs().end(),
                       [](const Value* output) { return output->type()->isSubtypeOf(*c10::TensorType::get()); });
  }

  void unroll(Node* loop) {
    Block* const body = loop->block(0);
    const int64_t rounds = constant_of(loop->input(0))->toInt();
    std::vector<Value*> carried(loop->inputs().begin() + 2, loop->inputs().end());
    for (int64_t round = 0; round < rounds; ++round) {
      std::unordered_map<const Value*, Value*> map;
      map[body->inputs()[0]] = constant_before(loop, round, c10::IntType::get());
      for (size_t i = 0; i < carried.size(); ++i) map[body->inputs()[i + 1]] = carried[i];
      const std::vector<Value*> made = copy_nodes_before(loop, *body, map);
      carried.assign(made.begin() + 1, made.end());
    }
    for (size_t i = 0; i < carried.size(); ++i) loop->output(i)->replace_all_uses_with(carried[i]);
    loop->destroy();
  }

  Graph& graph_;
  const PassContext& context_;
};

}  // namespace

absl::StatusOr<bool> unroll_loops(Graph& graph, PassContext& context) { return Unroller(graph, context).run(); }

}  // namespace vesta::passes
