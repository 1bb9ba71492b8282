// Any bytes as an archive: loading gives a module or a status, and nothing else.

#include <cstddef>
#include <cstdint>
#include <span>

#include <vesta/vesta.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  vesta::LoadOptions options;
  options.limits.metadata_bytes = 16 * vesta::kMiB;
  const absl::StatusOr<vesta::Module> module = vesta::load(std::as_bytes(std::span(data, size)), options);
  // What loads can be looked at.
  if (module.ok()) {
    for (const auto& method : module->methods()) (void)method.signature();
    (void)module->state_dict();
  }
  return 0;
}
