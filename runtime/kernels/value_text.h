#pragma once

// Values as text, as str() and print() of TorchScript give them.

#include <string>

#include <ATen/core/ivalue.h>

namespace vesta::runtime::kernels {

// Strings stand as they are; inside of containers they are quoted.
std::string value_text(const c10::IValue& value);

}  // namespace vesta::runtime::kernels
