#pragma once

// Files of torch.save, of every version:
//   zip     torch 1.6 and later: one top folder with data.pkl, data/KEY for each storage, byteorder, version
//   stream  before 1.6: pickles of a magic number, the protocol, facts of the machine, the value, the storages' keys;
//   then
//           each storage: its count of elements in 8 bytes, its contents
//   tar     0.1: members 'storages', 'tensors' and 'pickle'
// Source of these facts: torch/serialization.py, and files of each version.

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ir/support/limits.h"
#include "serialization/bytes.h"
#include "serialization/checkpoint_pickle.h"
#include "serialization/identify.h"
#include "serialization/python_value.h"

namespace vesta::serialization {

struct CheckpointReadOptions {
  Limits limits;
  bool strict = false;
  // Leaves out the CRC of weights until verify() is called. Pickles and other records are always checked.
  bool defer_weights = false;
  // For looking at shapes: no byte of a weight is read, and the tensors' values must not be used.
  bool metadata_only = false;
};

struct CheckpointContents {
  PyValue root;
  FileKind kind = FileKind::kCheckpoint;
  bool big_endian = false;
  std::vector<CheckpointStorage> storages;
  // Checks the CRC of every weight that was not checked. The tar and stream formats have none: always OK.
  std::function<absl::Status()> verify;
};

// Tensors come on the CPU, wherever they were saved; `storages` tells where. They keep `bytes` alive, and are built
// over them in place where alignment and byte order allow. Errors: DataLoss, ResourceExhausted, InvalidArgument for a
// file of another kind; those of read_checkpoint_pickle.
absl::StatusOr<CheckpointContents> read_checkpoint(SharedBytes bytes, const std::string& file_name,
                                                   const CheckpointReadOptions& options);

// The parts of read_checkpoint.
absl::StatusOr<CheckpointContents> read_zip_checkpoint(SharedBytes bytes, const std::string& file_name,
                                                       const CheckpointReadOptions& options);
absl::StatusOr<CheckpointContents> read_stream_checkpoint(SharedBytes bytes, const std::string& file_name,
                                                          const CheckpointReadOptions& options);
absl::StatusOr<CheckpointContents> read_tar_checkpoint(SharedBytes bytes, const std::string& file_name,
                                                       const CheckpointReadOptions& options);

// "torch.save, zip": what people are told of a checkpoint's container.
std::string checkpoint_format_name(FileKind kind);

}  // namespace vesta::serialization
