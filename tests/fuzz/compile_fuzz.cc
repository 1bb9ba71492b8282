// Any text as TorchScript source: compiling gives functions or a status, and nothing else.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "frontend/compile.h"
#include "tests/fuzz/source_mutator.h"

namespace {

std::string_view text_of(const uint8_t* data, size_t size) { return {reinterpret_cast<const char*>(data), size}; }

}  // namespace

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  if (seed % 4 == 0) return LLVMFuzzerMutate(data, size, max_size);
  const std::string text =
      vesta::test::SourceMutator(seed).mutate(std::string(text_of(data, size)), text_of(data, size));
  if (text.empty() || text.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::memcpy(data, text.data(), text.size());
  return text.size();
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* first, size_t first_size, const uint8_t* second,
                                            size_t second_size, uint8_t* out, size_t max_size, unsigned seed) {
  const std::string text =
      vesta::test::SourceMutator(seed).mutate(std::string(text_of(first, first_size)), text_of(second, second_size));
  if (text.size() > max_size) return 0;
  std::memcpy(out, text.data(), text.size());
  return text.size();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto source = std::make_shared<vesta::support::Source>();
  source->text = text_of(data, size);
  source->filename = "fuzz.py";
  vesta::frontend::CompileOptions options;
  // Ten lines can reach any limit (nested functions that call each other twice): a low one keeps runs short.
  options.limits.ir_nodes = 10'000;
  (void)vesta::frontend::compile(std::move(source), vesta::ir::Program::create(), options);
  return 0;
}
