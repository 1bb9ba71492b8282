#pragma once

// TorchScript source to functions that can be called.
//
//   absl::StatusOr<vesta::Unit> unit = vesta::compile("def twice(x: Tensor) -> Tensor:\n  return x + x\n");
//   absl::StatusOr<c10::IValue> four = unit->run_function("twice", {tensor});

#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <vesta/export.h>
#include <vesta/method.h>
#include <vesta/options.h>
#include <vesta/types.h>

#include "absl/status/statusor.h"

namespace vesta {

// Functions that were compiled together. A cheap copyable handle; thread-safe.
class VESTA_API Unit {
 public:
  // NotFound lists the functions that are there.
  absl::StatusOr<Method> get_function(std::string_view name) const;
  bool has_function(std::string_view name) const;
  // In the order of the source.
  std::vector<Method> functions() const;
  // The classes, NamedTuples and enums of the source, for building values to pass in.
  Types types() const;
  absl::StatusOr<c10::IValue> run_function(std::string_view name, std::vector<c10::IValue> args,
                                           const Kwargs& kwargs = {}, const CallOptions& options = {}) const;

  // An archive of a module that has the functions as methods, with the classes that they use: see Module::save.
  absl::Status save(const std::string& path, const ExtraFiles& extra_files = {}) const;
  absl::Status save(std::ostream& stream, const ExtraFiles& extra_files = {}) const;

 private:
  friend struct internal::Access;
  explicit Unit(std::shared_ptr<const internal::Context> context) : context_(std::move(context)) {}

  std::shared_ptr<const internal::Context> context_;
};

// Errors: InvalidArgument with line, column, source line and caret; Unimplemented for operators that are missing.
VESTA_API absl::StatusOr<Unit> compile(std::string_view source, const CompileOptions& options = {});

}  // namespace vesta
