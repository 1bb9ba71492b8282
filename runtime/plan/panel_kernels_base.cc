// Products with packed weights for the x86-64 baseline; compiled with that set's flags (runtime/CMakeLists.txt).

#include "runtime/plan/panel_kernels.h"

#define VESTA_PANEL_WIDTH 4
#define VESTA_PANEL_ROWS 1
#include "runtime/plan/panel_kernels.inc"

namespace vesta::runtime::plan {

extern const PanelKernel kPanelKernel_base;
const PanelKernel kPanelKernel_base = product;

}  // namespace vesta::runtime::plan
