// One walk with the set of values in scope; a block's values leave the set at its end. Types are compared
// where a wrong one would make lowering choose a wrong register bank or slot, by subtyping.

#include "ir/verifier.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "ir/operator.h"
#include "ir/printer.h"
#include "ir/support/status.h"

namespace vesta::ir {
namespace {

struct PrimRow {
  Symbol kind;
  int min_inputs;
  int max_inputs;
  int outputs;
  int blocks;
};

const std::vector<PrimRow>& prim_rows() {
  static const std::vector<PrimRow> rows = {
#define VESTA_PRIM(name, min_inputs, max_inputs, outputs, blocks) \
  {Symbol::fromQualString("prim::" #name), min_inputs, max_inputs, outputs, blocks},
#include "ir/prim_ops.def"
#undef VESTA_PRIM
  };
  return rows;
}

const PrimRow* find_prim(Symbol kind) {
  for (const PrimRow& row : prim_rows()) {
    if (row.kind == kind) return &row;
  }
  return nullptr;
}

// Types with free variables are bound by the emitter; here they match anything.
bool matches(const c10::Type& actual, const c10::Type& formal) {
  return formal.hasFreeVariables() || actual.isSubtypeOf(formal);
}

// What structural nodes' attributes hold (ir/prim_ops.def).
struct AttributeRow {
  Symbol kind;
  Symbol name;
  bool (*holds)(const AttributeValue& value);
  bool required = true;
};

template <class T>
bool holds(const AttributeValue& value) {
  return std::holds_alternative<T>(value);
}

const std::vector<AttributeRow>& attribute_rows() {
  static const auto* const rows = new std::vector<AttributeRow>{
      {prim::Constant, attr::value, holds<c10::IValue>, false},
      {prim::Constant, attr::name, holds<std::string>, false},
      {prim::GetAttr, attr::name, holds<std::string>},
      {prim::SetAttr, attr::name, holds<std::string>},
      {prim::CallMethod, attr::name, holds<std::string>},
      {prim::TupleSlice, attr::beg, holds<int64_t>},
      {prim::TupleSlice, attr::end, holds<int64_t>},
      {prim::isinstance, attr::types, holds<std::vector<c10::TypePtr>>},
      {prim::fork, attr::Subgraph, holds<std::shared_ptr<Graph>>},
      {prim::awaitable, attr::Subgraph, holds<std::shared_ptr<Graph>>},
      {Symbol::prim("PlannedGroup"), attr::Subgraph, holds<std::shared_ptr<Graph>>},
  };
  return *rows;
}

class Verifier {
 public:
  absl::Status graph(const Graph& graph) {
    if (graph.block()->owning_node() != nullptr) return absl::InternalError("the top block has an owner");
    return block(*graph.block());
  }

 private:
  static absl::Status broken(const Node& node, std::string_view law) {
    return absl::InternalError(
        absl::StrCat("broken graph: ", absl::string_view(law.data(), law.size()), "\n", print(node)));
  }

  absl::Status block(const Block& block) {
    std::vector<const Value*> defined;
    auto define = [&](const Value* value) {
      in_scope_.insert(value);
      for (const Use& use : value->uses()) {
        // A use that is listed at another value is found by uses(), or its reader's value is not in scope.
        if (use.index < use.user->inputs().size() && use.user->input(use.index) == value) {
          listed_uses_.insert({use.user, use.index});
        }
      }
      defined.push_back(value);
    };
    for (const Value* input : block.inputs()) define(input);
    for (const Node* node : block.nodes()) {
      if (node->owning_block() != &block) return broken(*node, "a node does not know its block");
      VESTA_RETURN_IF_ERROR(inputs(*node));
      VESTA_RETURN_IF_ERROR(shape(*node));
      for (const Block* inner : node->blocks()) VESTA_RETURN_IF_ERROR(this->block(*inner));
      VESTA_RETURN_IF_ERROR(yields(*node));
      for (size_t i = 0; i < node->outputs().size(); ++i) {
        const Value* output = node->outputs()[i];
        if (output->node() != node || output->offset() != i) return broken(*node, "an output does not know its node");
        if (output->type() == nullptr) return broken(*node, "an output has no type");
        VESTA_RETURN_IF_ERROR(uses(*node, *output));
        define(output);
      }
    }
    VESTA_RETURN_IF_ERROR(inputs(*block.return_node()));
    for (const Value* value : defined) in_scope_.erase(value);
    return absl::OkStatus();
  }

  absl::Status inputs(const Node& node) const {
    for (size_t i = 0; i < node.inputs().size(); ++i) {
      const Value* input = node.inputs()[i];
      if (!in_scope_.contains(input)) {
        return broken(node, absl::StrCat("input ", i, " is read where it is not defined"));
      }
      if (!listed_uses_.contains({&node, i}))
        return broken(node, absl::StrCat("the use as input ", i, " is not listed at the value"));
    }
    return absl::OkStatus();
  }

  static absl::Status uses(const Node& node, const Value& value) {
    for (const Use& use : value.uses()) {
      if (use.index >= use.user->inputs().size() || use.user->inputs()[use.index] != &value) {
        return broken(node, "a listed use does not read the value");
      }
    }
    return absl::OkStatus();
  }

  static absl::Status shape(const Node& node) {
    if (node.op() != nullptr) return against_schema(node);
    const PrimRow* row = find_prim(node.kind());
    if (row == nullptr) return broken(node, "a node has neither an operator nor a structural kind");
    const int inputs = static_cast<int>(node.inputs().size());
    if (inputs < row->min_inputs || (row->max_inputs >= 0 && inputs > row->max_inputs)) {
      return broken(node, "wrong number of inputs");
    }
    if (row->outputs >= 0 && static_cast<int>(node.outputs().size()) != row->outputs) {
      return broken(node, "wrong number of outputs");
    }
    if (static_cast<int>(node.blocks().size()) != row->blocks) return broken(node, "wrong number of blocks");
    VESTA_RETURN_IF_ERROR(attributes(node));
    if (node.kind() == prim::If && node.input(0)->type()->kind() != c10::TypeKind::BoolType) {
      return broken(node, "a condition is not a bool");
    }
    return absl::OkStatus();
  }

  static absl::Status attributes(const Node& node) {
    for (const AttributeRow& row : attribute_rows()) {
      if (row.kind != node.kind()) continue;
      const AttributeValue* const value = node.find(row.name);
      if (value == nullptr && row.required) {
        return broken(node, absl::StrCat("the attribute '", row.name.toUnqualString(), "' is missing"));
      }
      if (value != nullptr && !row.holds(*value)) {
        return broken(node, absl::StrCat("the attribute '", row.name.toUnqualString(), "' is of another kind"));
      }
    }
    return node.kind() == prim::Constant ? constant(node) : absl::OkStatus();
  }

  static absl::Status constant(const Node& node) {
    const c10::Type& type = *node.output(0)->type();
    if (node.has(attr::name)) {
      if (type.kind() != c10::TypeKind::FunctionType) return broken(node, "is no function");
      for (const Use& use : node.output(0)->uses()) {
        if (use.user->kind() != prim::CallFunction || use.index != 0) return broken(node, "a function is no value");
      }
      return absl::OkStatus();
    }
    if (node.has(attr::value) || c10::NoneType::get()->isSubtypeOf(type)) return absl::OkStatus();
    return broken(node, "a constant without a value is None, and its type has no None");
  }

  static absl::Status against_schema(const Node& node) {
    const c10::FunctionSchema& schema = node.op()->schema;
    if (schema.name() != node.kind().toQualString()) return broken(node, "its operator has another name");
    const size_t expected = schema.arguments().size();
    if (node.inputs().size() < expected || (!schema.is_vararg() && node.inputs().size() != expected)) {
      return broken(node, absl::StrCat("the operator takes ", expected, " arguments"));
    }
    // Its schema is "(...)", but no reader asks how many there are.
    if (schema.is_vararg() && schema.name() == "prim::tolist" && node.inputs().size() != 3) {
      return broken(node, "the operator takes a tensor, its number of dimensions and the kind of its elements");
    }
    for (size_t i = 0; i < expected; ++i) {
      const c10::Type& actual = *node.input(i)->type();
      const c10::Type& formal = *schema.arguments()[i].type();
      if (!matches(actual, formal)) {
        return broken(node, absl::StrCat("argument '", schema.arguments()[i].name(), "' takes ", print(formal),
                                         ", got ", print(actual)));
      }
    }
    if (!schema.is_varret() && node.outputs().size() != schema.returns().size()) {
      return broken(node, absl::StrCat("the operator has ", schema.returns().size(), " results"));
    }
    for (size_t i = 0; i < std::min(schema.returns().size(), node.outputs().size()); ++i) {
      // It may be known better than the schema tells, or less.
      const c10::Type& actual = *node.outputs()[i]->type();
      const c10::Type& formal = *schema.returns()[i].type();
      if (!matches(actual, formal) && !matches(formal, actual)) {
        return broken(node, absl::StrCat("result ", i, " is ", print(formal), ", not ", print(actual)));
      }
    }
    return absl::OkStatus();
  }

  static absl::Status yields(const Node& node) {
    if (node.kind() == prim::If) {
      for (const Block* block : node.blocks()) {
        if (!block->inputs().empty()) return broken(node, "a branch has inputs");
        VESTA_RETURN_IF_ERROR(yields_match(node, *block, 0));
      }
    }
    if (node.kind() == prim::Loop) {
      const Block& body = *node.block(0);
      const size_t carried = node.inputs().size() - 2;
      if (node.outputs().size() != carried || body.inputs().size() != carried + 1) {
        return broken(node, "the loop's carried values do not agree in number");
      }
      if (node.input(0)->type()->kind() != c10::TypeKind::IntType ||
          node.input(1)->type()->kind() != c10::TypeKind::BoolType) {
        return broken(node, "a loop takes (int, bool, ...)");
      }
      if (body.outputs().empty() || body.outputs()[0]->type()->kind() != c10::TypeKind::BoolType) {
        return broken(node, "a loop's body yields a bool first");
      }
      for (size_t i = 0; i < carried; ++i) {
        if (!matches(*node.input(i + 2)->type(), *body.inputs()[i + 1]->type())) {
          return broken(node, absl::StrCat("carried value ", i, " enters the loop with another type"));
        }
      }
      return yields_match(node, body, 1);
    }
    return absl::OkStatus();
  }

  static absl::Status yields_match(const Node& node, const Block& block, size_t skip) {
    if (block.outputs().size() != node.outputs().size() + skip) {
      return broken(node, "a block yields another number of values than the node has outputs");
    }
    for (size_t i = 0; i < node.outputs().size(); ++i) {
      if (!matches(*block.outputs()[i + skip]->type(), *node.outputs()[i]->type())) {
        return broken(node, absl::StrCat("a block yields ", print(*block.outputs()[i + skip]->type()), " for output ",
                                         i, " of type ", print(*node.outputs()[i]->type())));
      }
    }
    return absl::OkStatus();
  }

  std::unordered_set<const Value*> in_scope_;
  // Of all values that have been in scope: a search in each value's list would make the whole quadratic.
  absl::flat_hash_set<std::pair<const Node*, size_t>> listed_uses_;
};

}  // namespace

absl::Status verify(const Graph& graph) { return Verifier().graph(graph); }

}  // namespace vesta::ir
