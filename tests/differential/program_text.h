#pragma once

// Programs as text that two of them can be compared by.

#include <map>
#include <string>

#include <vesta/module.h>

namespace vesta::test {

// The graphs of all functions and methods of the module's program by qualified name, and its classes' attributes,
// constants and hooks. Values are numbered in their order, so names of values are left out; constants stand where they
// are read.
std::map<std::string, std::string> program_text(const Module& module);

// The names of functions whose texts differ, with both texts; "" where none do. Only what both or `reference` has.
std::string program_difference(const Module& reference, const Module& other);

}  // namespace vesta::test
