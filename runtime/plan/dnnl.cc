#include "runtime/plan/dnnl.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runtime/plan/instruction_set.h"

namespace vesta::runtime::plan {

namespace {

// oneDNN refuses when it has been used before; its own variable ONEDNN_MAX_CPU_ISA is the only way then.
void limit_instructions() {
  const InstructionSet set = instruction_set();
  if (set == InstructionSet::kAvx512) return;
  (void)dnnl_set_max_cpu_isa(set == InstructionSet::kAvx2 ? dnnl_cpu_isa_avx2 : dnnl_cpu_isa_sse41);
}

}  // namespace

std::string dnnl_target() {
  (void)cpu_engine();
  const dnnl_version_t* const version = dnnl_version();
  return absl::StrCat("oneDNN ", version->major, ".", version->minor, ".", version->patch, " ", version->hash, ", isa ",
                      static_cast<int>(dnnl_get_effective_cpu_isa()), " ", static_cast<int>(instruction_set()));
}

const dnnl::engine& cpu_engine() {
  static const auto* const engine = [] {
    limit_instructions();
    return new dnnl::engine(dnnl::engine::kind::cpu, 0);
  }();
  return *engine;
}

MemoryDesc strided(const Dims& dims, const Dims& strides) {
  if (dims.empty()) return MemoryDesc({1}, dnnl::memory::data_type::f32, Dims{1});
  return MemoryDesc(dims, dnnl::memory::data_type::f32, strides);
}

MemoryDesc any_layout(const Dims& dims) {
  return MemoryDesc(dims, dnnl::memory::data_type::f32, dnnl::memory::format_tag::any);
}

MemoryDesc channels_together(const Dims& dims) {
  return MemoryDesc(dims, dnnl::memory::data_type::f32, dnnl::memory::format_tag::nhwc);
}

bool is_strided(const MemoryDesc& desc) {
  return desc.get_format_kind() == dnnl::memory::format_kind::blocked && desc.get_inner_nblks() == 0;
}

std::vector<size_t> order_of(const MemoryDesc& desc) {
  const Dims strides = desc.get_strides();
  std::vector<size_t> order(strides.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return strides[a] > strides[b]; });
  return order;
}

namespace {

// The dimensions that are no 1, outermost first: sizes and strides of one element after the other, blocks taken apart.
// Empty where the layout has padding or more than one block.
std::vector<std::pair<int64_t, int64_t>> walk(const MemoryDesc& desc, bool& known) {
  known = desc.get_format_kind() == dnnl::memory::format_kind::blocked && desc.get_inner_nblks() <= 1 &&
          desc.get_padded_dims() == desc.get_dims();
  std::vector<std::pair<int64_t, int64_t>> steps;
  if (!known) return steps;
  const Dims dims = desc.get_dims();
  const Dims strides = desc.get_strides();
  const int64_t block = desc.get_inner_nblks() == 1 ? desc.get_inner_blks()[0] : 1;
  const int64_t blocked = desc.get_inner_nblks() == 1 ? desc.get_inner_idxs()[0] : -1;
  for (size_t i = 0; i < dims.size(); ++i) {
    const int64_t outer = static_cast<int64_t>(i) == blocked ? dims[i] / block : dims[i];
    if (outer != 1) steps.emplace_back(outer, strides[i]);
    if (static_cast<int64_t>(i) == blocked && block != 1) steps.emplace_back(block, 1);
  }
  // A dimension whose steps follow each other is one.
  std::vector<std::pair<int64_t, int64_t>> merged;
  for (const auto& step : steps) {
    if (!merged.empty() && merged.back().second == step.first * step.second) {
      merged.back() = {merged.back().first * step.first, step.second};
    } else {
      merged.push_back(step);
    }
  }
  return merged;
}

}  // namespace

bool same_memory(const MemoryDesc& a, const MemoryDesc& b) {
  if (a == b) return true;
  bool a_known = false;
  bool b_known = false;
  const auto a_steps = walk(a, a_known);
  const auto b_steps = walk(b, b_known);
  return a_known && b_known && a_steps == b_steps;
}

std::string layout_key(const MemoryDesc& desc) {
  const auto list = [](const Dims& values) { return absl::StrJoin(values, ","); };
  return absl::StrCat(
      static_cast<int>(desc.get_format_kind()), "/", list(desc.get_dims()), "/", list(desc.get_padded_dims()), "/",
      desc.get_format_kind() == dnnl::memory::format_kind::blocked
          ? absl::StrCat(list(desc.get_strides()), "/", list(desc.get_inner_blks()), "/", list(desc.get_inner_idxs()))
          : absl::StrCat(desc.get_size()));
}

}  // namespace vesta::runtime::plan
