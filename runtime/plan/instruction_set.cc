#include "runtime/plan/instruction_set.h"

#include <cstdlib>
#include <string_view>

#include <c10/util/Exception.h>

namespace vesta::runtime::plan {
namespace {

constexpr const char* kVariable = "VESTA_MAX_CPU_ISA";

struct Name {
  std::string_view name;
  InstructionSet set;
};
constexpr Name kNames[] = {
    {"x86-64", InstructionSet::kBase}, {"avx2", InstructionSet::kAvx2}, {"avx512", InstructionSet::kAvx512}};

InstructionSet most_allowed() {
  const char* const value = std::getenv(kVariable);
  if (value == nullptr) return InstructionSet::kAvx512;
  for (const Name& name : kNames) {
    if (name.name == value) return name.set;
  }
  TORCH_WARN(kVariable, " is '", value, "', which is none of x86-64, avx2, avx512: it limits nothing");
  return InstructionSet::kAvx512;
}

}  // namespace

bool has_instruction_set(InstructionSet set) {
  switch (set) {
    case InstructionSet::kBase:
      return true;
    case InstructionSet::kAvx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case InstructionSet::kAvx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
  }
  return false;
}

InstructionSet instruction_set() {
  static const InstructionSet chosen = [] {
    const InstructionSet most = most_allowed();
    for (const InstructionSet set : {InstructionSet::kAvx512, InstructionSet::kAvx2}) {
      if (set <= most && has_instruction_set(set)) return set;
    }
    return InstructionSet::kBase;
  }();
  return chosen;
}

}  // namespace vesta::runtime::plan
