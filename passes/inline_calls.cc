// Calls whose target is known when the graph is compiled are replaced by the called function's body. A node that came
// this way keeps its own source line, and an ir::InlinedCall that tells the chain of calls, so messages stay as they
// were. Recursive calls stay calls; so does what would make the graph larger than the context allows.
//
// The body is copied into a block of a node that is in no list, and moved from there to the place of the call.

#include <unordered_map>

#include <ATen/core/class_type.h>
#include <ATen/core/jit_type.h>

#include "passes/pass.h"
#include "passes/rewrite.h"

namespace vesta::passes {
namespace {

using ir::Block;
using ir::Function;
using ir::Graph;
using ir::InlinedCall;
using ir::Node;
using ir::Value;

// The function that a node calls, null where that is not known or not one of ours.
const Function* target_of(const Node& node) {
  if (node.kind() == c10::prim::CallFunction) {
    const auto type = node.input(0)->type()->cast<c10::FunctionType>();
    return type == nullptr ? nullptr : dynamic_cast<const Function*>(type->function());
  }
  if (node.kind() != c10::prim::CallMethod) return nullptr;
  const auto type = node.input(0)->type()->cast<c10::ClassType>();
  torch::jit::Function* method = type == nullptr ? nullptr : type->findMethod(node.s(c10::attr::name));
  return dynamic_cast<const Function*>(method);
}

class Inliner {
 public:
  Inliner(Graph& graph, const PassContext& context) : graph_(graph), context_(context) {}

  bool run() {
    block(graph_.block());
    return changed_;
  }

 private:
  void block(Block* body) {
    for (Node* node = body->first(); node != nullptr;) {
      for (Block* inner : node->blocks()) block(inner);
      Node* before = node->prev();
      if (const Function* callee = target_of(*node); callee != nullptr && may_inline(*node, *callee)) {
        inline_call(node, *callee);
        // The calls in what was inlined come next.
        node = before == nullptr ? body->first() : before->next();
        changed_ = true;
      } else {
        node = node->next();
      }
    }
  }

  bool may_inline(const Node& call, const Function& callee) const {
    if (callee.graph() == nullptr || !may_inline_from(*callee.program()) || &callee == context_.function) return false;
    if (graph_.node_count() + callee.graph()->node_count() > context_.max_nodes) return false;
    size_t depth = 0;
    for (const InlinedCall* outer = call.inlined_call().get(); outer != nullptr; outer = outer->outer.get()) {
      if (outer->callee == &callee || ++depth >= context_.max_call_depth) return false;
    }
    const size_t skipped = call.kind() == c10::prim::CallFunction ? 1 : 0;
    const std::vector<Value*>& parameters = callee.graph()->inputs();
    if (call.inputs().size() != parameters.size() + skipped) return false;
    if (call.outputs().size() != callee.graph()->outputs().size()) return false;
    for (size_t i = 0; i < parameters.size(); ++i) {
      // An int for a float is converted by a call, and only by it.
      if (!call.input(i + skipped)->type()->isSubtypeOf(*parameters[i]->type())) return false;
    }
    for (size_t i = 0; i < call.outputs().size(); ++i) {
      if (!callee.graph()->outputs()[i]->type()->isSubtypeOf(*call.output(i)->type())) return false;
    }
    return true;
  }

  bool may_inline_from(const ir::Program& program) const {
    if (context_.function != nullptr && context_.function->program() == &program) return true;
    return context_.may_inline_from && context_.may_inline_from(program);
  }

  void inline_call(Node* call, const Function& callee) {
    const size_t skipped = call->kind() == c10::prim::CallFunction ? 1 : 0;
    const Graph& body = *callee.graph();
    std::unordered_map<const Value*, Value*> map;
    for (size_t i = 0; i < body.inputs().size(); ++i) map[body.inputs()[i]] = call->input(i + skipped);
    const auto mark = std::make_shared<const InlinedCall>(
        InlinedCall{&callee, callee.display_name(), call->range(), call->inlined_call()});
    const std::vector<Value*> results =
        copy_nodes_before(call, *body.block(), map, [&](Node* node) { node->set_inlined_call(mark); });
    for (size_t i = 0; i < call->outputs().size(); ++i) call->output(i)->replace_all_uses_with(results[i]);
    call->destroy();
  }

  Graph& graph_;
  const PassContext& context_;
  bool changed_ = false;
};

}  // namespace

absl::StatusOr<bool> inline_calls(Graph& graph, PassContext& context) { return Inliner(graph, context).run(); }

}  // namespace vesta::passes
