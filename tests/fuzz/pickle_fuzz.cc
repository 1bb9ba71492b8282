// Any bytes as a checkpoint's pickle, with one storage at hand: reading gives a value or a status. What is read and
// written is read again as the same.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "serialization/checkpoint_pickle.h"
#include "serialization/checkpoint_reader.h"
#include "serialization/checkpoint_writer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vesta;
  using namespace vesta::serialization;
  TensorBuilder::Options tensor_options;
  tensor_options.map_to_cpu = true;
  static const SharedBytes kStorage = *copy_bytes(std::string(64, '\1'));
  TensorBuilder tensors(
      [](std::string_view, uint64_t wanted) -> absl::StatusOr<StorageBytes> {
        if (wanted > 64) return absl::DataLossError("too large");
        return StorageBytes{kStorage->view().substr(0, wanted), kStorage};
      },
      tensor_options);
  CheckpointHandler handler(tensors);
  CheckpointValueOptions options;
  options.limits.pickle_nodes = 100'000;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<PyValue> value = read_checkpoint_pickle(bytes, "pickle", handler, options);
  if (!value.ok()) return 0;
  const std::string text = value->to_string();
  const absl::StatusOr<std::string> written = write_checkpoint(*value);
  if (!written.ok()) return 0;
  CheckpointReadOptions again;
  again.limits.pickle_depth = 1000;
  const absl::StatusOr<CheckpointContents> read = read_checkpoint(*copy_bytes(*written), "again", again);
  if (read.ok() && read->root.to_string() != text) std::abort();
  return 0;
}
