#pragma once

// The tree of modules below an object, walked as torch::jit walks it: depth first, attributes in their order.

#include <functional>
#include <string>
#include <string_view>

#include <ATen/core/class_type.h>

#include "absl/status/statusor.h"
#include "runtime/api/context.h"

namespace vesta::internal {

// One attribute of one module of the tree.
struct TreeSlot {
  const c10::ivalue::Object& module;
  const c10::ClassType& type;
  size_t index;
  std::string name;  // dotted, from the root
  c10::IValue value;

  bool is_module() const { return type.getAttribute(index)->is_module() && value.isObject(); }
  bool is_parameter() const { return type.is_parameter(index) && value.isTensor(); }
  bool is_buffer() const { return type.is_buffer(index) && value.isTensor(); }
};

// Calls visit(TreeSlot) for every attribute; with `recurse`, those of a child module right behind the child itself. A
// module that contains itself is not entered a second time on its own path.
void walk(const c10::ivalue::Object& root, bool recurse, const std::function<void(const TreeSlot&)>& visit);

// Calls visit(object) once for every module of the tree, the root first. What walk() lists under many names is met once
// here, so this is bounded by the size of the archive, which the number of names is not.
void for_each_module(const ObjectPtr& root, const std::function<void(const ObjectPtr&)>& visit);

// The module that holds the last name of a dotted path, and that name.
struct Place {
  ObjectPtr module;
  std::string name;
};
absl::StatusOr<Place> resolve(const ObjectPtr& root, std::string_view path);

}  // namespace vesta::internal
