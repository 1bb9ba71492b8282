// Most follows from the schema: alias annotations tell what is written and what is looked at through a view. The tables
// hold what schemas do not tell.

#include "tracer/operator_facts.h"

#include <algorithm>
#include <string_view>

namespace vesta::tracer {
namespace {

constexpr std::string_view kRawMemory[] = {
    "aten::empty",           "aten::empty_strided",           "aten::empty_like",
    "aten::new_empty",       "aten::new_empty_strided",       "aten::empty_permuted",
    "aten::empty_quantized", "aten::_empty_affine_quantized", "aten::_empty_per_channel_affine_quantized",
};

// Fill self whole without looking at it.
constexpr std::string_view kFillers[] = {
    "aten::fill_",        "aten::zero_",   "aten::copy_",       "aten::normal_",    "aten::uniform_",   "aten::random_",
    "aten::exponential_", "aten::cauchy_", "aten::log_normal_", "aten::geometric_", "aten::bernoulli_",
};

// Answer from sizes, dtypes and flags, never from content.
constexpr std::string_view kMetadata[] = {
    "aten::size",
    "aten::stride",
    "aten::is_floating_point",
    "aten::is_complex",
    "aten::is_same_size",
    "aten::is_signed",
    "aten::is_leaf",
    "aten::retains_grad",
    "aten::_version",
    "aten::output_nr",
    "aten::is_pinned",
    "aten::can_cast",
    "aten::result_type",
    "aten::promote_types",
    "aten::qscheme",
    "aten::is_conj",
    "aten::is_neg",
    "aten::is_inference",
    "aten::is_distributed",
    "aten::sym_size",
    "aten::sym_stride",
    "aten::sym_numel",
    "aten::sym_storage_offset",
    "aten::dense_dim",
    "aten::sparse_dim",
    "aten::_dimI",
    "aten::_dimV",
    "aten::q_per_channel_axis",
    "aten::is_coalesced",
    "aten::_has_compatible_shallow_copy_type",
    "aten::_has_same_storage_numel",
    "aten::_use_cudnn_ctc_loss",
    "aten::cudnn_is_acceptable",
    "aten::is_vulkan_available",
    "aten::_nested_tensor_size",
    "aten::_cufft_get_plan_cache_size",
};

template <class Table>
bool among(const Table& table, std::string_view name) {
  return std::find(std::begin(table), std::end(table), name) != std::end(table);
}

bool is_tensor(const c10::Type& type) { return type.isSubtypeOf(*c10::OptionalType::ofTensor()); }

bool holds_tensors(const c10::Type& type) {
  if (is_tensor(type)) return true;
  const auto inner = type.containedTypes();
  return std::any_of(inner.begin(), inner.end(), [](const c10::TypePtr& one) { return holds_tensors(*one); });
}

bool describes_only(std::string_view name) {
  return name.starts_with("aten::new_") || (name.starts_with("aten::") && name.ends_with("_like"));
}

Use use_of(const c10::Argument& argument, std::string_view name) {
  if (argument.alias_info() == nullptr) return describes_only(name) ? Use::kDescribe : Use::kRead;
  if (!argument.alias_info()->isWrite()) return Use::kView;
  return argument.is_out() || among(kFillers, name) ? Use::kOverwrite : Use::kUpdate;
}

}  // namespace

OperatorFacts facts_of(const c10::OperatorHandle& op) {
  const c10::FunctionSchema& schema = op.schema();
  const std::string& name = schema.name();
  OperatorFacts facts;
  facts.op = ir::OperatorCatalog::standard().find(name, schema.overload_name());
  for (const c10::Argument& argument : schema.arguments()) {
    facts.uses.push_back(use_of(argument, name));
    if (argument.alias_info() != nullptr && argument.alias_info()->isWrite()) facts.writes = true;
  }
  for (const c10::Argument& result : schema.returns()) {
    if (holds_tensors(*result.type())) facts.returns_tensors = true;
  }
  if (schema.returns().empty()) facts.writes = true;
  facts.makes_raw_memory = among(kRawMemory, name);
  facts.random = op.hasTag(at::Tag::nondeterministic_seeded);
  facts.reads_values = !facts.returns_tensors && !facts.writes && !among(kMetadata, name) &&
                       std::any_of(schema.arguments().begin(), schema.arguments().end(),
                                   [](const c10::Argument& argument) { return holds_tensors(*argument.type()); });
  if (facts.op != nullptr) facts.statistics = ir::statistics_writer(*facts.op);
  return facts;
}

}  // namespace vesta::tracer
