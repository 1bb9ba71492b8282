#pragma once

// The types that a program defines itself (classes, NamedTuples, enums), and values of them built by the host.
//
//   vesta::Types types = unit->types();
//   absl::StatusOr<c10::IValue> point = types.make("Point", {1.0, 2.0});       // runs __init__
//   absl::StatusOr<c10::IValue> red = types.enum_value("Color", "RED");
//   absl::StatusOr<c10::IValue> area = unit->run_function("area", {*point, *red});

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include <vesta/export.h>
#include <vesta/method.h>
#include <vesta/options.h>

#include "absl/status/statusor.h"

namespace vesta {

// A cheap copyable handle that keeps the program alive; so do the values that it makes. Thread-safe.
//
// A name is qualified ("__torch__.shapes.Point"); its last part is enough where only one type has it. NotFound lists
// the types that are there.
class VESTA_API Types {
 public:
  // Qualified names, in the order in which the program declares them. An archive's program holds the types that it
  // uses.
  std::vector<std::string> names() const;
  absl::StatusOr<c10::NamedTypePtr> find(std::string_view name) const;

  // What Python gives where the type is called: an object on which `__init__` has run, a NamedTuple with its defaults
  // filled in, the enum member of a value. Arguments are converted as those of Method::operator() are.
  // InvalidArgument for wrong arguments, for interfaces, and for modules, which are loaded and not made.
  absl::StatusOr<c10::IValue> make(std::string_view name, std::vector<c10::IValue> args, const Kwargs& kwargs = {},
                                   const CallOptions& options = {}) const;
  // The member of an enum by its name. NotFound lists the members.
  absl::StatusOr<c10::IValue> enum_value(std::string_view name, std::string_view member) const;

 private:
  friend struct internal::Access;
  explicit Types(std::shared_ptr<const internal::Context> context) : context_(std::move(context)) {}

  std::shared_ptr<const internal::Context> context_;
};

}  // namespace vesta
