// One walk over the subgraph. The environment maps each value to a constant (numbers, lists, None, weights) or to a
// tensor of the plan. A node whose inputs are all constant is executed now; any other is given to its handler.

#include "runtime/plan/builder.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runtime/kernels/registry.h"
#include "runtime/plan/builder_context.h"

namespace vesta::runtime::plan {

namespace aten = c10::aten;
namespace attr = c10::attr;
namespace prim = c10::prim;

int point_op_arity(PointOp op) {
  static constexpr int kArities[] = {
#define VESTA_POINT_OP(name, arity) arity,
#include "runtime/plan/pointwise_ops.def"
#undef VESTA_POINT_OP
  };
  return kArities[static_cast<size_t>(op)];
}

bool writes_in_place(c10::Symbol kind) {
  const std::string_view name = kind.toUnqualString();
  return kind.is_aten() && name.size() > 1 && name.back() == '_' && name[name.size() - 2] != '_';
}

Dims contiguous_strides(const Dims& dims) {
  Dims strides(dims.size());
  int64_t step = 1;
  for (size_t i = dims.size(); i-- > 0;) {
    strides[i] = step;
    step *= std::max<int64_t>(dims[i], 1);
  }
  return strides;
}

bool is_contiguous(const PlanTensor& tensor) {
  int64_t step = 1;
  for (size_t i = tensor.dims.size(); i-- > 0;) {
    if (tensor.dims[i] == 1) continue;
    if (tensor.strides[i] != step) return false;
    step *= tensor.dims[i];
  }
  return true;
}

absl::StatusOr<PlanGraph> build_plan_graph(const ir::Graph& subgraph, std::span<const PlanInput> inputs,
                                           DerivedConstants& constants, const ir::Node** refused) {
  PlanGraph plan;
  Builder builder(plan, constants);
  if (absl::Status status = builder.run(subgraph, inputs); !status.ok()) {
    if (refused != nullptr) *refused = builder.refused();
    return status;
  }
  return plan;
}

bool has_plan_handler(c10::Symbol kind) { return Builder::handlers().contains(kind); }
size_t plan_handlers() { return Builder::handlers().size(); }

void Builder::refuse(std::string_view what) {
  if (status_.ok()) status_ = absl::UnimplementedError(absl::string_view(what.data(), what.size()));
}

absl::Status Builder::run(const ir::Graph& subgraph, std::span<const PlanInput> inputs) {
  if (inputs.size() != subgraph.inputs().size()) return absl::InternalError("a plan's inputs do not agree");
  for (size_t i = 0; i < inputs.size(); ++i) {
    const TensorId input = new_tensor(inputs[i].sizes);
    plan_.tensor(input).mask = inputs[i].kind != InputKind::kFloat;
    plan_.tensor(input).integers = inputs[i].kind == InputKind::kLong || inputs[i].kind == InputKind::kInt;
    given_.insert(input);
    plan_.inputs.push_back(input);
    bind(subgraph.inputs()[i], input);
  }
  run_block(*subgraph.block());
  for (const ir::Value* output : subgraph.outputs()) {
    const Abstract& result = value(output);
    if (!failed()) refused_ = output->node();
    if (result.kind != Abstract::Kind::kTensor) refuse("a result is no tensor of the plan");
    plan_.outputs.push_back(tensor_of(result));
    if (failed()) return status_;
    const PlanTensor& last = at(plan_.outputs.back());
    if (last.mask && !last.integers && !given_.contains(plan_.outputs.back())) refuse("a result is a bool tensor");
    if (last.integers && last.is_constant()) refuse("a result is a constant of ints");
    if (copied_.contains(last.base)) refuse("a result is a view that an index chooses");
    if (!failed() && shares_constant()) refuse("two results are of one constant's memory");
  }
  return status_;
}

// Whether the last result lies in the memory of a constant (zeros_like among them) that another one lies in. Each would
// be a copy of its own, or all one copy: neither is what plain execution gives, where a view follows what is written
// into its base, and what two nodes fill are two tensors.
bool Builder::shares_constant() const {
  const auto storage = [this](TensorId id) -> const void* {
    const PlanTensor& tensor = at(id);
    return tensor.is_constant() ? tensor.constant.storage().unsafeGetStorageImpl() : nullptr;
  };
  const void* const last = storage(plan_.outputs.back());
  return last != nullptr &&
         std::any_of(plan_.outputs.begin(), plan_.outputs.end() - 1, [&](TensorId id) { return storage(id) == last; });
}

void Builder::run_block(const ir::Block& block) {
  for (const Node* node : block.nodes()) {
    if (failed()) return;
    if (block.owning_node() == nullptr) refused_ = node;
    run_node(*node);
    if (failed())
      status_ = absl::UnimplementedError(absl::StrCat("'", node->kind().toQualString(), "': ", status_.message()));
  }
}

void Builder::run_node(const Node& node) {
  if (node.kind() == prim::Constant) {
    const ir::AttributeValue* held = node.find(attr::value);
    return bind_constant(node.output(), held == nullptr ? c10::IValue() : std::get<c10::IValue>(*held));
  }
  if (node.kind() == prim::Uninitialized) return bind_constant(node.output(), c10::IValue());
  if (node.kind() == prim::If) return run_if(node);
  if (node.op() != nullptr && all_constant(node)) return run_constant_node(node);
  const auto handler = handlers().find(node.kind());
  if (handler == handlers().end()) return refuse("has no plan");
  (this->*handler->second)(node);
}

void Builder::run_if(const Node& node) {
  const ir::Block& taken = *node.block(boolean(node, 0) ? 0 : 1);
  if (failed()) return;
  run_block(taken);
  for (size_t i = 0; i < node.outputs().size(); ++i) bind(node.output(i), value(taken.outputs()[i]));
}

bool Builder::all_constant(const Node& node) const {
  for (const ir::Value* input : node.inputs()) {
    auto found = environment_.find(input);
    if (found == environment_.end() || found->second.kind != Abstract::Kind::kConstant) return false;
  }
  return !node.inputs().empty();
}

void Builder::run_constant_node(const Node& node) {
  if (writes_in_place(node.kind())) return refuse("writes into a constant");
  std::vector<c10::IValue> stack;
  for (const ir::Value* input : node.inputs()) stack.push_back(value(input).constant);
  if (node.op()->is_builtin()) {
    if (node.op()->schema.is_vararg()) stack.emplace_back(static_cast<int64_t>(stack.size()));
    if (const absl::Status status = builtin_kernel(node.op()->builtin)(stack); !status.ok())
      return refuse(std::string(status.message()));
  } else {
    node.op()->handle->callBoxed(stack);
  }
  if (stack.size() != node.outputs().size()) return refuse("gives another number of results");
  for (size_t i = 0; i < stack.size(); ++i) bind_constant(node.output(i), std::move(stack[i]));
}

// ---- Values

const Abstract& Builder::value(const ir::Value* value) {
  auto found = environment_.find(value);
  if (found != environment_.end()) return found->second;
  refuse("reads what has no value");
  static const Abstract none;
  return none;
}

void Builder::bind_constant(const ir::Value* value, c10::IValue constant) {
  Abstract abstract;
  abstract.constant = std::move(constant);
  bind(value, std::move(abstract));
}

Abstract Builder::tensor_value(TensorId tensor) {
  Abstract abstract;
  abstract.kind = Abstract::Kind::kTensor;
  abstract.cell = cells_.size();
  cells_.push_back(tensor);
  return abstract;
}

bool Builder::is_tensor(const Node& node, size_t i) { return value(node.input(i)).kind == Abstract::Kind::kTensor; }

TensorId Builder::tensor_of(const Abstract& abstract) {
  if (abstract.kind == Abstract::Kind::kTensor) return cells_[abstract.cell];
  if (abstract.kind == Abstract::Kind::kConstant && abstract.constant.isTensor())
    return constant_tensor(abstract.constant.toTensor());
  refuse("takes a tensor");
  return constant_tensor(at::Tensor());
}

TensorId Builder::constant_tensor(const at::Tensor& constant) {
  const bool usable = constant.defined() && constant.layout() == c10::kStrided && constant.device().is_cpu() &&
                      constant.scalar_type() == at::kFloat;
  if (!usable) refuse("takes a constant that is no float32 tensor on the CPU");
  auto [found, is_new] = constant_tensors_.emplace(constant.unsafeGetTensorImpl(), kNoTensor);
  if (is_new) {
    PlanTensor tensor;
    if (usable) {
      tensor.dims = constant.sizes().vec();
      tensor.strides = constant.strides().vec();
      tensor.constant = constant;
    }
    found->second = plan_.add(std::move(tensor));
  }
  return found->second;
}

at::Tensor Builder::constant_of(const Node& node, size_t i) {
  const Abstract& held = value(node.input(i));
  if (held.kind == Abstract::Kind::kConstant && held.constant.isTensor()) {
    return at(tensor_of(held)).constant;
  }
  refuse("takes a constant");
  return at::Tensor();
}

bool Builder::is_none(const Node& node, size_t i) {
  const Abstract& held = value(node.input(i));
  return held.kind == Abstract::Kind::kConstant && held.constant.isNone();
}

int64_t Builder::integer(const Node& node, size_t i) {
  const Abstract& held = value(node.input(i));
  if (held.kind == Abstract::Kind::kConstant && held.constant.isInt()) return held.constant.toInt();
  refuse("takes a known int");
  return 0;
}

bool Builder::boolean(const Node& node, size_t i) {
  const Abstract& held = value(node.input(i));
  if (held.kind == Abstract::Kind::kConstant && held.constant.isBool()) return held.constant.toBool();
  refuse("takes a known bool");
  return false;
}

double Builder::number(const Node& node, size_t i) {
  const Abstract& held = value(node.input(i));
  if (held.kind == Abstract::Kind::kConstant) {
    if (held.constant.isInt()) return static_cast<double>(held.constant.toInt());
    if (held.constant.isDouble()) return held.constant.toDouble();
  }
  refuse("takes a known number");
  return 0;
}

Dims Builder::integers(const Node& node, size_t i) {
  const Abstract& held = value(node.input(i));
  if (held.kind == Abstract::Kind::kConstant && held.constant.isIntList()) return held.constant.toIntVector();
  if (held.kind == Abstract::Kind::kConstant && held.constant.isInt()) return {held.constant.toInt()};
  refuse("takes a known list of ints");
  return {};
}

Dims Builder::integers(const Node& node, size_t i, size_t count) {
  Dims list = integers(node, i);
  if (list.size() == 1) list.resize(count, list[0]);
  if (list.size() != count) {
    refuse("takes a list of another length");
    list.resize(count, 1);
  }
  return list;
}

// ---- Tensors

TensorId Builder::new_tensor(Dims dims) {
  Dims strides = contiguous_strides(dims);
  return new_tensor(std::move(dims), std::move(strides));
}

TensorId Builder::new_tensor(Dims dims, Dims strides) {
  PlanTensor tensor;
  tensor.dims = std::move(dims);
  tensor.strides = std::move(strides);
  for (int64_t size : tensor.dims) {
    if (size <= 0) refuse("has an empty tensor");
  }
  return plan_.add(std::move(tensor));
}

Step& Builder::new_step(StepParams params, std::vector<TensorId> inputs, TensorId output) {
  for (TensorId input : inputs) {
    if ((given_.contains(input) && at(input).mask) || at(input).integers) refuse("computes with another type");
  }
  return new_indexing_step(std::move(params), std::move(inputs), output);
}

Step& Builder::new_indexing_step(StepParams params, std::vector<TensorId> inputs, TensorId output) {
  Step step;
  step.params = std::move(params);
  step.inputs = std::move(inputs);
  step.outputs = {output};
  plan_.steps.push_back(std::move(step));
  return plan_.steps.back();
}

int64_t Builder::wrap(int64_t dim, size_t rank) {
  const auto size = static_cast<int64_t>(std::max<size_t>(rank, 1));
  if (dim < -size || dim >= size) {
    refuse("names a dimension that does not exist");
    return 0;
  }
  return dim < 0 ? dim + size : dim;
}

void Builder::bind_written(const Node& node, TensorId result) {
  if (!writes_in_place(node.kind())) return bind(node.output(), result);
  const Abstract written = value(node.input(0));
  if (written.kind != Abstract::Kind::kTensor) return refuse("writes into a constant");
  const TensorId old = cells_[written.cell];
  if (at(old).base != old || given_.contains(old) || viewed_.contains(old)) return refuse("writes into shared memory");
  if (at(old).mask != at(result).mask) return refuse("writes another type");
  if (dims(old) != dims(result)) return refuse("writes another size");
  for (TensorId& cell : cells_) {
    if (cell == old) cell = result;
  }
  bind(node.output(), written);
}

// ---- Lists and tuples

void Builder::construct(const Node& node) {
  if (all_constant(node) && node.kind() == prim::ListConstruct) {
    const c10::TypePtr element = node.output()->type()->containedType(0);
    c10::impl::GenericList list(element);
    for (const ir::Value* input : node.inputs()) list.push_back(value(input).constant);
    return bind_constant(node.output(), std::move(list));
  }
  Abstract made;
  made.kind = Abstract::Kind::kList;
  for (const ir::Value* input : node.inputs()) made.elements.push_back(value(input));
  bind(node.output(), std::move(made));
}

void Builder::unpack(const Node& node) {
  const Abstract list = value(node.input(0));
  if (list.kind != Abstract::Kind::kList || list.elements.size() != node.outputs().size())
    return refuse("unpacks another number of values");
  for (size_t i = 0; i < node.outputs().size(); ++i) bind(node.output(i), list.elements[i]);
}

void Builder::element(const Node& node) {
  const Abstract list = value(node.input(0));
  const int64_t index = integer(node, 1);
  if (failed() || list.kind != Abstract::Kind::kList) return refuse("takes an element of an unknown list");
  const auto size = static_cast<int64_t>(list.elements.size());
  if (index < -size || index >= size) return refuse("takes an element that is not there");
  bind(node.output(), list.elements[static_cast<size_t>(index < 0 ? index + size : index)]);
}

void Builder::length(const Node& node) {
  const Abstract& list = value(node.input(0));
  if (list.kind == Abstract::Kind::kTensor) {
    const Dims& sizes = dims(cells_[list.cell]);
    if (sizes.empty()) return refuse("asks for the length of a number");
    return bind_constant(node.output(), sizes[0]);
  }
  if (list.kind != Abstract::Kind::kList) return refuse("asks for the length of an unknown list");
  bind_constant(node.output(), static_cast<int64_t>(list.elements.size()));
}

void Builder::none_test(const Node& node) {
  const bool negated = node.kind() == aten::__isnot__;
  const Abstract& x = value(node.input(0));
  const Abstract& y = value(node.input(1));
  const auto none = [](const Abstract& held) {
    return held.kind == Abstract::Kind::kConstant && held.constant.isNone();
  };
  if (!none(x) && !none(y)) return refuse("compares identities");
  bind_constant(node.output(), (none(x) && none(y)) != negated);
}

void Builder::cast(const Node& node) { bind(node.output(), Abstract(value(node.input(0)))); }

std::string to_string(const PlanGraph& graph) {
  static constexpr const char* kNames[] = {"convolution", "matmul", "attention", "pool", "softmax", "layer_norm",
                                           "concat",      "copy",   "gather",    "bag",  "argmax",  "pointwise"};
  std::string text;
  for (const Step& step : graph.steps) {
    for (TensorId output : step.outputs) {
      absl::StrAppend(&text, "t", output, "[", absl::StrJoin(graph.tensor(output).dims, "x"), "] ");
    }
    absl::StrAppend(&text, "= ", kNames[step.params.index()], "(");
    for (TensorId input : step.inputs) {
      absl::StrAppend(&text, graph.tensor(input).is_constant() ? "c" : "t", input, " ");
    }
    absl::StrAppend(&text, ")");
    if (const auto* point = step.as<PointwiseParams>()) absl::StrAppend(&text, " of ", point->program.size());
    if (!step.post_ops.empty()) absl::StrAppend(&text, " + ", step.post_ops.size());
    absl::StrAppend(&text, "\n");
  }
  return text;
}

}  // namespace vesta::runtime::plan
