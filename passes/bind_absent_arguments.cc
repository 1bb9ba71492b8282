// Which arguments are None is a part of how a method is called: its code is made for each such kind of call by itself
// (runtime/api/frozen_methods.h), and an input that is None there has the type NoneType. Its readers get a constant, by
// which conditions like `mask is not None` are decided.

#include "passes/pass.h"

namespace vesta::passes {

absl::StatusOr<bool> bind_absent_arguments(ir::Graph& graph, PassContext&) {
  ir::Node* none = nullptr;
  for (ir::Value* input : graph.inputs()) {
    if (input->type()->kind() != c10::TypeKind::NoneType || !input->has_uses()) continue;
    if (none == nullptr) {
      none = graph.create_constant(c10::IValue());
      graph.block()->prepend(none);
    }
    input->replace_all_uses_with(none->output());
  }
  return none != nullptr;
}

}  // namespace vesta::passes
