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
  vesta::frontend::CompileOptions options;
  // Ten lines can reach any limit (nested functions that call each other twice): a low one keeps runs short.
  options.limits.ir_nodes = 10'000;
  (void)vesta::frontend::compile(std::move(source), vesta::ir::Program::create(), options);
  return 0;
}
