#pragma once

// A checkpoint's pickle as a PyValue: tensors over the file's storages, everything else as data.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <c10/core/Storage.h>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "serialization/pickle_reader.h"
#include "serialization/python_value.h"
#include "serialization/tensor_builder.h"
#include "serialization/torch_values.h"

namespace vesta::serialization {

// A storage of a checkpoint, in the order in which the pickle names them first.
struct CheckpointStorage {
  std::string key;       // in the file
  std::string location;  // where it was when it was saved: "cpu", "cuda:0"
  c10::Storage storage;
};

// Builds tensors, and keeps everything else as objects: what was called, with what, and which state it was given.
// Nothing is looked up and nothing is run.
class CheckpointHandler : public TorchHandler {
 public:
  explicit CheckpointHandler(TensorBuilder& tensors) : TorchHandler(tensors) {}

  c10::IValue empty_dict() override;
  absl::StatusOr<c10::IValue> global(std::string_view module, std::string_view name) override;
  absl::StatusOr<c10::IValue> persistent(const c10::IValue& id) override;
  absl::StatusOr<c10::IValue> reduce(const c10::IValue& callable, c10::IValue arguments) override;
  absl::StatusOr<c10::IValue> new_object(const c10::IValue& type, c10::IValue arguments,
                                         c10::IValue keyword_arguments) override;
  absl::StatusOr<c10::IValue> build(c10::IValue object, c10::IValue state) override;
  absl::Status append(const c10::IValue& target, c10::IValue value) override;
  absl::Status set_item(const c10::IValue& target, c10::IValue key, c10::IValue value) override;

  // For containers whose persistent ids are not torch.save's of today. Null: those of today.
  std::function<absl::StatusOr<c10::IValue>(const c10::IValue& id)> persistent_hook;

  const std::vector<CheckpointStorage>& storages() const { return storages_; }
  void add_storage(CheckpointStorage storage) { storages_.push_back(std::move(storage)); }

  // What Python puts on a tensor beside its values.
  struct TensorNote {
    std::string class_name;
    c10::IValue attributes;
  };
  const TensorNote* note_of(const at::Tensor& tensor) const;

 private:
  void note(const c10::IValue& tensor, std::string class_name, c10::IValue attributes);

  std::vector<CheckpointStorage> storages_;
  absl::flat_hash_map<std::string, size_t> keys_;
  absl::flat_hash_map<const c10::TensorImpl*, TensorNote> notes_;
};

struct CheckpointValueOptions {
  Limits limits;
  // Refuses objects of classes that are not known, and calls.
  bool strict = false;
  bool metadata_only = false;
};

// Reads one pickle of `bytes`; `name` starts messages. `size` (may be null) gets the count of bytes read.
// Errors: those of read_pickle; in strict mode Unimplemented with the class's name, where it is, and what to do.
absl::StatusOr<PyValue> read_checkpoint_pickle(std::string_view bytes, std::string_view name,
                                               CheckpointHandler& handler, const CheckpointValueOptions& options,
                                               size_t* size = nullptr);

}  // namespace vesta::serialization
