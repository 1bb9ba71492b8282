// Any text as TorchScript source: compiling gives functions or a status, and nothing else.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "frontend/compile.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto source = std::make_shared<vesta::support::Source>();
  source->text.assign(reinterpret_cast<const char*>(data), size);
  source->filename = "fuzz.py";
  (void)vesta::frontend::compile(std::move(source), vesta::ir::Program::create(), {});
  return 0;
}
