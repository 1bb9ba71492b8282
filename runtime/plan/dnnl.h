#pragma once

// oneDNN's C++ API and what the plans need beside it. oneDNN throws dnnl::error; the compiler's entrance catches it.

#include <oneapi/dnnl/dnnl.hpp>

#include "runtime/plan/plan_graph.h"

namespace vesta::runtime::plan {

using MemoryDesc = dnnl::memory::desc;

// What packed weights depend on: the library's version and the instructions that it uses on this machine.
std::string dnnl_target();

// The one CPU engine of the process.
const dnnl::engine& cpu_engine();

// Float32 in these strides (elements).
MemoryDesc strided(const Dims& dims, const Dims& strides);
inline MemoryDesc plain(const Dims& dims) { return strided(dims, contiguous_strides(dims)); }
// Float32 in a layout of the primitive's choice.
MemoryDesc any_layout(const Dims& dims);
// Of images: [images, rows, columns, channels] in memory.
MemoryDesc channels_together(const Dims& dims);

// Whether elements have strides and no blocks.
bool is_strided(const MemoryDesc& desc);
// Dimensions from the outermost to the innermost in memory, blocks aside.
std::vector<size_t> order_of(const MemoryDesc& desc);
// Whether a buffer in layout `a` may be read in layout `b` (of equal dims) as it is.
bool same_memory(const MemoryDesc& a, const MemoryDesc& b);
// A text that tells layouts apart.
std::string layout_key(const MemoryDesc& desc);

}  // namespace vesta::runtime::plan
