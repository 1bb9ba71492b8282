#pragma once

// Which operators on ints, floats and bools are single instructions.

#include <string>
#include <string_view>

#include <ATen/core/interned_strings.h>

#include "runtime/bytecode.h"

namespace vesta::runtime {

struct ScalarRule {
  std::string_view name;       // "aten::add"
  std::string_view signature;  // Operands and result: i, f, b, as in "ii>i".
  Opcode opcode;
  bool swap;  // The operands change places.
};

// The rule for an operator with these operand and result kinds, or null. Where there is none for ints mixed with
// floats, that for floats serves: `promote` is set, and int operands are to be converted first.
const ScalarRule* find_scalar_rule(c10::Symbol kind, std::string_view signature, bool& promote);

}  // namespace vesta::runtime
