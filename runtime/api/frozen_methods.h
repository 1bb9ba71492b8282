#pragma once

// The optimized forms of a frozen module's methods, beside the portable ones of its program.

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <ATen/core/ivalue.h>
#include <vesta/options.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ir/program.h"
#include "passes/pass.h"
#include "runtime/api/context.h"
#include "runtime/bytecode.h"
#include "serialization/native_format.h"

namespace vesta::internal {

// Which attributes of the modules below a root never change: no method assigns them, nor writes to what they hold, nor
// to anything that shares memory with that. `__setstate__` does not count. Found when it is asked for first.
// Thread-safe.
class FrozenState {
 public:
  // `live`: the host may change the modules, so only such attributes count whose change can be seen from outside: not
  // lists and dicts, nor tensors without a version counter.
  FrozenState(ObjectPtr root, bool live) : root_(std::move(root)), live_(live) {}
  // See passes::FrozenAttribute. An attribute that is a module is one of the tree.
  std::optional<c10::IValue> attribute(const c10::ivalue::Object& object, const std::string& name) const;

  // What the program does to an attribute of a module of the tree: attribute() gives it, or it stays the same tensor
  // that is written to, or neither is sure.
  enum class Change : uint8_t { kNever, kWritten, kAny };
  Change change(const c10::ivalue::Object& object, size_t slot) const;

 private:
  struct Facts;
  const Facts& facts() const;
  std::shared_ptr<const Facts> find_facts() const;

  ObjectPtr root_;
  bool live_;
  mutable std::once_flag once_;
  mutable std::shared_ptr<const Facts> facts_;
};

// Where the plain code has to do.
inline const std::shared_ptr<const runtime::Code> kNoCode;

// One for each frozen module; its instances share what was compiled. Thread-safe: a method is optimized by the first
// who asks for it, the others wait.
class FrozenMethods {
 public:
  // InvalidArgument where the options name a pass that does not exist.
  static absl::StatusOr<std::shared_ptr<const FrozenMethods>> create(const ObjectPtr& root,
                                                                     const OptimizationOptions& options) {
    return create(root, options, /*live=*/false);
  }
  // Of modules that the host may change: the code holds as long as what state() calls unchanging has not (LiveMethods).
  static absl::StatusOr<std::shared_ptr<const FrozenMethods>> create_live(const ObjectPtr& root,
                                                                          const OptimizationOptions& options) {
    return create(root, options, /*live=*/true);
  }
  // The same for a copy of the modules that shares what never changes (Module::instance).
  std::shared_ptr<const FrozenMethods> for_instance(const ObjectPtr& root) const;

  // The method's optimized code for this object, which is one of the tree, and such arguments (those behind the object:
  // which optional ones are None); empty where the plain one has to do. It stays as long as this. Errors
  // are Internal, and only in checked builds.
  absl::StatusOr<const std::shared_ptr<const runtime::Code>*> code(const c10::ivalue::Object& object,
                                                                   const ir::Function& method,
                                                                   const std::vector<c10::IValue>& arguments) const;
  // Methods that were optimized before, with what their plans have derived; they are of the tree. For a file.
  std::vector<serialization::OptimizedMethod> optimized() const;
  // Takes them in, before the first call.
  void restore(const std::vector<serialization::OptimizedMethod>& methods) const;
  const OptimizationOptions& options() const { return options_; }
  const FrozenState& state() const { return *state_; }

  // How code() has it optimized.
  passes::PassContext context_for(const ObjectPtr& object) const;

 private:
  struct Variant;
  struct Entry;
  using Key = std::pair<const c10::ivalue::Object*, const ir::Function*>;
  struct Hash {
    size_t operator()(const Key& key) const {
      return std::hash<const void*>()(key.first) * 31 + std::hash<const void*>()(key.second);
    }
  };
  static absl::StatusOr<std::shared_ptr<const FrozenMethods>> create(const ObjectPtr& root,
                                                                     const OptimizationOptions& options, bool live);
  FrozenMethods(OptimizationOptions options, std::shared_ptr<const FrozenState> state)
      : options_(std::move(options)), state_(std::move(state)) {}

  const OptimizationOptions options_;
  const std::shared_ptr<const FrozenState> state_;
  std::vector<ObjectPtr> objects_;
  std::unordered_map<Key, std::shared_ptr<Entry>, Hash> entries_;
};

// InvalidArgument where the options name a pass that does not exist.
absl::Status check_passes(const OptimizationOptions& options);

// Whether gradients are to be recorded through these arguments of a call: then the plain code runs.
bool wants_gradients(const std::vector<c10::IValue>& arguments);

}  // namespace vesta::internal
