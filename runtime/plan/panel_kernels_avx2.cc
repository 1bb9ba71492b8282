// Products with packed weights for avx2; compiled with that set's flags (runtime/CMakeLists.txt).

#include "runtime/plan/panel_kernels.h"

#define VESTA_PANEL_WIDTH 8
#define VESTA_PANEL_ROWS 1
#include "runtime/plan/panel_kernels.inc"

namespace vesta::runtime::plan {

extern const PanelKernel kPanelKernel_avx2;
const PanelKernel kPanelKernel_avx2 = product;

}  // namespace vesta::runtime::plan
