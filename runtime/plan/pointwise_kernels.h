#pragma once

// The loops of pointwise instructions, compiled for several instruction sets.

#include <cstddef>
#include <cstdint>

namespace vesta::runtime::plan {

enum class InstructionSet : uint8_t;

// out[i] = op(args[0][i], ...). An argument whose bit is set in the loop's number is args[k][0] for all i. `out` may be
// one of the arguments. REQUIRES: n >= 0.
using PointLoop = void (*)(const float* const* args, float* out, int64_t n);
inline constexpr size_t kPointVariants = 8;

// By operation and by the bits of which arguments are one number; for instruction_set().
const PointLoop* point_loops();

// Of one set, null where the machine lacks it: for tests.
const PointLoop* point_loops(InstructionSet set);

}  // namespace vesta::runtime::plan
