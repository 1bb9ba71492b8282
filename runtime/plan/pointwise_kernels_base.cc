// Pointwise loops for x86-64; compiled with that set's flags (runtime/CMakeLists.txt).

#include "runtime/plan/pointwise_kernels.h"

namespace vesta::runtime::plan {

#define VESTA_VECTOR_WIDTH 4
#include "runtime/plan/pointwise_kernels.inc"

extern const PointLoop* const kPointLoops_base;
const PointLoop* const kPointLoops_base = kLoops;

}  // namespace vesta::runtime::plan
