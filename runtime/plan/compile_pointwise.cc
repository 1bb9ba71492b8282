// A pointwise step runs over memory as it lies: results take the layout of the first operand of their sizes that has
// one of the compiler's choice, blocks included; other operands are brought into it only where they lie in blocks of
// another kind.

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "runtime/plan/compiler_context.h"
#include "runtime/plan/pointwise_simplify.h"

namespace vesta::runtime::plan {
namespace {

// Dimensions as the loop sees them: those of a layout with its block taken apart.
struct Space {
  Dims dims;
  int64_t block = 1;
  int64_t blocked = -1;

  Space(const Dims& logical, const MemoryDesc& layout) : dims(logical) {
    if (is_strided(layout)) return;
    block = layout.get_inner_blks()[0];
    blocked = layout.get_inner_idxs()[0];
    dims[static_cast<size_t>(blocked)] = layout.get_padded_dims()[static_cast<size_t>(blocked)] / block;
    dims.push_back(block);
  }

  // Of a tensor with these strides by logical dimension.
  Dims strides(const Dims& strides) const {
    Dims result = strides;
    if (blocked < 0) return result;
    result.push_back(result[static_cast<size_t>(blocked)]);
    result[static_cast<size_t>(blocked)] *= block;
    return result;
  }
  // Of a tensor in the layout itself.
  Dims own_strides(const MemoryDesc& layout) const {
    Dims result = layout.get_strides();
    if (blocked >= 0) result.push_back(1);
    return result;
  }
};

// A layout whose elements can be walked: strides, or one block.
bool is_walkable(const MemoryDesc& desc) {
  return is_strided(desc) ||
         (desc.get_format_kind() == dnnl::memory::format_kind::blocked && desc.get_inner_nblks() == 1);
}

bool is_padded(const MemoryDesc& desc) { return desc.get_padded_dims() != desc.get_dims(); }

// Whether all results are 0 where all inputs are: then padding, which is 0 and has to stay 0, may be computed as well.
bool keeps_zero(const PointwiseParams& params) {
  PointwiseParams one = params;
  const std::vector<Dims> output_strides(params.results.size());
  int32_t inputs = 0;
  for (const PointInstruction& instruction : params.program) {
    for (const PointValue& value : instruction.args) {
      if (value.kind == PointValue::Kind::kInput) inputs = std::max(inputs, value.index + 1);
    }
  }
  const PointwiseLoop loop(one, {}, std::vector<Dims>(static_cast<size_t>(inputs)), output_strides);
  const float zero = 0;
  const std::vector<const float*> sources(static_cast<size_t>(inputs), &zero);
  std::vector<float> results(params.results.size(), 1);
  std::vector<float*> targets;
  for (float& result : results) targets.push_back(&result);
  loop.run(sources.data(), targets.data());
  return std::all_of(results.begin(), results.end(), [](float result) { return result == 0; });
}

// The same block in another tensor: one element for all where it broadcasts. In nChw16c, sizes [N, C, 1, 1].
std::optional<MemoryDesc> like(const Dims& dims, const MemoryDesc& layout) {
  using Tag = dnnl::memory::format_tag;
  static constexpr Tag kTags[2][3] = {{Tag::nCw8c, Tag::nChw8c, Tag::nCdhw8c},
                                      {Tag::nCw16c, Tag::nChw16c, Tag::nCdhw16c}};
  const size_t blocked = static_cast<size_t>(layout.get_inner_idxs()[0]);
  const int64_t block = layout.get_inner_blks()[0];
  const Dims whole = layout.get_dims();
  if (blocked != 1 || dims.size() != whole.size() || dims[1] != whole[1] || (block != 8 && block != 16)) {
    return std::nullopt;
  }
  return MemoryDesc(dims, dnnl::memory::data_type::f32, kTags[block == 16 ? 1 : 0][dims.size() - 3]);
}

// Without gaps, in the order of a layout of strides.
MemoryDesc dense(const Dims& dims, const MemoryDesc& layout) {
  const std::vector<size_t> order = order_of(layout);
  Dims strides(dims.size());
  int64_t next = 1;
  for (size_t i = order.size(); i-- > 0;) {
    strides[order[i]] = next;
    next *= dims[order[i]];
  }
  return strided(dims, strides);
}

}  // namespace

// Whether a step may run over memory with padding: it keeps it 0, and finds its other operands padded as well.
bool Compiler::takes_padding(const Step& step, const PointwiseParams& params, const MemoryDesc& layout) const {
  for (TensorId id : step.inputs) {
    const PlanTensor& held = tensor(id);
    if (held.dims == params.dims && !held.is_constant()) continue;
    if (held.numel() != 1 && !like(held.dims, layout).has_value()) return false;
  }
  return keeps_zero(params);
}

// That of the first operand in blocks, else the order of the first whose dimensions the compiler has put into another
// one than plain execution; none where results have to be plain.
std::optional<MemoryDesc> Compiler::kept_layout(const Step& step, const PointwiseParams& params) {
  const bool makes_result =
      std::any_of(step.outputs.begin(), step.outputs.end(), [&](TensorId id) { return result_buffer_.contains(id); });
  std::optional<MemoryDesc> kept;
  if (params.dims.empty()) return kept;
  for (TensorId id : step.inputs) {
    if (tensor(id).is_constant() || tensor(id).base != id || tensor(id).dims != params.dims) continue;
    const MemoryDesc desc = located(id).desc;
    if (is_strided(desc)) {
      const bool is_reordered = desc.get_strides() != tensor(id).strides;
      if (is_reordered && !makes_result && !kept.has_value()) kept = dense(params.dims, desc);
    } else if (is_walkable(desc) && (!is_padded(desc) || takes_padding(step, params, desc))) {
      return desc;
    }
  }
  return kept;
}

absl::Status Compiler::pointwise(const Step& step, const PointwiseParams& params) {
  for (TensorId id : step.outputs) {
    if (tensor(id).mask) return absl::UnimplementedError("a bool tensor would have to be stored");
  }
  for (TensorId id : step.inputs) {
    if (tensor(id).mask) return absl::UnimplementedError("a bool tensor would have to be read");
  }
  const std::optional<MemoryDesc> kept = kept_layout(step, params);
  const MemoryDesc layout = kept.value_or(plain(params.dims));
  const bool blocked = !is_strided(layout);
  const Space space(params.dims, layout);
  std::vector<BufferPart> inputs;
  std::vector<BufferPart> outputs;
  std::vector<Dims> input_strides;
  for (TensorId id : step.inputs) {
    const PlanTensor& held = tensor(id);
    if (blocked && held.dims == params.dims && !held.is_constant()) {
      inputs.push_back(in_layout(id, layout).part);
      input_strides.push_back(space.own_strides(layout));
      continue;
    }
    if (blocked && is_padded(layout) && held.numel() != 1) {
      const MemoryDesc own = *like(held.dims, layout);
      inputs.push_back(in_layout(id, own).part);
      Dims strides = space.own_strides(own);
      for (size_t d = 0; d < held.dims.size(); ++d) {
        if (held.dims[d] == 1 && params.dims[d] != 1) strides[d] = 0;
      }
      input_strides.push_back(std::move(strides));
      continue;
    }
    const Location location = strided_location(id);
    inputs.push_back(location.part);
    input_strides.push_back(space.strides(broadcast_strides(id, location, params.dims.size())));
  }
  std::vector<Dims> output_strides;
  for (TensorId id : step.outputs) {
    const MemoryDesc desc = kept.has_value() ? layout : strided(params.dims, tensor(id).strides);
    outputs.push_back(new_location(id, desc).part);
    output_strides.push_back(space.own_strides(desc));
  }
  PointwiseParams shorter = params;
  simplify(shorter);
  auto loop = std::make_unique<PointwiseLoop>(shorter, space.dims, input_strides, output_strides);
  emit(absl::StrCat("pointwise of ", shorter.program.size(), blocked ? " in blocks" : ""), std::move(loop),
       std::move(inputs), std::move(outputs));
  return absl::OkStatus();
}

}  // namespace vesta::runtime::plan
