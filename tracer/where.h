#pragma once

#include <string>

namespace vesta::tracer {

// The code that called the operator which is being recorded: "function (binary+0x1234)", for a person and for
// addr2line; "" where nothing is known. REQUIRES: called from the hook. Costs a walk over the stack.
std::string calling_code();

}  // namespace vesta::tracer
