#pragma once

// Which attributes a method may change: what Method::writes_state and Module::instance rest on.

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <ATen/core/class_type.h>

#include "ir/program.h"
#include "runtime/api/context.h"

namespace vesta::internal {

// Attributes by class and name. Errs towards more.
struct StateWrites {
  using Attribute = std::pair<const c10::ClassType*, std::string>;
  std::set<Attribute> assigned;  // the attribute gets another value
  std::set<Attribute> mutated;   // the tensor, container or object that it holds is written in place
  // Something could not be followed: anything may have been written.
  bool unknown = false;

  bool any() const { return unknown || !assigned.empty() || !mutated.empty(); }
  bool mutates(const c10::ClassType& type, const std::string& name) const {
    return unknown || mutated.count({&type, name}) > 0;
  }
  void merge(StateWrites other);
};

struct StateWriteOptions {
  // Take plain bools of modules (`training`) as they are now, and leave out branches that they exclude.
  bool use_current_values = false;
};

// Of a call of `function` on `object` (null for a function without one). Thread-safe as far as nobody changes the
// object.
StateWrites find_state_writes(const ir::Function& function, const ObjectPtr& object, const StateWriteOptions& options);

}  // namespace vesta::internal
