#pragma once

// Values of programs as the pickles of TorchScript archives: what read_script_pickle() reads.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ir/program.h"
#include "serialization/pickle_writer.h"
#include "serialization/tensor_pickler.h"

namespace vesta::serialization {

// What writing values needs of the program. All functions must be given.
struct ScriptNames {
  // The qualified name of a class or enum in the archive's code.
  std::function<std::string(const c10::NamedTypePtr&)> type_name;
  // A type as text: "Dict[str, __torch__.Net]".
  std::function<std::string(const c10::Type&)> annotation;
  // Runs `__getstate__` of our own classes on an object; may be null.
  std::function<absl::Status(const ir::Function&, ir::Stack&)> run;
};

// One pickle. What the value holds twice (by identity) is written once. Not thread-safe.
class ScriptPickler {
 public:
  ScriptPickler(TensorPickler& tensors, const ScriptNames& names) : tensors_(tensors), names_(names) {}

  // The whole pickle of one value. InvalidArgument for what has no written form; messages name the path to it.
  absl::StatusOr<std::string> write(const c10::IValue& value) &&;

 private:
  absl::Status put(const c10::IValue& value);
  absl::Status put_shared(const c10::IValue& value);
  absl::Status put_tuple(c10::ArrayRef<c10::IValue> elements);
  absl::Status put_list(const c10::IValue& value);
  absl::Status put_dict(const c10::IValue& value);
  absl::Status put_enum(const c10::ivalue::EnumHolder& value);
  absl::Status put_object(const c10::IValue& value);
  void put_class(const std::string& qualified_name);
  absl::Status tagged(const std::function<absl::Status()>& contents, const c10::Type& type);
  std::string path() const;

  PickleWriter pickle_;
  TensorPickler& tensors_;
  const ScriptNames& names_;
  absl::flat_hash_map<const void*, uint32_t> written_;
  absl::flat_hash_set<const void*> open_;
  std::vector<c10::IValue> kept_;  // States live as long as their addresses are in `written_`.
  std::vector<std::string> path_;
  int depth_ = 0;
};

}  // namespace vesta::serialization
