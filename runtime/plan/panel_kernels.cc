#include "runtime/plan/panel_kernels.h"

#include <algorithm>

#include "runtime/plan/instruction_set.h"

namespace vesta::runtime::plan {

extern const PanelKernel kPanelKernel_base;
extern const PanelKernel kPanelKernel_avx2;
extern const PanelKernel kPanelKernel_avx512;

PanelKernel panel_kernel(InstructionSet set) {
  return kernel_for(set, kPanelKernel_base, kPanelKernel_avx2, kPanelKernel_avx512);
}

PanelKernel panel_kernel() {
  static const PanelKernel kernel = panel_kernel(instruction_set());
  return kernel;
}

int64_t panel_rows() { return panel_kernel() == kPanelKernel_avx512 ? 8 : 3; }

void pack_panels(const float* weight, int64_t depth, int64_t columns, int64_t row_stride, int64_t column_stride,
                 float* packed) {
  for (int64_t first = 0; first < columns; first += kPanel) {
    const int64_t width = std::min(kPanel, padded_columns(columns - first));
    for (int64_t k = 0; k < depth; ++k) {
      for (int64_t n = 0; n < width; ++n) {
        const bool there = first + n < columns;
        *packed++ = there ? weight[k * row_stride + (first + n) * column_stride] : 0;
      }
    }
  }
}

}  // namespace vesta::runtime::plan
