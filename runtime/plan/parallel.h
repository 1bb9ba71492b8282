#pragma once

// Loops on libtorch's own threads.

#include <cstdint>

#include <c10/util/FunctionRef.h>

namespace vesta::runtime::plan {

// Calls `work` with each number below `count`, on as many threads as operators may use. It must not throw.
// at::parallel_for runs on one thread where the file that includes it is not compiled for OpenMP; that would bring an
// OpenMP runtime of our own. This takes a loop that is compiled inside of libtorch.
void for_each_part(int64_t count, c10::function_ref<void(int64_t)> work);

}  // namespace vesta::runtime::plan
