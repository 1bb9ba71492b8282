// Checkpoints whose values are those of programs: read and written as checkpoints, then converted.

#include "serialization/value_file.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/checkpoint_reader.h"
#include "serialization/checkpoint_writer.h"
#include "serialization/utf8.h"

namespace vesta::serialization {

absl::StatusOr<c10::IValue> read_value(SharedBytes bytes, const std::string& file_name,
                                       const ValueFileOptions& options) {
  CheckpointReadOptions read;
  read.limits = options.limits;
  VESTA_ASSIGN_OR_RETURN(const CheckpointContents contents, read_checkpoint(std::move(bytes), file_name, read));
  for (const CheckpointStorage& storage : contents.storages) {
    if (storage.location == "cpu" || options.map_to_cpu) continue;
    return absl::FailedPreconditionError(
        absl::StrFormat("%s: storage '%s' was saved on device '%s'; load the file with device 'cpu' to have it there",
                        file_name, printable(storage.key), printable(storage.location)));
  }
  absl::StatusOr<c10::IValue> value = contents.root.to_ivalue();
  if (!value.ok()) return absl::UnimplementedError(absl::StrCat(file_name, ": ", value.status().message()));
  return value;
}

absl::Status write_value(const c10::IValue& value, const std::string& path) {
  VESTA_ASSIGN_OR_RETURN(const PyValue python, PyValue::from_ivalue(value));
  return write_checkpoint(python, path);
}

absl::StatusOr<std::string> write_value(const c10::IValue& value) {
  VESTA_ASSIGN_OR_RETURN(const PyValue python, PyValue::from_ivalue(value));
  return write_checkpoint(python);
}

}  // namespace vesta::serialization
