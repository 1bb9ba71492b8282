#pragma once

// What all handles of one program share, and the door by which the facade's files reach into handles.

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/core/class_type.h>
#include <ATen/core/ivalue.h>
#include <vesta/compile.h>
#include <vesta/method.h>
#include <vesta/module.h>
#include <vesta/produced_by.h>
#include <vesta/types.h>

#include "absl/status/status.h"
#include "ir/program.h"
#include "serialization/native_format.h"

namespace vesta::internal {

class FrozenMethods;
class LiveMethods;

struct Context {
  std::shared_ptr<ir::Program> program;
  bool frozen = false;
  std::shared_ptr<const FrozenMethods> frozen_methods;  // null: not frozen
  std::shared_ptr<const LiveMethods> live_methods;      // null: frozen, not optimized, or no module
  std::shared_ptr<const ProducedBy> produced_by;        // null: not loaded
  std::vector<serialization::NativeExample> examples;   // what optimize_for() was called with
};

using ContextPtr = std::shared_ptr<const Context>;
using ObjectPtr = c10::intrusive_ptr<c10::ivalue::Object>;

// Makes and opens handles.
struct Access {
  static Module module(ContextPtr context, ObjectPtr object) { return Module(std::move(context), std::move(object)); }
  static Method method(ContextPtr context, ObjectPtr object, ir::Function* function) {
    return Method(std::move(context), std::move(object), function);
  }
  static Unit unit(ContextPtr context) { return Unit(std::move(context)); }
  static Types types(ContextPtr context) { return Types(std::move(context)); }
  static const ContextPtr& context(const Module& module) { return module.context_; }
  static const ObjectPtr& object(const Module& module) { return module.object_; }
  static ir::Function* function(const Method& method) { return method.function_; }
};

inline absl::string_view as_absl(std::string_view text) { return {text.data(), text.size()}; }

// The value of a slot; None where the class has grown since the object was made.
inline c10::IValue slot(const c10::ivalue::Object& object, size_t i) {
  return i < object.slots().size() ? object.getSlot(i) : c10::IValue();
}

// The shared pointer that keeps an object's program alive; null where the object does not hold one any more.
std::shared_ptr<torch::jit::CompilationUnit> compilation_unit(const c10::ivalue::Object& object);

}  // namespace vesta::internal
