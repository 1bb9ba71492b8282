#pragma once

// What an operator is, and where programs find one: the catalog.
//
// Two kinds of operator exist. What libtorch's dispatcher knows is called through its handle. What only
// TorchScript has (lists, dicts, strings, scalar math, prim::) is ours: rows of ir/builtin_ops.def, each a
// schema and a kernel's name; the kernels are in runtime/.

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/function_schema.h>

#include "absl/status/statusor.h"

namespace vesta::ir {

// Row number of ir/builtin_ops.def; runtime/ has a kernel for each.
using BuiltinId = int32_t;
inline constexpr BuiltinId kNotBuiltin = -1;

// Immutable; lives as long as the process.
struct Operator {
  c10::FunctionSchema schema;
  // The dispatcher's handle; none for a builtin.
  std::optional<c10::OperatorHandle> handle;
  BuiltinId builtin = kNotBuiltin;

  bool is_builtin() const { return builtin != kNotBuiltin; }
};

// Finds operators by qualified name ("aten::add"). Thread-safe. Operators that are registered with the
// dispatcher after the catalog was made are found too.
class OperatorCatalog {
 public:
  // The catalog of this process: the dispatcher and our tables. Made on first use.
  static const OperatorCatalog& standard();

  // All overloads of a name, in the order in which they are to be tried; empty where there is none.
  // The pointers are valid for the life of the process.
  const std::vector<const Operator*>& candidates(std::string_view name) const;

  // The overload "add.Tensor" of "aten::add" ("" for the unnamed one); null where there is none.
  const Operator* find(std::string_view name, std::string_view overload) const;

  // All names, sorted.
  std::vector<std::string> names() const;

 private:
  OperatorCatalog();
  void scan_dispatcher() const;
  // Whether operators were registered since the last scan.
  bool is_outdated() const { return scanned_registrations_ != registrations_; }
  void load_builtins(const std::string& name, std::vector<const Operator*>& into) const;

  mutable std::mutex mutex_;
  mutable std::deque<Operator> operators_;
  // Counted by a listener, which the dispatcher calls under its own lock: it must not wait for `mutex_`.
  std::atomic<uint64_t> registrations_ = 0;
  std::optional<c10::RegistrationHandleRAII> listener_;
  mutable uint64_t scanned_registrations_ = 0;
  mutable std::unordered_map<std::string, std::vector<c10::OperatorName>> dispatcher_names_;
  std::unordered_map<std::string, std::vector<BuiltinId>> builtin_rows_;
  mutable std::unordered_map<std::string, std::vector<const Operator*>> cache_;
};

// The rows of ir/builtin_ops.def: schema texts by BuiltinId.
const std::vector<std::string_view>& builtin_schema_texts();

// An operator's name as a program's author writes it, for messages: "aten::matmul" is "matmul", and an operator of a
// library keeps the library's name ("torchvision::nms").
std::string display_name(std::string_view name);

}  // namespace vesta::ir
