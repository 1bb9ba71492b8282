#pragma once

// What `vesta inspect` says of files of values: checkpoints of torch.save and safetensors.

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "serialization/checkpoint_reader.h"

namespace vesta::tools {

// Whether the file is one of values rather than a program; false also where it cannot be read.
bool is_value_file(const std::string& path);

// Reads such a file. Without `weights` it is mapped and none of its weights is read; the tensors' values must then not
// be used.
absl::StatusOr<serialization::CheckpointContents> open_value_file(const std::string& path, bool weights);

// "crc32:1234abcd": zlib's CRC-32 of the tensor's elements in C order (the last index fastest), little endian, as
// `zlib.crc32(t.contiguous().view(torch.uint8).numpy().tobytes())` in Python; of a quantized tensor of int_repr(), of a
// conjugated or negated view of its resolved values. REQUIRES: a dense tensor on the CPU.
std::string tensor_checksum(const at::Tensor& tensor);
// The same elements as bytes.
std::string tensor_bytes(const at::Tensor& tensor);

absl::Status print_value_file(const std::string& path, int depth, std::ostream& out);
absl::Status print_value_file_json(const std::string& path, std::ostream& out);

}  // namespace vesta::tools
