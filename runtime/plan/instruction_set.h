#pragma once

// Which of the loops that are compiled for several instruction sets run on this machine.

#include <cstdint>

namespace vesta::runtime::plan {

enum class InstructionSet : uint8_t { kBase, kAvx2, kAvx512 };  // x86-64 alone; with FMA; F, DQ, VL and BW

bool has_instruction_set(InstructionSet set);

// The best one that this machine has and the environment variable VESTA_MAX_CPU_ISA allows ("x86-64", "avx2",
// "avx512"), read once. oneDNN is held to it as well, if it has not been used in the process before; ATen has its own
// ATEN_CPU_CAPABILITY. For tests of other machines' paths and for finding out where results differ: results depend on
// the instructions by rounding.
InstructionSet instruction_set();

// By the table's order: base, AVX2, AVX-512. Null where the machine lacks the set.
template <class Kernel>
Kernel kernel_for(InstructionSet set, Kernel base, Kernel avx2, Kernel avx512) {
  if (!has_instruction_set(set)) return nullptr;
  return set == InstructionSet::kAvx512 ? avx512 : set == InstructionSet::kAvx2 ? avx2 : base;
}

}  // namespace vesta::runtime::plan
