// The object that is called is known, and so are the modules below it: a value that is such an object is followed
// through prim::GetAttr, and an attribute that never changes becomes a constant at the beginning of the graph, one for
// all that read it. The constant is the very tensor or container that the object holds. A module that is known only by
// an interface gets its own class, by which its methods can be inlined.

#include <map>
#include <unordered_map>

#include <ATen/core/class_type.h>

#include "passes/pass.h"
#include "passes/rewrite.h"

namespace vesta::passes {
namespace {

using c10::ivalue::Object;
using ir::Block;
using ir::Graph;
using ir::Node;
using ir::Value;

class Freezer {
 public:
  Freezer(Graph& graph, const PassContext& context) : graph_(graph), context_(context) {}

  bool run() {
    if (context_.self == nullptr || !context_.frozen_attribute || graph_.inputs().empty()) return false;
    known_[graph_.inputs()[0]] = context_.self;
    block(graph_.block());
    return changed_;
  }

 private:
  void block(Block* body) {
    for (Node* node : body->nodes()) {
      for (Block* inner : node->blocks()) block(inner);
      if (node->kind() == c10::prim::GetAttr) get_attribute(node);
    }
  }

  void get_attribute(Node* node) {
    const auto object = known_.find(node->input(0));
    if (object == known_.end()) return;
    const std::string& name = node->s(c10::attr::name);
    std::optional<c10::IValue> value = context_.frozen_attribute(*object->second, name);
    if (!value.has_value()) return;
    Value* output = node->output();
    if (value->isObject()) {
      const c10::ClassTypePtr type = value->toObjectRef().type();
      if (output->type()->kind() == c10::TypeKind::InterfaceType && type->isSubtypeOf(*output->type())) {
        output->set_type(type);
        changed_ = true;
      }
      known_[output] = value->toObject();
      return;
    }
    output->replace_all_uses_with(constant(*object->second, name, *std::move(value), node));
    node->destroy();
    changed_ = true;
  }

  Value* constant(const Object& object, const std::string& name, c10::IValue value, const Node* node) {
    Value*& made = constants_[{&object, name}];
    if (made != nullptr) return made;
    c10::TypePtr type = type_of_constant(value, node->output()->type());
    Node* constant = graph_.create_constant(std::move(value), std::move(type));
    constant->set_place_of(*node);
    graph_.block()->prepend(constant);
    made = constant->output();
    made->set_name(name);
    return made;
  }

  Graph& graph_;
  const PassContext& context_;
  std::unordered_map<const Value*, c10::intrusive_ptr<Object>> known_;
  std::map<std::pair<const Object*, std::string>, Value*> constants_;
  bool changed_ = false;
};

}  // namespace

absl::StatusOr<bool> freeze_attributes(Graph& graph, PassContext& context) { return Freezer(graph, context).run(); }

}  // namespace vesta::passes
