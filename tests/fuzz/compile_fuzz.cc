// Any text as TorchScript source: compiling gives a unit or a status, and nothing else.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <vesta/vesta.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)vesta::compile(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
