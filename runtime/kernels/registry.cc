// Tables that run parallel to ir/builtin_ops.def.

#include "runtime/kernels/registry.h"

#include <array>

#include "runtime/kernels/kernels.h"

namespace vesta::runtime {
namespace {

constexpr auto kKernels = std::to_array<Kernel>({
#define VESTA_BUILTIN(kernel, schema) &kernels::kernel,
#include "ir/builtin_ops.def"
#undef VESTA_BUILTIN
});

constexpr auto kDirect = std::to_array<const DirectKernel*>({
#define VESTA_BUILTIN(kernel, schema) &kernels::kernel##_direct,
#include "ir/builtin_ops.def"
#undef VESTA_BUILTIN
});

constexpr auto kNames = std::to_array<const char*>({
#define VESTA_BUILTIN(kernel, schema) #kernel,
#include "ir/builtin_ops.def"
#undef VESTA_BUILTIN
});

}  // namespace

Kernel builtin_kernel(ir::BuiltinId id) { return kKernels[static_cast<size_t>(id)]; }

const DirectKernel& builtin_direct_kernel(ir::BuiltinId id) { return *kDirect[static_cast<size_t>(id)]; }

const char* builtin_kernel_name(ir::BuiltinId id) { return kNames[static_cast<size_t>(id)]; }

}  // namespace vesta::runtime
