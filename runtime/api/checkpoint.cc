// Bytes -> reader -> values on the CPU -> the devices that were asked for. A storage is moved once, and all tensors
// over it become tensors over the new one.

#include <vesta/checkpoint.h>

#include <map>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ir/support/status.h"
#include "runtime/api/context.h"
#include "runtime/api/guard.h"
#include "serialization/bytes.h"
#include "serialization/checkpoint_reader.h"
#include "serialization/checkpoint_writer.h"
#include "serialization/safetensors.h"

namespace vesta {
namespace {

using serialization::CheckpointStorage;
using StorageDevices = absl::flat_hash_map<const c10::StorageImpl*, c10::Device>;

// Changes the tensors of a tree in place, or, for saving, of a copy of it.
class TensorMover {
 public:
  // Where the tensors over a storage go. Null: they stay.
  explicit TensorMover(std::function<const c10::Device*(const c10::Storage& storage)> target)
      : target_(std::move(target)) {}

  PyValue copy_of(const PyValue& value) {
    if (value.body() == nullptr) return value;
    if (const auto found = copies_.find(value.body().get()); found != copies_.end()) return PyValue(found->second);
    auto body = std::make_shared<PyBody>(*value.body());
    copies_.emplace(value.body().get(), body);
    each_child(*body, [&](PyValue& child) { child = copy_of(child); });
    move_body(*body);
    return PyValue(body);
  }

  void move(const PyValue& value) {
    if (value.body() == nullptr || !copies_.emplace(value.body().get(), value.body()).second) return;
    each_child(*value.body(), [&](PyValue& child) { move(child); });
    move_body(*value.body());
  }

  // Storages of copies by where they came from.
  const std::map<const c10::StorageImpl*, c10::Device>& origins() const { return origins_; }

 private:
  template <class F>
  static void each_child(PyBody& body, F visit) {
    for (PyValue& item : body.items) visit(item);
    for (PyValue& argument : body.arguments) visit(argument);
    for (std::vector<PyEntry>* entries : {&body.entries, &body.attributes}) {
      for (PyEntry& entry : *entries) {
        visit(entry.first);
        visit(entry.second);
      }
    }
    visit(body.factory);
  }

  void move_body(PyBody& body) {
    if (body.tensor.defined() && body.kind == PyValue::Kind::kTensor) body.tensor = tensor(body.tensor);
    if (body.kind == PyValue::Kind::kStorage && target_(body.storage) != nullptr) body.storage = storage(body.storage);
  }

  c10::Storage storage(const c10::Storage& from) {
    const auto [found, fresh] = storages_.try_emplace(from.unsafeGetStorageImpl(), from);
    if (fresh) {
      const c10::Device device = *target_(from);
      const int64_t size = static_cast<int64_t>(from.nbytes());
      const at::Tensor bytes =
          at::empty({0}, at::TensorOptions(at::kByte).device(from.device())).set_(from, 0, {size}, {1});
      const at::Tensor moved = at::empty({size}, at::TensorOptions(at::kByte).device(device));
      moved.copy_(bytes);
      found->second = moved.storage();
      origins_.emplace(found->second.unsafeGetStorageImpl(), from.device());
    }
    return found->second;
  }

  at::Tensor tensor(const at::Tensor& from) {
    if (from.is_meta()) return from;
    at::Tensor moved;
    if (from.layout() == c10::kStrided && from.has_storage() && !from.is_quantized()) {
      if (target_(from.storage()) == nullptr) return from;
      moved = at::empty({0}, from.options().device(*target_(from.storage())).requires_grad(false))
                  .set_(storage(from.storage()), from.storage_offset(), from.sizes(), from.strides());
      if (from.is_conj()) moved.unsafeGetTensorImpl()->_set_conj(true);
      if (from.is_neg()) moved.unsafeGetTensorImpl()->_set_neg(true);
    } else {
      const at::Tensor part = from.layout() == c10::kSparse ? from._values()
                              : from.is_quantized()         ? from
                                                            : from.values();
      const c10::Device* device = target_(part.storage());
      if (device == nullptr) return from;
      moved = from.detach().to(*device);
    }
    if (from.requires_grad()) moved.set_requires_grad(true);
    return moved;
  }

  std::function<const c10::Device*(const c10::Storage& storage)> target_;
  absl::flat_hash_map<const PyBody*, std::shared_ptr<PyBody>> copies_;
  absl::flat_hash_map<const c10::StorageImpl*, c10::Storage> storages_;
  std::map<const c10::StorageImpl*, c10::Device> origins_;
};

absl::StatusOr<c10::Device> target_device(const CheckpointStorage& storage, const std::string& file,
                                          const CheckpointOptions& options) {
  const absl::StatusOr<c10::Device> saved = internal::guard([&] { return c10::Device(storage.location); });
  if (options.map_location && saved.ok()) return options.map_location(*saved);
  if (options.device.has_value()) return *options.device;
  if (!saved.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat(file, ": storage '", storage.key, "' was saved on '", storage.location,
                     "', which is no device here; give CheckpointOptions::device to have it elsewhere"));
  }
  return *saved;
}

absl::Status move_to_devices(const PyValue& root, const std::vector<CheckpointStorage>& storages,
                             const std::string& file, const CheckpointOptions& options) {
  StorageDevices devices;
  for (const CheckpointStorage& storage : storages) {
    VESTA_ASSIGN_OR_RETURN(const c10::Device device, target_device(storage, file, options));
    if (!device.is_cpu()) devices.emplace(storage.storage.unsafeGetStorageImpl(), device);
  }
  if (devices.empty()) return absl::OkStatus();
  const absl::Status moved = internal::guard([&] {
    const at::NoGradGuard no_grad;
    TensorMover([&](const c10::Storage& storage) -> const c10::Device* {
      const auto found = devices.find(storage.unsafeGetStorageImpl());
      return found == devices.end() ? nullptr : &found->second;
    }).move(root);
  });
  if (moved.ok()) return moved;
  return absl::FailedPreconditionError(
      absl::StrCat(file, ": its tensors cannot be put where they were saved (", devices.begin()->second.str(),
                   "): ", moved.message(), "; give CheckpointOptions::device or map_location to have them elsewhere"));
}

absl::StatusOr<serialization::CheckpointContents> read(serialization::SharedBytes bytes, const std::string& name,
                                                       const CheckpointOptions& options) {
  if (serialization::is_safetensors(bytes->view())) {
    return serialization::read_safetensors(std::move(bytes), name, options.limits);
  }
  const bool on_demand =
      options.verify == VerifyWeights::kDefault ? options.immutable_file : options.verify != VerifyWeights::kWhenRead;
  serialization::CheckpointReadOptions read;
  read.limits = options.limits;
  read.strict = options.strict;
  read.defer_weights = on_demand;
  return serialization::read_checkpoint(std::move(bytes), name, read);
}

}  // namespace

struct internal::CheckpointAccess {
  static absl::StatusOr<Checkpoint> load(serialization::SharedBytes bytes, const std::string& name,
                                         const CheckpointOptions& options) {
    VESTA_ASSIGN_OR_RETURN(serialization::CheckpointContents contents, read(std::move(bytes), name, options));
    VESTA_RETURN_IF_ERROR(move_to_devices(contents.root, contents.storages, name, options));
    Checkpoint result;
    result.root_ = std::move(contents.root);
    result.format_ = serialization::checkpoint_format_name(contents.kind);
    if (options.verify != VerifyWeights::kNever) result.verify_ = std::move(contents.verify);
    return result;
  }
};

absl::Status Checkpoint::verify() const { return verify_ ? verify_() : absl::OkStatus(); }

absl::StatusOr<Checkpoint> load_checkpoint(const std::string& path, const CheckpointOptions& options) {
  using serialization::BlockCrcs;
  const BlockCrcs crcs = options.verify == VerifyWeights::kNever ? BlockCrcs::kNone : BlockCrcs::kOfArchives;
  VESTA_ASSIGN_OR_RETURN(serialization::SharedBytes bytes,
                         options.immutable_file ? serialization::map_file(path, options.limits.file_bytes)
                                                : serialization::read_file(path, options.limits.file_bytes, crcs));
  return internal::CheckpointAccess::load(std::move(bytes), path, options);
}

absl::StatusOr<Checkpoint> load_checkpoint(std::span<const std::byte> bytes, const CheckpointOptions& options) {
  const std::string_view contents(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (options.immutable_file) {
    return internal::CheckpointAccess::load(serialization::borrow_bytes(contents, /*writable=*/true), "<memory>",
                                            options);
  }
  VESTA_ASSIGN_OR_RETURN(serialization::SharedBytes copy, serialization::copy_bytes(contents));
  return internal::CheckpointAccess::load(std::move(copy), "<memory>", options);
}

absl::StatusOr<Checkpoint> load_checkpoint(std::istream& stream, const CheckpointOptions& options) {
  VESTA_ASSIGN_OR_RETURN(serialization::SharedBytes bytes,
                         serialization::read_stream(stream, options.limits.file_bytes));
  return internal::CheckpointAccess::load(std::move(bytes), "<stream>", options);
}

namespace {

// The value with all tensors on the CPU, and what tells where they were.
struct OnCpu {
  PyValue value;
  serialization::CheckpointWriteOptions options;
};

absl::StatusOr<OnCpu> on_cpu(const PyValue& value) {
  bool elsewhere = false;
  value.walk([&](const std::string&, const PyValue& one) {
    elsewhere = elsewhere || (one.is_tensor() && !one.tensor().is_cpu() && !one.tensor().is_meta());
    return !elsewhere;
  });
  if (!elsewhere) return OnCpu{value, {}};
  return internal::guard([&] {
    const at::NoGradGuard no_grad;
    const c10::Device cpu(c10::kCPU);
    TensorMover mover([&](const c10::Storage& storage) { return storage.device().is_cpu() ? nullptr : &cpu; });
    OnCpu result{mover.copy_of(value), {}};
    result.options.location_of = [origins = mover.origins()](const c10::Storage& storage) {
      const auto found = origins.find(storage.unsafeGetStorageImpl());
      return found == origins.end() ? std::string() : found->second.str();
    };
    return result;
  });
}

}  // namespace

absl::Status save_checkpoint(const PyValue& value, const std::string& path) {
  VESTA_ASSIGN_OR_RETURN(const OnCpu plain, on_cpu(value));
  return serialization::write_checkpoint(plain.value, path, plain.options);
}

absl::StatusOr<std::string> save_checkpoint(const PyValue& value) {
  VESTA_ASSIGN_OR_RETURN(const OnCpu plain, on_cpu(value));
  return serialization::write_checkpoint(plain.value, plain.options);
}

absl::Status save_safetensors(const PyValue& value, const std::string& path) {
  VESTA_ASSIGN_OR_RETURN(const OnCpu plain, on_cpu(value));
  return serialization::write_safetensors(plain.value, path);
}

absl::StatusOr<std::string> save_safetensors(const PyValue& value) {
  VESTA_ASSIGN_OR_RETURN(const OnCpu plain, on_cpu(value));
  return serialization::write_safetensors(plain.value);
}

absl::StatusOr<StateDict> state_dict_of(const PyValue& value, std::string_view strip_prefix) {
  VESTA_ASSIGN_OR_RETURN(const auto named, value.state_dict());
  StateDict result;
  for (const auto& [name, tensor] : named) {
    const bool strip = !strip_prefix.empty() && name.starts_with(strip_prefix);
    result.push_back({strip ? name.substr(strip_prefix.size()) : name, tensor});
  }
  return result;
}

PyValue state_dict_value(const StateDict& state) {
  PyValue result = PyValue::ordered_dict();
  for (const Named<at::Tensor>& entry : state) (void)result.set(entry.name, entry.value.detach());
  return result;
}

absl::StatusOr<LoadReport> load_state_dict(Module& module, const PyValue& state, const StateDictOptions& options) {
  VESTA_ASSIGN_OR_RETURN(const StateDict named, state_dict_of(state, options.strip_prefix));
  return module.load_state_dict(named, options.strict);
}

}  // namespace vesta
