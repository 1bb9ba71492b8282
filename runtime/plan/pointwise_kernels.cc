#include "runtime/plan/pointwise_kernels.h"

#include <string_view>

namespace vesta::runtime::plan {

extern const PointLoop* const kPointLoops_base;
extern const PointLoop* const kPointLoops_avx2;
extern const PointLoop* const kPointLoops_avx512;

const PointLoop* point_loops(const char* instruction_set) {
  const std::string_view name = instruction_set;
  if (name == "avx512") {
    const bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                     __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
    return has ? kPointLoops_avx512 : nullptr;
  }
  if (name == "avx2") {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? kPointLoops_avx2 : nullptr;
  }
  return kPointLoops_base;
}

const PointLoop* point_loops() {
  static const PointLoop* const loops = [] {
    for (const char* name : {"avx512", "avx2"}) {
      if (const PointLoop* found = point_loops(name)) return found;
    }
    return kPointLoops_base;
  }();
  return loops;
}

}  // namespace vesta::runtime::plan
