// Schemas mark arguments that are written to, and results that may share an argument's memory. They do not tell the
// rest: that is in tables of names here, each read by one function.

#include "ir/effects.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include <ATen/core/enum_tag.h>
#include <ATen/core/interned_strings.h>

#include "absl/container/flat_hash_set.h"

namespace vesta::ir {
namespace {

using Names = absl::flat_hash_set<std::string_view>;

bool listed(const Names& names, std::string_view name) { return names.contains(name); }

// Libraries whose schemas have been looked at.
const Names& known_namespaces() {
  static const auto* const names = new Names{"aten", "prim", "quantized", "mkldnn", "torchvision", "_quantized"};
  return *names;
}

bool is_known(const Operator& op) {
  const std::string_view name = op.schema.name();
  if (name.starts_with("aten::")) return true;  // Asked for each node by each pass.
  return listed(known_namespaces(), name.substr(0, name.find("::")));
}

// "add_" and "_no_grad_fill_", but not "__and__".
bool is_named_in_place(std::string_view name) {
  return name.size() > 2 && name.ends_with('_') && !name.ends_with("__");
}

const Names& silent_aliases() {
  static const auto* const names = new Names{
      "aten::dropout",
      "aten::feature_dropout",
      "aten::alpha_dropout",
      "aten::feature_alpha_dropout",
      "aten::einsum",
      "aten::atleast_1d",
      "aten::atleast_2d",
      "aten::atleast_3d",
      "aten::meshgrid",
      "aten::type_as",
      "aten::broadcast_tensors",
      "aten::conj_physical",
      "aten::sum_to_size",
      "aten::cartesian_prod",
      "aten::resolve_conj",
      "aten::resolve_neg",
      "aten::chain_matmul",
      "aten::linalg_matrix_power",
      "aten::matrix_power",
      "aten::to_mkldnn",
      "aten::to_dense",
      "aten::dequantize",
      "aten::pin_memory",
      "aten::combinations",
      "aten::_pack_sequence",
      "aten::_pack_padded_sequence",
      "aten::_pad_packed_sequence",
  };
  return *names;
}

constexpr StatisticsWriter kStatisticsWriters[] = {
    {"aten::batch_norm", 3, 4, 5},
    {"aten::native_batch_norm", 3, 4, 5},
    {"aten::_batch_norm_impl_index", 3, 4, 5},
    {"aten::cudnn_batch_norm", 3, 4, 5},
    {"aten::miopen_batch_norm", 3, 4, 5},
    {"aten::instance_norm", 3, 4, 5},
};

// Beside those that libtorch tags. What asks for the state of a thread or of the process is as bad as a random number:
// it must not be computed ahead, nor once for two.
const Names& nondeterministic_names() {
  static const auto* const names = new Names{
      "aten::empty",
      "aten::empty_like",
      "aten::empty_strided",
      "aten::new_empty",
      "aten::new_empty_strided",
      "aten::empty_permuted",
      "aten::empty_quantized",
      "aten::_empty_affine_quantized",
      "aten::resize",
      "aten::is_grad_enabled",
      "aten::is_autocast_enabled",
      "aten::is_autocast_cpu_enabled",
      "aten::get_autocast_dtype",
      "aten::Generator",
      "aten::initial_seed",
      "prim::TimePoint",
      "prim::id",
      "aten::_get_tracing_state",
      "aten::_get_cpu_capability",
      "aten::has_torch_function",
      "aten::hash",
      "prim::grad",
      "prim::requires_grad",
      "aten::is_leaf",
      "aten::_version",
      "aten::retains_grad",
      "aten::output_nr",
  };
  return *names;
}

// Beside those that write to an argument or have no result.
const Names& effectful_names() {
  static const auto* const names = new Names{
      "aten::grad",
      "aten::wait",
      "prim::awaitable_wait",
      "prim::awaitable_nowait",
      "aten::_async_error",
      "aten::_functional_assert_async",
      "aten::_print",
      "aten::set_grad_enabled",
      "aten::Generator",
      "aten::seed",
      "aten::_embedding_bag_dense_backward",
      "prim::ModuleContainerIndex",
  };
  return *names;
}

// Of an operator whose library is known.
bool writes_argument(const Operator& op, size_t i) {
  const c10::AliasInfo* info = op.schema.arguments()[i].alias_info();
  if (info != nullptr && info->isWrite()) return true;
  return i == 0 && (is_named_in_place(op.schema.name()) || op.schema.name() == "aten::_no_grad_embedding_renorm_");
}

bool is_constant_false(const Value* value) {
  const Node* node = value->node();
  if (node->kind() != prim::Constant) return false;
  const AttributeValue* held = node->find(attr::value);
  const auto* constant = held == nullptr ? nullptr : std::get_if<c10::IValue>(held);
  if (constant == nullptr) return false;
  return (constant->isBool() && !constant->toBool()) || (constant->isDouble() && constant->toDouble() == 0.0);
}

// Random operators whose argument of this name, false or 0, makes them not so.
bool is_switched_off(const Node& node) {
  const auto& arguments = node.op()->schema.arguments();
  for (size_t i = 0; i < std::min(arguments.size(), node.inputs().size()); ++i) {
    const std::string& name = arguments[i].name();
    const bool is_switch = name == "train" || name == "training" || name == "dropout_p";
    if (is_switch && is_constant_false(node.input(i))) return true;
  }
  return false;
}

// Structural nodes that only compute.
bool is_pure_structure(Symbol kind) {
  static const auto* const kinds = new absl::flat_hash_set<Symbol>{
      prim::Constant,       prim::Uninitialized,  prim::GetAttr,     prim::ListConstruct, prim::DictConstruct,
      prim::TupleConstruct, prim::ListUnpack,     prim::TupleUnpack, prim::TupleIndex,    prim::TupleSlice,
      prim::isinstance,     prim::unchecked_cast, prim::EnumName,    prim::EnumValue,     prim::CreateObject};
  return kinds->contains(kind);
}

// Operators on numbers, and questions about tensors, that give a result whatever they get.
const Names& infallible_names() {
  static const auto* const names = new Names{
      "aten::__is__",  "aten::__isnot__",     "aten::__not__",      "aten::len",          "aten::dim",
      "prim::dtype",   "prim::device",        "prim::is_cuda",      "prim::is_cpu",       "prim::layout",
      "aten::numel",   "prim::requires_grad", "prim::is_quantized", "prim::is_sparse",    "prim::is_mkldnn",
      "prim::is_meta", "prim::is_xpu",        "prim::is_mps",       "aten::is_scripting",
  };
  return *names;
}

const Names& infallible_on_numbers() {
  static const auto* const names = new Names{
      "aten::add",     "aten::sub",   "aten::mul",  "aten::eq",  "aten::ne",      "aten::lt",
      "aten::le",      "aten::gt",    "aten::ge",   "aten::neg", "aten::__and__", "aten::__or__",
      "aten::__xor__", "aten::Float", "aten::Bool", "prim::max", "prim::min",
  };
  return *names;
}

bool is_number(const Value* value) {
  const c10::TypeKind kind = value->type()->kind();
  return kind == c10::TypeKind::IntType || kind == c10::TypeKind::FloatType || kind == c10::TypeKind::BoolType;
}

bool operator_may_fail(const Node& node) {
  const Operator& op = *node.op();
  const std::string_view name = op.schema.name();
  if (listed(infallible_names(), name)) return false;
  if (name == "aten::size" && node.inputs().size() == 1) return false;
  const bool numbers = std::all_of(node.inputs().begin(), node.inputs().end(), is_number);
  return !(op.is_builtin() && numbers && listed(infallible_on_numbers(), name));
}

}  // namespace

bool may_write(const Operator& op, size_t i) {
  return i < op.schema.arguments().size() && (writes_argument(op, i) || !is_known(op));
}

bool aliases_silently(const Operator& op) { return !is_known(op) || listed(silent_aliases(), op.schema.name()); }

const StatisticsWriter* statistics_writer(const Operator& op) {
  const auto* const it = std::find_if(std::begin(kStatisticsWriters), std::end(kStatisticsWriters),
                                      [&](const StatisticsWriter& writer) { return op.schema.name() == writer.name; });
  return it == std::end(kStatisticsWriters) ? nullptr : it;
}

bool is_nondeterministic(const Node& node) {
  const Operator* op = node.op();
  if (op == nullptr) return !is_pure_structure(node.kind()) || node.kind() == prim::CreateObject;
  if (!is_known(*op) || listed(nondeterministic_names(), op->schema.name())) return true;
  const bool tagged = op->handle.has_value() && op->handle->hasTag(at::Tag::nondeterministic_seeded);
  return tagged && !is_switched_off(node);
}

bool has_side_effects(const Node& node) {
  const Operator* op = node.op();
  if (op == nullptr) return !is_pure_structure(node.kind());
  const std::string_view name = op->schema.name();
  if (!is_known(*op) || listed(effectful_names(), name)) return true;
  if (op->schema.returns().empty() && !op->schema.is_varret()) return true;
  for (size_t i = 0; i < op->schema.arguments().size(); ++i) {
    if (writes_argument(*op, i)) return true;
  }
  // Drawing a random number moves the generator on.
  if (op->handle.has_value() && op->handle->hasTag(at::Tag::nondeterministic_seeded) && !is_switched_off(node)) {
    return true;
  }
  const StatisticsWriter* statistics = statistics_writer(*op);
  return statistics != nullptr &&
         !(statistics->training < node.inputs().size() && is_constant_false(node.input(statistics->training)));
}

bool may_fail(const Node& node) {
  if (node.op() != nullptr) return operator_may_fail(node);
  return !is_pure_structure(node.kind()) || node.kind() == prim::ListUnpack;
}

}  // namespace vesta::ir
