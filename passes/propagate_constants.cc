// A node whose inputs are constants is computed once, now, where that gives what it would give at each call: it neither
// draws random numbers nor asks for the state of a thread; nobody writes to the tensors and lists that it reads; and
// what it makes is a number or a string, or a tensor or list that nobody writes to and that is not seen from outside,
// where a new one at each call could be told from the same one. Tensors are made of tensors only (others depend on the
// default dtype), and take no more memory than what they are made of. Whether a value is None is often known by its
// type alone.

#include <algorithm>

#include <ATen/core/List.h>
#include <ATen/core/Tensor.h>

#include "ir/effects.h"
#include "passes/alias_analysis.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

namespace vesta::passes {
namespace {

using c10::IValue;
using c10::TypeKind;
using ir::Graph;
using ir::Node;
using ir::Value;

constexpr size_t kMaxStringBytes = 4096;

bool is_small(const IValue& value) { return !value.isString() || value.toStringRef().size() <= kMaxStringBytes; }

// Whether the value can be None: no, yes, or (nullopt) perhaps.
std::optional<bool> is_none(const Value* value) {
  if (const IValue* constant = constant_of(value)) return constant->isNone();
  const c10::Type& type = *value->type();
  if (type.kind() == TypeKind::NoneType) return true;
  if (type.hasFreeVariables() || c10::NoneType::get()->isSubtypeOf(type)) return std::nullopt;
  return false;
}

// `x is None`, where x's type or constant decides.
std::optional<bool> decided_identity(const Node& node) {
  if (node.kind() != c10::aten::__is__ && node.kind() != c10::aten::__isnot__) return std::nullopt;
  const std::optional<bool> left = is_none(node.input(0));
  const std::optional<bool> right = is_none(node.input(1));
  if (!left.has_value() || !right.has_value() || (!*left && !*right)) return std::nullopt;
  return (*left == *right) == (node.kind() == c10::aten::__is__);
}

// The bytes of tensors and lists in a constant.
size_t bytes_of(const IValue& value) {
  if (value.isTensor()) {
    const at::Tensor& tensor = value.toTensor();
    return tensor.defined() && tensor.has_storage() ? tensor.storage().nbytes() : 0;
  }
  size_t bytes = 0;
  if (value.isList()) {
    for (const IValue& element : value.toListRef()) bytes += sizeof(IValue) + bytes_of(element);
  }
  return bytes;
}

bool is_plain_tensor(const IValue& value) {
  const at::Tensor& tensor = value.toTensor();
  return tensor.defined() && tensor.has_storage() && tensor.layout() == c10::kStrided && !tensor.requires_grad();
}

// A tensor or list that the optimizer may make: strided tensors, lists of numbers, strings and of such tensors.
bool may_be_constant(const IValue& value) {
  if (value.isTensor()) return is_plain_tensor(value);
  if (!value.isList()) return !value.isObject() && !value.isGenericDict();
  const auto elements = value.toListRef();
  return std::all_of(elements.begin(), elements.end(), [](const IValue& element) {
    return element.isInt() || element.isDouble() || element.isBool() || element.isString() ||
           (element.isTensor() && is_plain_tensor(element));
  });
}

class Folder {
 public:
  Folder(const PassContext& context, const Graph& graph) : context_(context), aliases_(graph) {}

  bool fold(Node* node) const {
    if (!node->blocks().empty() || node->kind() == c10::prim::Constant) return false;
    if (const std::optional<bool> decided = decided_identity(*node)) return replace(node, {IValue(*decided)});
    if (node->kind() == c10::prim::unchecked_cast) return fold_cast(node);
    if (node->kind() == c10::prim::ListConstruct) return fold_list(node);
    if (node->op() == nullptr || !context_.evaluate || !may_fold(*node)) return false;
    std::vector<IValue> inputs;
    size_t limit = kMaxBytes;
    for (const Value* input : node->inputs()) {
      inputs.push_back(*constant_of(input));
      limit += bytes_of(inputs.back());
    }
    absl::StatusOr<std::vector<IValue>> outputs = context_.evaluate(*node->op(), std::move(inputs));
    if (!outputs.ok() || outputs->size() != node->outputs().size()) return false;
    for (const IValue& output : *outputs) {
      if (!is_small(output) || !may_be_constant(output) || bytes_of(output) > limit) return false;
    }
    return replace(node, *std::move(outputs));
  }

 private:
  static constexpr size_t kMaxBytes = 4096;

  bool is_settled(const Value* value) const {
    return is_immutable(value->type()) || (!aliases_.has_writers(value) && !aliases_.escapes(value));
  }

  bool may_fold(const Node& node) const {
    if (node.outputs().empty() || ir::has_side_effects(node) || ir::is_nondeterministic(node)) return false;
    bool reads_tensors = false;
    for (const Value* input : node.inputs()) {
      const IValue* constant = constant_of(input);
      if (constant == nullptr || !may_be_constant(*constant) || aliases_.has_writers(input)) return false;
      reads_tensors = reads_tensors || constant->isTensor() || (constant->isList() && constant->isTensorList());
    }
    if (reads_tensors && context_.uses_autocast) return false;
    for (const Value* output : node.outputs()) {
      if (is_immutable(output->type())) continue;
      const TypeKind kind = output->type()->kind();
      if (kind != TypeKind::ListType && (kind != TypeKind::TensorType || !reads_tensors)) return false;
      if (!is_settled(output)) return false;
    }
    return true;
  }

  bool fold_list(Node* node) const {
    Value* output = node->output();
    const c10::TypePtr element = output->type()->expectRef<c10::ListType>().getElementType();
    if (!is_settled(output)) return false;
    c10::impl::GenericList list(element);
    for (const Value* input : node->inputs()) {
      const IValue* constant = constant_of(input);
      if (constant == nullptr || aliases_.has_writers(input)) return false;
      const bool fits = constant->isInt() || constant->isDouble() || constant->isBool() || constant->isString() ||
                        constant->isTensor();
      // An int for a float would be converted.
      if (!fits || !(*input->type() == *element)) return false;
      list.push_back(*constant);
    }
    return replace(node, {IValue(std::move(list))});
  }

  // A constant of another type; the value itself where its own type says as much, lists among constants too.
  static bool fold_cast(Node* node) {
    const Value* input = node->input(0);
    // In a branch that is never taken, None may be cast to anything.
    if (!input->type()->isSubtypeOf(*node->output()->type())) return false;
    const IValue* constant = constant_of(input);
    if (constant != nullptr && is_immutable(input->type())) return replace(node, {*constant});
    node->output()->replace_all_uses_with(node->input(0));
    node->destroy();
    return true;
  }

  static bool replace(Node* node, std::vector<IValue> values) {
    for (size_t i = 0; i < values.size(); ++i) {
      Value* output = node->output(i);
      output->replace_all_uses_with(constant_before(node, std::move(values[i]), output->type()));
    }
    node->destroy();
    return true;
  }

  const PassContext& context_;
  const AliasAnalysis aliases_;
};

}  // namespace

absl::StatusOr<bool> propagate_constants(Graph& graph, PassContext& context) {
  const Folder folder(context, graph);
  bool changed = false;
  for_each_node(graph.block(), [&](Node* node) { changed = folder.fold(node) || changed; });
  return changed;
}

}  // namespace vesta::passes
