#pragma once

// Operators from other libraries: everything that a shared library registers with libtorch's dispatcher (TORCH_LIBRARY,
// custom classes too) can be called by programs that are loaded or compiled afterwards.
//
//   absl::Status status = vesta::load_operators("/usr/lib/libtorchvision.so");

#include <string>

#include <vesta/export.h>

#include "absl/status/status.h"

namespace vesta {

// Opens the library for the rest of the process; a second time does nothing. Its initializers run: it must be trusted.
//
// Python packages' extension modules can be opened too (torchvision/_C.so): where they ask for libtorch_python,
// libtorch_cuda, libc10_cuda or libtorch and no such library is there, an empty one stands in, so operators on the CPU
// work without Python and CUDA; a call that needs what is not there ends the process.
//
// Errors: NotFound; FailedPrecondition where it cannot be linked (built for another libtorch, other libraries missing),
// with the linker's message. Thread-safe; not while other threads load or compile programs.
VESTA_API absl::Status load_operators(const std::string& path);

}  // namespace vesta
