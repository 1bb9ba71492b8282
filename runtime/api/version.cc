#include <vesta/version.h>

namespace vesta {

std::string_view version() { return VESTA_VERSION; }

std::string_view libtorch_version() { return VESTA_LIBTORCH_VERSION; }

}  // namespace vesta
