#pragma once

// The text form of bytecode, for people and golden tests:
//
//   code 'Foo.forward' (values 3, scalars 2)
//     parameters: v0 __torch__.Foo, s1 int
//     0: get_attr v1, v0, 0
//     1: call_operator aten::relu(v1!) -> v1
//     2: jump_if_lt_int @5, s1, #10
//
// `v1!` is moved out of its register; `#10` is a scalar constant, printed as an int, or with a decimal point where
// its bits make a usual float.

#include <string>

#include "runtime/bytecode.h"

namespace vesta::runtime {

struct DisassemblyOptions {
  // Appends "  # file:line:column".
  bool ranges = false;
};

std::string disassemble(const Code& code, const DisassemblyOptions& options = {});

}  // namespace vesta::runtime
