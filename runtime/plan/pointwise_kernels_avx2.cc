// Pointwise loops for avx2; compiled with that set's flags (runtime/CMakeLists.txt).

#include "runtime/plan/pointwise_kernels.h"

namespace vesta::runtime::plan {

#define VESTA_VECTOR_WIDTH 8
#include "runtime/plan/pointwise_kernels.inc"

extern const PointLoop* const kPointLoops_avx2;
const PointLoop* const kPointLoops_avx2 = kLoops;

}  // namespace vesta::runtime::plan
