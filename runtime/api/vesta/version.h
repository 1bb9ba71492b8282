#pragma once

#include <string_view>

#include <vesta/export.h>

namespace vesta {

// "0.1.0"
VESTA_API std::string_view version();
// The libtorch that Vesta was built for: "2.11.0".
VESTA_API std::string_view libtorch_version();

}  // namespace vesta
