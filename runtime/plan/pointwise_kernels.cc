#include "runtime/plan/pointwise_kernels.h"

#include "runtime/plan/instruction_set.h"

namespace vesta::runtime::plan {

extern const PointLoop* const kPointLoops_base;
extern const PointLoop* const kPointLoops_avx2;
extern const PointLoop* const kPointLoops_avx512;

const PointLoop* point_loops(InstructionSet set) {
  return kernel_for(set, kPointLoops_base, kPointLoops_avx2, kPointLoops_avx512);
}

const PointLoop* point_loops() {
  static const PointLoop* const loops = point_loops(instruction_set());
  return loops;
}

}  // namespace vesta::runtime::plan
