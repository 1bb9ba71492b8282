#pragma once

// Checks what the interpreter takes for granted.

#include "absl/status/status.h"
#include "runtime/bytecode.h"

namespace vesta::runtime {

// Internal, naming the instruction, where a register, constant, site, operand or jump target does not exist, a
// result goes to a constant, or the code does not end with a jump or a return. Linear in the code's size.
absl::Status verify_code(const Code& code);

}  // namespace vesta::runtime
