// The kernels of panel_kernels.h for avx2; compiled with that set's flags (runtime/CMakeLists.txt).

#include "runtime/plan/panel_kernels.h"

#define VESTA_VECTOR_WIDTH 8
#define VESTA_PANEL_COLUMNS 16
#define VESTA_PANEL_ROWS 6
#include "runtime/plan/panel_kernels.inc"
// These two use what that one defines.
#include "runtime/plan/norm_kernels.inc"
#include "runtime/plan/winograd_kernels.inc"

namespace vesta::runtime::plan {

extern const PanelKernels kPanelKernels_avx2;
const PanelKernels kPanelKernels_avx2 = {product, pack, attend, convolve, transform_all_taps, normalize, sum_rows};

}  // namespace vesta::runtime::plan
