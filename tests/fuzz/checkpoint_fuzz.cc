// Any bytes as a file of values (zip, stream, tar, safetensors): loading gives a value or a status, and what loads can
// be walked, and written again.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include <vesta/vesta.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  vesta::CheckpointOptions options;
  options.limits.metadata_bytes = 16 * vesta::kMiB;
  options.limits.pickle_nodes = 100'000;
  options.device = c10::Device(c10::kCPU);
  const absl::StatusOr<vesta::Checkpoint> checkpoint =
      vesta::load_checkpoint(std::as_bytes(std::span(data, size)), options);
  if (!checkpoint.ok()) return 0;
  (void)checkpoint->root().to_string();
  (void)checkpoint->root().state_dict();
  (void)vesta::save_checkpoint(checkpoint->root());
  return 0;
}
