#include "runtime/plan/panel_kernels.h"

#include "runtime/plan/instruction_set.h"

namespace vesta::runtime::plan {

extern const PanelKernels kPanelKernels_base;
extern const PanelKernels kPanelKernels_avx2;
extern const PanelKernels kPanelKernels_avx512;

const PanelKernels* panel_kernels(InstructionSet set) {
  return kernel_for(set, &kPanelKernels_base, &kPanelKernels_avx2, &kPanelKernels_avx512);
}

const PanelKernels& panel_kernels() {
  static const PanelKernels& kernels = *panel_kernels(instruction_set());
  return kernels;
}

bool panels_take_all() { return &panel_kernels() == &kPanelKernels_avx2; }

int64_t attention_room(int64_t keys, int64_t depth, int64_t columns) {
  return padded_columns(keys) * (depth + kAttentionRows) + keys * padded_columns(columns);
}

int64_t winograd_tiles(int64_t size) { return (size + kWinogradTile - 1) / kWinogradTile; }

int64_t winograd_room(int64_t tiles, int64_t channels, int64_t results) {
  return kWinogradPlaces * (tiles * (channels + results) + 2 * kPanelUnit) + channels;
}

}  // namespace vesta::runtime::plan
