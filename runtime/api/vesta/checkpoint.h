#pragma once

// Checkpoints: what torch.save wrote, of every version of torch, and files that torch.load reads. Also safetensors.
//
//   absl::StatusOr<vesta::Checkpoint> checkpoint = vesta::load_checkpoint("epoch12.pt");
//   absl::StatusOr<int64_t> epoch = checkpoint->get<int64_t>("epoch");
//   absl::StatusOr<at::Tensor> momentum = checkpoint->get<at::Tensor>("optimizer.state.0.exp_avg");
//   auto report = vesta::load_state_dict(module, *checkpoint->at("model_state_dict"), {.strip_prefix = "module."});
//
//   vesta::PyValue state = vesta::PyValue::dict({{"epoch", 13}, {"model",
//   vesta::state_dict_value(module.state_dict())}}); absl::Status saved = vesta::save_checkpoint(state, "epoch13.pt");

#include <cstddef>
#include <functional>
#include <istream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <c10/core/Device.h>

#include <vesta/export.h>
#include <vesta/limits.h>
#include <vesta/module.h>
#include <vesta/python_value.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace vesta {

namespace internal {
struct CheckpointAccess;
}

// When the CRC of weights is checked. Pickles and other records are always checked when they are read. Streams (before
// torch 1.6), tar files (0.1) and safetensors have no CRC.
enum class VerifyWeights {
  kDefault,   // kWhenRead, or kOnDemand with `immutable_file`
  kWhenRead,  // while loading: a damaged file is an error of load_checkpoint
  kOnDemand,  // by Checkpoint::verify()
  kNever,     // verify() does nothing either
};

struct CheckpointOptions {
  Limits limits;
  // Where tensors go. None: where they were when they were saved; a device that is not there is FailedPrecondition.
  std::optional<c10::Device> device;
  // From the device that a storage was saved on to the one that it goes to, as torch.load's `map_location`. Goes
  // before `device`.
  std::function<c10::Device(c10::Device saved)> map_location;
  // The caller declares that the file neither changes nor shrinks while any of its tensors is in use: they are used in
  // place from a private mapping, whatever is written to them stays in memory.
  bool immutable_file = false;
  // Refuses objects of classes that are not known here; otherwise they are inert objects.
  bool strict = false;
  VerifyWeights verify = VerifyWeights::kDefault;
};

// A loaded file. A cheap copyable handle.
class VESTA_API Checkpoint {
 public:
  const PyValue& root() const { return root_; }
  // "torch.save, zip", "torch.save, stream of before 1.6", "torch.save, tar of 0.1", "safetensors".
  const std::string& format() const { return format_; }
  // As PyValue's.
  absl::StatusOr<PyValue> at(std::string_view path) const { return root_.at(path); }
  template <class T>
  absl::StatusOr<T> get(std::string_view path) const {
    return root_.get<T>(path);
  }
  // Checks the CRC of all weights that were not checked. DataLoss names the record. Thread-safe.
  absl::Status verify() const;

 private:
  friend struct internal::CheckpointAccess;
  PyValue root_;
  std::string format_;
  std::function<absl::Status()> verify_;
};

// Nothing in the file is executed. Tensors that shared a storage share one; tensors of a mapped or read file keep it in
// memory as long as one of them lives. Errors: NotFound, PermissionDenied, DataLoss, ResourceExhausted (a limit),
// InvalidArgument (a file of another kind: says which, and what to do), Unimplemented (strict mode: names the class,
// where it is, and what to do), FailedPrecondition (a device). Thread-safe.
VESTA_API absl::StatusOr<Checkpoint> load_checkpoint(const std::string& path, const CheckpointOptions& options = {});
// Bytes in memory; with `immutable_file` they must outlive all tensors and are used in place, else copied.
VESTA_API absl::StatusOr<Checkpoint> load_checkpoint(std::span<const std::byte> bytes,
                                                     const CheckpointOptions& options = {});
// The rest of the stream.
VESTA_API absl::StatusOr<Checkpoint> load_checkpoint(std::istream& stream, const CheckpointOptions& options = {});

// Writes a file that torch.load reads, with weights_only=True too where the values allow (objects of other classes,
// frozenset and NumPy's arrays need torch.serialization.add_safe_globals, defaultdict weights_only=False). Storages are
// written once and whole: save tensor.clone() of a small view of a large one. Tensors of other devices say where they
// were. The same value gives the same bytes; the file appears whole or not at all. Errors: InvalidArgument with the
// path of what cannot be written; NotFound, PermissionDenied, ResourceExhausted, Unavailable of the file.
VESTA_API absl::Status save_checkpoint(const PyValue& value, const std::string& path);
// The bytes of such a file.
VESTA_API absl::StatusOr<std::string> save_checkpoint(const PyValue& value);

// safetensors: a dict of tensors by name. Metadata (str to str) comes and goes as the dict's attribute `__metadata__`.
// Strict: the header and the tensors fill the file with no gap and no overlap. A file of R torch's torch_save gives
// what R saved, tensors with their requires_grad. `load_checkpoint` reads such files too.
VESTA_API absl::Status save_safetensors(const PyValue& value, const std::string& path);
VESTA_API absl::StatusOr<std::string> save_safetensors(const PyValue& value);

// --- State dicts.

struct StateDictOptions {
  // See Module::load_state_dict.
  bool strict = true;
  // Left out where a name starts with it ("module." of DataParallel).
  std::string strip_prefix;
};

// PyValue::state_dict() with a prefix left out.
VESTA_API absl::StatusOr<StateDict> state_dict_of(const PyValue& value, std::string_view strip_prefix = "");
// As Python's state_dict(): an OrderedDict.
VESTA_API PyValue state_dict_value(const StateDict& state);
// Module::load_state_dict with a checkpoint's state dict or pickled module.
VESTA_API absl::StatusOr<LoadReport> load_state_dict(Module& module, const PyValue& state,
                                                     const StateDictOptions& options = {});

}  // namespace vesta
