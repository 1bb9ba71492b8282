#pragma once

// Memory that is a file's: pages of weights that are read no more.

#include <cstddef>

#include <ATen/core/Tensor.h>

namespace vesta::runtime::plan {

// Of the whole pages in these bytes, those that are as they are in a mapped file are no longer counted to the process;
// who reads them again gets them from the file. Pages that were written to, and ordinary memory, stay as they are.
// Does nothing where the system does not tell which are which. REQUIRES: nobody writes to these bytes meanwhile.
void leave_to_file(const void* data, size_t bytes);
// Those of a tensor, if it is dense.
void leave_to_file(const at::Tensor& tensor);

}  // namespace vesta::runtime::plan
