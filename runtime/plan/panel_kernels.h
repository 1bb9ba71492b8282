#pragma once

// Products of a few rows with packed weights, compiled for several instruction sets. For sizes where a product is less
// work than what oneDNN does before it begins one.

#include <cstddef>
#include <cstdint>

namespace vesta::runtime::plan {

enum class InstructionSet : uint8_t;

// Weights [depth, columns] lie in panels of kPanel columns, one behind the other; in a panel, row by row. The last
// panel is as narrow as a multiple of kPanelUnit allows; its columns beyond the last are 0.
inline constexpr int64_t kPanel = 64;
inline constexpr int64_t kPanelUnit = 16;

inline int64_t padded_columns(int64_t columns) { return (columns + kPanelUnit - 1) / kPanelUnit * kPanelUnit; }

// `packed` holds depth * padded_columns(columns) floats; weight[k * row_stride + n * column_stride].
void pack_panels(const float* weight, int64_t depth, int64_t columns, int64_t row_stride, int64_t column_stride,
                 float* packed);

struct PanelProduct {
  const float* a;  // rows x depth, rows `a_stride` apart
  const float* panels;
  const float* bias;  // columns of them; null: none
  float* out;         // rows x columns, contiguous
  int64_t rows;
  int64_t depth;
  int64_t columns;
  int64_t a_stride;
};
using PanelKernel = void (*)(const PanelProduct&);

// For instruction_set().
PanelKernel panel_kernel();
// Up to how many rows it is worth having there: the more, the more registers it holds them in.
int64_t panel_rows();
// Of one set, null where the machine lacks it: for tests.
PanelKernel panel_kernel(InstructionSet set);

}  // namespace vesta::runtime::plan
