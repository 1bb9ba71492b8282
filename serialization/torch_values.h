#pragma once

// What torch's pickles refer to: the globals that TorchScript archives and checkpoints have in common,
// and those of TorchScript alone.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/class_type.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ir/program.h"
#include "serialization/pickle_reader.h"
#include "serialization/tensor_builder.h"

namespace vesta::serialization {

// Tensors, storages, devices, dtypes, sizes and complex numbers. Every global comes as a PickleObject of
// kind kGlobal; a subclass gives meaning to those that this class does not know.
class TorchHandler : public PickleHandler {
 public:
  explicit TorchHandler(TensorBuilder& tensors) : tensors_(tensors) {}

  absl::StatusOr<c10::IValue> global(std::string_view module, std::string_view name) override;
  absl::StatusOr<c10::IValue> persistent(const c10::IValue& id) override { return tensors_.storage(id); }
  absl::StatusOr<c10::IValue> reduce(const c10::IValue& callable, c10::IValue arguments) override;
  absl::StatusOr<c10::IValue> new_object(const c10::IValue& type, c10::IValue arguments,
                                         c10::IValue keyword_arguments) override;
  absl::StatusOr<c10::IValue> build(c10::IValue object, c10::IValue state) override;

 protected:
  // A call of a global that is not in the common table. By default refused, by name.
  virtual absl::StatusOr<c10::IValue> reduce_other(PickleObject& callable, c10::IValue arguments);
  // The error for a global that has no meaning here.
  static absl::Status refuse(const PickleObject& global);

  TensorBuilder& tensors() { return tensors_; }

 private:
  TensorBuilder& tensors_;
};

// What reading a TorchScript pickle needs of the program.
struct ScriptContext {
  // The class, NamedTuple or enum of a qualified name ("__torch__.M"); an error that names it if there
  // is none. Custom classes ("__torch__.torch.classes.quantized.LinearPackedParamsBase") included.
  std::function<absl::StatusOr<c10::TypePtr>(std::string_view qualified_name)> find_type;
  // The type that a tag ("Dict[str, List[int]]") stands for.
  std::function<absl::StatusOr<c10::TypePtr>(std::string_view text)> parse_type;
  // Runs `__setstate__` of `type` (a class that has one) on a new object whose slots are all None.
  // Null: nothing is run, and such objects keep None in their slots.
  std::function<absl::Status(const c10::IValue& object, const c10::ClassTypePtr& type, c10::IValue state)> set_state;
  // Kept by the objects; see ir::Program::compilation_unit().
  std::shared_ptr<torch::jit::CompilationUnit> unit;
  // What `build_tensor_from_id` refers to (archives before 1.3).
  std::vector<at::Tensor> tensor_table;
};

// Objects, NamedTuples and enums of the program, typed lists, type tags.
class ScriptHandler : public TorchHandler {
 public:
  ScriptHandler(TensorBuilder& tensors, const ScriptContext& context, const Limits& limits)
      : TorchHandler(tensors), context_(context), limits_(limits) {}

  absl::StatusOr<c10::IValue> global(std::string_view module, std::string_view name) override;
  absl::StatusOr<c10::IValue> new_object(const c10::IValue& type, c10::IValue arguments,
                                         c10::IValue keyword_arguments) override;
  absl::StatusOr<c10::IValue> build(c10::IValue object, c10::IValue state) override;

 protected:
  absl::StatusOr<c10::IValue> reduce_other(PickleObject& callable, c10::IValue arguments) override;

 private:
  absl::StatusOr<c10::TypePtr> type_of(const PickleObject& global);
  absl::StatusOr<c10::IValue> restore_type_tag(c10::ArrayRef<c10::IValue> arguments);
  absl::StatusOr<c10::IValue> typed_list(c10::ArrayRef<c10::IValue> arguments, const c10::TypePtr& element);
  absl::StatusOr<c10::IValue> build_from_attributes(const c10::ClassTypePtr& type, const c10::IValue& state);

  const ScriptContext& context_;
  const Limits& limits_;
  absl::flat_hash_map<std::string, c10::TypePtr> types_;
  absl::flat_hash_map<std::string, c10::TypePtr> tags_;
};

// An object of a class that has a `__setstate__`, brought to life by it; every attribute conforms to the class. Without
// `context.set_state` its slots are None.
absl::StatusOr<c10::IValue> object_from_state(const c10::ClassTypePtr& type, c10::IValue state,
                                              const ScriptContext& context, const Limits& limits);

// Runs a method: its arguments on the stack, the object first, are replaced by the result.
using RunMethod = std::function<absl::Status(const ir::Function&, ir::Stack&)>;

// The way back: what an object's `__getstate__` gives, where that is what a file holds of it; none where its attributes
// are. `path` names the object in messages. InvalidArgument for an object of C++ without a `__getstate__`,
// FailedPrecondition where `run` is empty and one has to run, and what it fails with.
absl::StatusOr<std::optional<c10::IValue>> written_state(const c10::IValue& object, const RunMethod& run,
                                                         const std::string& path);

// Reads a whole TorchScript pickle. `name` starts the messages.
absl::StatusOr<c10::IValue> read_script_pickle(std::string_view bytes, std::string_view name, TensorBuilder& tensors,
                                               const ScriptContext& context, const PickleOptions& options);

}  // namespace vesta::serialization
