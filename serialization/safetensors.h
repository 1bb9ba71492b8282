#pragma once

// safetensors files: the header's length in 8 bytes, a header of JSON ({"name": {"dtype", "shape", "data_offsets"},
// ...,
// "__metadata__": {...}}), the tensors. Source: the format's README, and R torch's torch_save of version 3, which puts
// facts of its own under "__r__" (or "..r") in the metadata and, for lists and modules, R's objects behind the tensors.

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ir/support/limits.h"
#include "serialization/bytes.h"
#include "serialization/checkpoint_reader.h"
#include "serialization/python_value.h"

namespace vesta::serialization {

// Whether the bytes begin as such a file does.
bool is_safetensors(std::string_view bytes);

// A dict of tensors, or the tensor itself where R saved one. Each tensor has a storage of its own, in place where its
// elements are aligned. The metadata's strings are the dict's attribute `__metadata__`.
// Strict: DataLoss where the header is no such JSON or a name comes twice, where tensors overlap, leave gaps, do not
// fit their sizes, or something follows them. Unimplemented for a dtype that no tensor has.
absl::StatusOr<CheckpointContents> read_safetensors(SharedBytes bytes, const std::string& file_name,
                                                    const Limits& limits);

// Writes value.state_dict() so: contiguous little-endian tensors, ordered by the size of their elements, then by name;
// the data starts at a multiple of 64 bytes. What is shared is written for each name. The same value gives the same
// bytes. Errors: InvalidArgument (no state dict; a tensor that is quantized, sparse or of a dtype that the format
// lacks).
absl::Status write_safetensors(const PyValue& value, const std::string& path);
absl::StatusOr<std::string> write_safetensors(const PyValue& value);

}  // namespace vesta::serialization
