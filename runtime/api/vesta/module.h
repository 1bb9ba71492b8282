#pragma once

// A module: an object of a program with parameters, buffers, attributes, child modules and methods.

#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>
#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <vesta/export.h>
#include <vesta/method.h>
#include <vesta/options.h>
#include <vesta/produced_by.h>
#include <vesta/types.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace vesta {

template <class T>
struct Named {
  std::string name;
  T value;
};

// Tensors by dotted name ("encoder.0.weight"), in a module's order.
using StateDict = std::vector<Named<at::Tensor>>;

// What did not fit in load_state_dict, each by name.
struct LoadReport {
  std::vector<std::string> missing;     // the module has it, the dict does not
  std::vector<std::string> unexpected;  // the dict has it, the module does not
  std::vector<std::string> mismatched;  // "fc.weight: shape [10, 5] in the module, [10, 4] given"
  bool clean() const { return missing.empty() && unexpected.empty() && mismatched.empty(); }
};

// A cheap copyable handle: copies are the same module. It keeps the program, the object and its tensors alive; values
// that come out of calls keep alive what they need themselves.
//
// Names and order of parameters, buffers, attributes and modules are torch::jit's: depth first, in the order of
// attributes, a module that is reached by two names is listed under both.
//
// Thread-safety: const functions may run in many threads at once, with one condition: calls of a method whose
// writes_state() is true, and all non-const functions, need the module (and those that share its objects) for
// themselves. instance() gives a thread its own.
class VESTA_API Module {
 public:
  // An empty module of a new program, to be filled with register_* and define(). Characters of the name that no class
  // can have become '_'.
  explicit Module(std::string_view class_name);
  // A module value that a call returned or an attribute holds. InvalidArgument for any other value.
  static absl::StatusOr<Module> from_value(const c10::IValue& value);

  // --- Calling. Errors and conversions: see Method::operator().
  absl::StatusOr<c10::IValue> forward(std::vector<c10::IValue> args, const Kwargs& kwargs = {},
                                      const CallOptions& options = {}) const;
  absl::StatusOr<c10::IValue> run_method(std::string_view name, std::vector<c10::IValue> args,
                                         const Kwargs& kwargs = {}, const CallOptions& options = {}) const;
  // NotFound lists the methods that are there.
  absl::StatusOr<Method> get_method(std::string_view name) const;
  bool has_method(std::string_view name) const;
  // In the order of the source.
  std::vector<Method> methods() const;

  // The classes, NamedTuples and enums of the program, for building values to pass in.
  Types types() const;

  // --- Looking inside. `recurse`: child modules too, with dotted names.
  std::vector<Named<at::Tensor>> named_parameters(bool recurse = true) const;
  std::vector<Named<at::Tensor>> named_buffers(bool recurse = true) const;
  // All attributes, parameters, buffers and child modules included.
  std::vector<Named<c10::IValue>> named_attributes(bool recurse = true) const;
  std::vector<Named<Module>> named_children() const;
  // This module (named "") and all below it.
  std::vector<Named<Module>> named_modules() const;
  std::vector<at::Tensor> parameters(bool recurse = true) const;
  std::vector<at::Tensor> buffers(bool recurse = true) const;

  // `path` may be dotted: "encoder.layers.0.scale". Constants of the class are found too.
  bool has_attr(std::string_view path) const;
  absl::StatusOr<c10::IValue> attr(std::string_view path) const;
  // The value is checked against the attribute's type and converted as arguments are. InvalidArgument, NotFound;
  // FailedPrecondition for a constant and for a frozen module.
  absl::Status set_attr(std::string_view path, c10::IValue value);
  absl::StatusOr<Module> get_submodule(std::string_view path) const;

  // The class's qualified name: "__torch__.models.Net".
  std::string type_name() const;
  c10::ClassTypePtr type() const;
  // Who may have written the archive that the module was loaded from, and what was done to keep its meaning.
  const ProducedBy& produced_by() const;
  // For passing the module as an argument or attribute.
  c10::IValue value() const { return c10::IValue(object_); }

  // --- State. Parameters and buffers, first a module's own, then its children's, as Python's state_dict();
  // the tensors are the module's own, not copies.
  StateDict state_dict() const;
  // Copies the values into the module's tensors (converting dtype and device). Missing, unexpected and
  // mismatched names are all found before anything is written. A mismatch of shapes is an error always, the other
  // two if `strict`; the error lists everything. Otherwise what fits is loaded and the rest reported.
  absl::StatusOr<LoadReport> load_state_dict(const StateDict& state, bool strict = true);
  // The same from a Dict[str, Tensor], as a checkpoint holds it.
  absl::StatusOr<LoadReport> load_state_dict(const c10::IValue& state, bool strict = true);

  // Moves parameters and buffers, in place: tensors that share an identity go on sharing it. A dtype applies to those
  // that are floating point or complex.
  absl::Status to(c10::Device device);
  absl::Status to(c10::ScalarType dtype);
  absl::Status to(c10::Device device, c10::ScalarType dtype);

  // Sets `training` here and below. FailedPrecondition if the module is frozen and `on`.
  absl::Status train(bool on = true);
  absl::Status eval() { return train(false); }
  // True where there is no such attribute, as in torch::jit.
  bool is_training() const;

  // A module of its own: tensors, containers and objects are copied, what shares memory or identity in this one
  // does so in the copy; classes and methods are shared. Gradients are not copied.
  absl::StatusOr<Module> clone() const { return deepcopy(); }
  absl::StatusOr<Module> deepcopy(std::optional<c10::Device> device = std::nullopt) const;
  // A module for one stream or thread: parameters, and tensors that no method writes, are shared with this
  // one; objects, containers and tensors that some method may write are copied. Weights that are changed in place
  // change for all instances; attributes that are assigned do not.
  absl::StatusOr<Module> instance() const;

  // For this module and all below it, children first.
  void apply(const std::function<void(Module&)>& function);
  // Gradients of parameters become undefined, or zeros.
  absl::Status zero_grad(bool set_to_none = true);
  absl::Status requires_grad_(bool on = true);

  // --- Building. FailedPrecondition where the name is taken by a different kind or type, or the module is frozen;
  // InvalidArgument where a name is no identifier.
  absl::Status register_parameter(std::string_view name, at::Tensor value);
  absl::Status register_buffer(std::string_view name, at::Tensor value);
  absl::Status register_attribute(std::string_view name, const c10::TypePtr& type, c10::IValue value);
  // The type is the value's own. InvalidArgument for None and empty lists and dicts without one.
  absl::Status register_attribute(std::string_view name, c10::IValue value);
  absl::Status register_module(std::string_view name, const Module& module);
  // Methods as TorchScript source, which may use what was registered: "def forward(self, x: Tensor): ...". All
  // modules of this class get them. None is defined if one is wrong.
  absl::Status define(std::string_view source, const CompileOptions& options = {});

  // --- Optimization. Methods are optimized at their first call and rest on the module's parameters and attributes as
  // they were then. Before each call these are looked at: a changed one (set_attr, load_state_dict, an operator that
  // writes in place, an optimizer's step, ...) has the method optimized anew, weights packed again. What cannot be seen
  // is a write past the tensors, through data_ptr() or to memory that from_blob() was given: who does that asks for
  // OptimizationLevel::kO0. Calls that record gradients run the program as it was written.

  // What the methods of this handle are optimized to.
  OptimizationOptions optimization() const;
  // Another handle to the same module, whose methods are optimized so. InvalidArgument for a pass that does not exist;
  // FailedPrecondition: the module is frozen.
  absl::StatusOr<Module> with_optimization(const OptimizationOptions& options) const;

  // A copy for inference: in eval mode, parameters and buffers detached from autograd, and no further change from
  // outside (set_attr, load_state_dict, to, train, register_*, define are refused). What methods assign themselves
  // still changes. In return its methods are optimized: forward() now, others at their first call. A
  // call with gradients to record through its arguments runs as the program was written. What is saved, printed and
  // copied stays that, too; deepcopy() is a module that is not frozen. InvalidArgument for a pass that does not exist.
  absl::StatusOr<Module> freeze(const OptimizationOptions& options = {}) const&;
  // The same of a handle that is given up (`vesta::load(path)->freeze()`, `std::move(module).freeze()`): parameters and
  // buffers that nobody else holds become the frozen module's without a copy. The handle is then empty.
  absl::StatusOr<Module> freeze(const OptimizationOptions& options = {}) &&;
  bool is_frozen() const;
  // Does at once what the first call of forward() on inputs of these kinds would do first: it is optimized and its
  // plans are made, weights packed, by calls of a module that shares all of that (this one's state does not change).
  // Fails with what the call fails with. Of a module that is not frozen it holds until parameters or attributes change.
  absl::Status optimize_for(std::vector<c10::IValue> args, const PreparationOptions& options = {},
                            const Kwargs& kwargs = {});

  // --- Saving, as an archive that Python's torch.jit.load, libtorch and load() read: the program as TorchScript
  // source, with the positions of its author's lines; parameters, buffers and attributes, shared ones once;
  // `extra_files` below extra/. What is saved is the program as it was loaded, compiled or traced, whatever the runtime
  // has made of it, so every torch can run it. The same module gives the same bytes.
  //
  // A file appears whole or not at all: whatever fails, and wherever the process ends, the old one or the new one is
  // there. Errors: NotFound, PermissionDenied, ResourceExhausted (the disk is full), Unavailable for the file;
  // InvalidArgument for a value that an archive cannot hold, named by its path; Unimplemented for a function that calls
  // unknown operators; what a `__getstate__` fails with.
  absl::Status save(const std::string& path, const ExtraFiles& extra_files = {}) const;
  absl::Status save(std::ostream& stream, const ExtraFiles& extra_files = {}) const;

  // As a native file, which load() reads, and this Vesta's kind alone: the program as it is in memory, weights behind
  // it to be used in place (LoadOptions::immutable_file). A frozen module is frozen when it is loaded. What holds for
  // save() above holds here, too. FailedPrecondition: `packed` for a module that is not frozen.
  absl::Status save_native(const std::string& path, const NativeOptions& options = {}) const;
  absl::Status save_native(std::ostream& stream, const NativeOptions& options = {}) const;

  // The same object.
  friend bool operator==(const Module& a, const Module& b) { return a.object_ == b.object_; }

 private:
  friend struct internal::Access;
  Module(std::shared_ptr<const internal::Context> context, c10::intrusive_ptr<c10::ivalue::Object> object)
      : context_(std::move(context)), object_(std::move(object)) {}

  absl::StatusOr<Module> frozen(const c10::IValue& copy, const OptimizationOptions& options) const;

  std::shared_ptr<const internal::Context> context_;
  c10::intrusive_ptr<c10::ivalue::Object> object_;
};

}  // namespace vesta
