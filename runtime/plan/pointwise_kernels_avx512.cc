// Pointwise loops for avx512; compiled with that set's flags (runtime/CMakeLists.txt).

#include "runtime/plan/pointwise_kernels.h"

namespace vesta::runtime::plan {

#define VESTA_VECTOR_WIDTH 16
#include "runtime/plan/pointwise_kernels.inc"

extern const PointLoop* const kPointLoops_avx512;
const PointLoop* const kPointLoops_avx512 = kLoops;

}  // namespace vesta::runtime::plan
