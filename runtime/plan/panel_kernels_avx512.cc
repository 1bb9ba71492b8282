// Products with packed weights for avx512; compiled with that set's flags (runtime/CMakeLists.txt).

#include "runtime/plan/panel_kernels.h"

#define VESTA_PANEL_WIDTH 16
#define VESTA_PANEL_ROWS 4
#include "runtime/plan/panel_kernels.inc"

namespace vesta::runtime::plan {

extern const PanelKernel kPanelKernel_avx512;
const PanelKernel kPanelKernel_avx512 = product;

}  // namespace vesta::runtime::plan
