#pragma once

// NumPy's .npy files. Source of the format: numpy/lib/format.py (NEP 1), versions 1.0 to 3.0.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/ScalarType.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace vesta::serialization {

// "f4", without the mark of the byte order -> kFloat; nullopt for what no tensor has. And back; "" for what NumPy
// does not have.
std::optional<c10::ScalarType> numpy_scalar_type(std::string_view code);
std::string_view numpy_code(c10::ScalarType type);

// A tensor of a NumPy array's raw contents, in memory of its own. DataLoss where they do not fit the sizes.
absl::StatusOr<at::Tensor> make_array(std::string_view contents, c10::ScalarType type,
                                      const std::vector<int64_t>& sizes, bool fortran_order, bool big_endian);

// The elements of a dense CPU tensor in C order, as they lie in memory (marks of conj and neg are not looked at).
void append_elements(const at::Tensor& tensor, std::string& out);

// The array of a .npy file as a tensor of its own memory, contiguous; arrays in Fortran's order get
// strides accordingly. Big-endian arrays are turned around. `file_name` is for messages.
// Errors: DataLoss (malformed, wrong size), Unimplemented (a dtype that no tensor has: structures,
// objects, strings, dates).
absl::StatusOr<at::Tensor> read_npy(std::string_view bytes, const std::string& file_name);

// The bytes of a .npy file (version 1.0, little endian, C order) of a dense CPU tensor.
// InvalidArgument for what NumPy does not have: other layouts and devices, bfloat16, quantized, float8.
absl::StatusOr<std::string> write_npy(const at::Tensor& tensor);

// The same into a file, which appears whole or not at all.
absl::Status write_npy(const at::Tensor& tensor, const std::string& path);

}  // namespace vesta::serialization
