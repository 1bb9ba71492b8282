// Concatenations: by oneDNN, by a loop of our own where they are small, or in place where each takes up the one before.

#include <algorithm>
#include <cstring>

#include <c10/util/accumulate.h>

#include "absl/strings/str_cat.h"
#include "runtime/plan/compiler_context.h"

namespace vesta::runtime::plan {
namespace {

// Each source is [outer, its own width].
class JoinKernel : public Kernel {
 public:
  JoinKernel(int64_t outer, std::vector<size_t> widths) : outer_(outer), widths_(std::move(widths)) {}

  bool run(const float* const* inputs, float* const* outputs) const override {
    float* to = outputs[0];
    for (int64_t o = 0; o < outer_; ++o) {
      for (size_t i = 0; i < widths_.size(); ++i) {
        std::memcpy(to, inputs[i] + static_cast<size_t>(o) * widths_[i], widths_[i] * sizeof(float));
        to += widths_[i];
      }
    }
    return true;
  }

 private:
  int64_t outer_;
  std::vector<size_t> widths_;  // Elements.
};

// Whether elements follow each other in the same order, in tensors of other sizes, too.
bool same_order(const MemoryDesc& a, const MemoryDesc& b) {
  return a.get_inner_blks() == b.get_inner_blks() && a.get_inner_idxs() == b.get_inner_idxs() &&
         order_of(a) == order_of(b);
}

bool begins_with(const std::vector<TensorId>& whole, const std::vector<TensorId>& part) {
  return whole.size() > part.size() && std::equal(part.begin(), part.end(), whole.begin());
}

}  // namespace

// DenseNet's layers (Huang et al., "Densely Connected Convolutional Networks", 2017) each read all that the ones before
// have made. Where a concatenation begins with the operands of an earlier one, and only pointwise steps read either,
// both lie in the memory of the longer one, and each operand is written there once.
void Compiler::find_growing_concats() {
  std::vector<bool> fits(graph_.tensors.size(), true);
  for (TensorId id : graph_.outputs) fits[static_cast<size_t>(graph_.base(id))] = false;
  for (const Step& step : graph_.steps) {
    for (TensorId id : step.inputs) {
      if (graph_.base(id) != id || step.as<PointwiseParams>() == nullptr)
        fits[static_cast<size_t>(graph_.base(id))] = false;
    }
  }
  absl::flat_hash_map<TensorId, const Step*> latest;  // By the first operand.
  for (const Step& step : graph_.steps) {
    const auto* params = step.as<ConcatParams>();
    const TensorId result = step.outputs.empty() ? kNoTensor : step.outputs[0];
    if (params == nullptr || params->axis != 1 || tensor(result).dims.size() != 4 || !fits[static_cast<size_t>(result)])
      continue;
    const Step*& before = latest[step.inputs[0]];
    if (before != nullptr && begins_with(step.inputs, before->inputs)) {
      const auto known = growths_.find(before->outputs[0]);
      const auto growth = known != growths_.end() ? known->second : std::make_shared<Growth>();
      growth->dims = tensor(result).dims;
      growths_[before->outputs[0]] = growth;
      growths_[result] = growth;
    }
    before = &step;
  }
}

// False: it is none of them, or no operand lies with its channels together.
bool Compiler::grow(const Step& step) {
  const auto found = growths_.find(step.outputs[0]);
  if (found == growths_.end()) return false;
  Growth& growth = *found->second;
  const Dims& whole = growth.dims;
  const Dims strides = {whole[1] * whole[2] * whole[3], 1, whole[1] * whole[3], whole[1]};
  if (growth.operands == 0) {
    const std::vector<size_t> order = order_of(strided(whole, strides));
    const bool lies_so = std::any_of(step.inputs.begin(), step.inputs.end(), [&](TensorId id) {
      const MemoryDesc desc = located(id).desc;
      return is_strided(desc) && order_of(desc) == order;
    });
    growth.refused = growth.refused || !lies_so;
    if (growth.refused) return false;
    growth.buffer = new_buffer(Buffer::Kind::kArena, -1, strided(whole, strides).get_size());
  }
  for (; growth.operands < step.inputs.size(); ++growth.operands) {
    const TensorId operand = step.inputs[growth.operands];
    const int64_t offset = growth.channels * static_cast<int64_t>(sizeof(float));
    emit_reorder(located(operand), {{growth.buffer, offset}, strided(tensor(operand).dims, strides)});
    growth.channels += tensor(operand).dims[1];
  }
  locations_[static_cast<size_t>(step.outputs[0])].push_back(
      {{growth.buffer, 0}, strided(tensor(step.outputs[0]).dims, strides)});
  return true;
}

absl::Status Compiler::concat(const Step& step, const ConcatParams& params) {
  if (grow(step)) return absl::OkStatus();
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  std::vector<Location> sources;
  bool alike = true;
  for (TensorId input : step.inputs) {
    sources.push_back(located(input));
    const MemoryDesc& desc = sources.back().desc;
    alike = alike && same_order(desc, sources[0].desc) && desc.get_padded_dims() == desc.get_dims();
  }
  // Where channels lie together, pieces of a few of them are slower to copy than planes are to reorder.
  constexpr int64_t kShortestPiece = 64;
  const int64_t joined = tensor(step.outputs[0]).dims[static_cast<size_t>(params.axis)];
  const bool is_innermost =
      alike && is_strided(sources[0].desc) && order_of(sources[0].desc).back() == static_cast<size_t>(params.axis);
  if (is_innermost && joined < kShortestPiece * static_cast<int64_t>(sources.size())) alike = false;
  if (!alike) {
    for (size_t i = 0; i < sources.size(); ++i)
      sources[i] = in_layout(step.inputs[i], plain(tensor(step.inputs[i]).dims));
  }
  if (!alike && tensor(step.outputs[0]).numel() <= kSmallCopy) return join(step, params, sources);
  std::vector<MemoryDesc> descs;
  for (const Location& source : sources) descs.push_back(source.desc);
  const auto pd = alike ? dnnl::concat::primitive_desc(cpu_engine(), static_cast<int>(params.axis), descs, attr)
                        : dnnl::concat::primitive_desc(cpu_engine(), plain(tensor(step.outputs[0]).dims),
                                                       static_cast<int>(params.axis), descs, attr);
  Arguments arguments;
  for (size_t i = 0; i < sources.size(); ++i) {
    arguments.push_back({DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i), sources[i]});
  }
  arguments.push_back({DNNL_ARG_DST, new_location(step.outputs[0], pd.dst_desc())});
  emit(absl::StrCat("concat ", pd.impl_info_str()), dnnl::concat(pd), std::move(arguments), pd.scratchpad_desc());
  return absl::OkStatus();
}

absl::Status Compiler::join(const Step& step, const ConcatParams& params, const std::vector<Location>& sources) {
  const Dims& out = tensor(step.outputs[0]).dims;
  const int64_t outer = c10::multiply_integers(out.begin(), out.begin() + params.axis);
  std::vector<size_t> widths;
  std::vector<BufferPart> inputs;
  for (size_t i = 0; i < sources.size(); ++i) {
    widths.push_back(static_cast<size_t>(tensor(step.inputs[i]).numel() / outer));
    inputs.push_back(sources[i].part);
  }
  const BufferPart result = new_location(step.outputs[0], plain(out)).part;
  emit(absl::StrCat("join of ", sources.size()), std::make_unique<JoinKernel>(outer, std::move(widths)),
       std::move(inputs), {result});
  return absl::OkStatus();
}

}  // namespace vesta::runtime::plan
