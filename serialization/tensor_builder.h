#pragma once

// Storages and tensors as pickles describe them, built over the bytes of an archive. Every size,
// stride and offset is checked against the storage in 64 bits before a tensor exists.
//
// Source of the argument lists: torch/_utils.py (`_rebuild_*`) and what torch's C++ writer emits.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/ivalue.h>
#include <c10/core/ScalarType.h>
#include <c10/core/Storage.h>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "ir/support/limits.h"
#include "serialization/bytes.h"

namespace vesta::serialization {

// A storage class of Python: "FloatStorage" -> kFloat. nullopt for an unknown name; "UntypedStorage"
// counts bytes (kByte).
std::optional<c10::ScalarType> storage_scalar_type(std::string_view class_name);
// The name of the class that `storage_scalar_type` takes.
std::string_view storage_class_name(c10::ScalarType type);
// "float32", "int64", ...
std::string_view scalar_type_name(c10::ScalarType type);
// "float32", "float", "int64", ... -> kFloat, kLong; nullopt for an unknown name.
std::optional<c10::ScalarType> scalar_type_named(std::string_view name);

// The bytes of a storage and what keeps them alive.
struct StorageBytes {
  std::string_view contents;
  SharedBytes owner;
};

// A storage of `source`'s bytes on the CPU. They are used in place where the owner allows it and they
// start at a multiple of `alignment` bytes, else copied. `element_size` > 1 with `swap_bytes` turns elements of
// a big-endian machine around, in a copy.
absl::StatusOr<c10::Storage> make_storage(const StorageBytes& source, size_t element_size, bool swap_bytes,
                                          size_t alignment = 64);

// The storages of one archive by key, so that what was shared stays shared, and tensors over them.
// Not thread-safe.
class TensorBuilder {
 public:
  // Gives the record of a storage's key ("0"), which has to have `size` bytes: others are refused before
  // anything is inflated.
  using ReadRecord = std::function<absl::StatusOr<StorageBytes>(std::string_view key, uint64_t size)>;
  struct Options {
    Limits limits;
    bool big_endian = false;
    // Storages saved on another device are loaded on the CPU; otherwise they are refused.
    bool map_to_cpu = false;
    // For looking at shapes alone: no byte of a storage is read, so nothing is copied, turned around or checked, and
    // the values of the tensors must not be used.
    bool metadata_only = false;
  };
  TensorBuilder(ReadRecord read_record, Options options)
      : read_record_(std::move(read_record)), options_(std::move(options)) {}

  // The meaning of ('storage', <class>, key, location, count[, view]): a PickleObject of kind kStorage. `view` is None
  // or (key, offset, count), a part of that storage with a key of its own.
  absl::StatusOr<c10::IValue> storage(const c10::IValue& persistent_id);
  // A PickleObject of kind kStorage.
  static c10::IValue wrap_storage(c10::Storage storage, c10::ScalarType type);
  // A part of a storage that shares its memory, in elements of `item_size` bytes; the same for the same key.
  absl::StatusOr<c10::Storage> view_of_storage(const c10::Storage& root, size_t item_size, const std::string& key,
                                               int64_t offset, int64_t count);

  // The functions below take the arguments of the Python function of the same name.
  absl::StatusOr<c10::IValue> rebuild_tensor(c10::ArrayRef<c10::IValue> arguments);
  absl::StatusOr<c10::IValue> rebuild_qtensor(c10::ArrayRef<c10::IValue> arguments);
  absl::StatusOr<c10::IValue> rebuild_sparse_tensor(c10::ArrayRef<c10::IValue> arguments);
  absl::StatusOr<c10::IValue> rebuild_parameter(c10::ArrayRef<c10::IValue> arguments);
  absl::StatusOr<c10::IValue> rebuild_meta_tensor(c10::ArrayRef<c10::IValue> arguments);

 private:
  absl::StatusOr<c10::Storage> read_storage(const std::string& key, c10::ScalarType type, int64_t bytes);
  absl::StatusOr<c10::Storage> storage_view(const c10::Storage& root, size_t item_size,
                                            c10::ArrayRef<c10::IValue> view);
  absl::Status count_tensor();

  ReadRecord read_record_;
  Options options_;
  absl::flat_hash_map<std::string, c10::Storage> storages_;
  absl::flat_hash_map<std::string, c10::Storage> views_;
  int64_t tensors_ = 0;
};

// A tensor over a storage. DataLoss where sizes, strides (in elements) and offset leave the storage
// or do not fit 64 bits.
absl::StatusOr<at::Tensor> make_strided_tensor(const c10::Storage& storage, c10::ScalarType type,
                                               const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides,
                                               int64_t offset);

// A new contiguous CPU tensor of uninitialized elements. ResourceExhausted, or DataLoss for sizes
// that are negative or do not fit 64 bits.
absl::StatusOr<at::Tensor> make_contiguous_tensor(c10::ScalarType type, const std::vector<int64_t>& sizes);

}  // namespace vesta::serialization
