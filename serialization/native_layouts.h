#pragma once

// Layouts of tensors as native_format.fbs numbers them.

#include <array>
#include <utility>

#include <c10/core/Layout.h>

#include "serialization/native_format_generated.h"

namespace vesta::serialization {

inline constexpr std::array kNativeLayouts = {
    std::pair{c10::Layout::Strided, native::Layout::Strided},
    std::pair{c10::Layout::Sparse, native::Layout::SparseCoo},
    std::pair{c10::Layout::SparseCsr, native::Layout::SparseCsr},
    std::pair{c10::Layout::SparseCsc, native::Layout::SparseCsc},
    std::pair{c10::Layout::SparseBsr, native::Layout::SparseBsr},
    std::pair{c10::Layout::SparseBsc, native::Layout::SparseBsc},
};

inline native::Layout native_layout(c10::Layout layout) {
  for (const auto& [theirs, ours] : kNativeLayouts) {
    if (theirs == layout) return ours;
  }
  return native::Layout::Strided;
}

}  // namespace vesta::serialization
