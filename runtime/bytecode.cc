#include "runtime/bytecode.h"

#include "runtime/plan/group.h"

#include <array>

namespace vesta::runtime {
namespace {

constexpr auto kOpcodes = std::to_array<OpcodeInfo>({
#define VESTA_INSTRUCTION(name, a, b, c) VESTA_INSTRUCTION4(name, a, b, c, None)
#define VESTA_INSTRUCTION4(name, a, b, c, d) {#name, {Role::a, Role::b, Role::c, Role::d}},
#include "runtime/instructions.def"
#undef VESTA_INSTRUCTION
});
static_assert(kOpcodes.size() == kOpcodeCount);

}  // namespace

const OpcodeInfo& opcode_info(Opcode opcode) { return kOpcodes[static_cast<size_t>(opcode)]; }

Bank bank_of(const c10::Type& type) {
  switch (type.kind()) {
    case c10::TypeKind::IntType:
      return Bank::kInt;
    case c10::TypeKind::FloatType:
      return Bank::kFloat;
    case c10::TypeKind::BoolType:
      return Bank::kBool;
    default:
      return Bank::kValue;
  }
}

Code::~Code() = default;

}  // namespace vesta::runtime
