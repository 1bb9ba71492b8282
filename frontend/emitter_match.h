#pragma once

// The result of matching arguments to a schema. Internal to emitter_matching.cc and emitter_calls.cc.

#include <vector>

#include <ATen/core/function_schema.h>
#include <ATen/core/jit_type.h>

#include "frontend/emitter.h"

namespace vesta::frontend {

struct Emitter::Match {
  enum class Kind : uint8_t {
    kValue,     // `value`, converted to `type`
    kRepeated,  // a list of `count` times `value`
    kList,      // a list of `values`
    kDefault,   // `constant`
  };
  struct Slot {
    Kind kind = Kind::kValue;
    ir::Value* value = nullptr;
    size_t count = 0;
    std::vector<ir::Value*> values;
    c10::IValue constant;
    c10::TypePtr type;
  };
  const c10::FunctionSchema* schema = nullptr;
  bool conversions = false;
  std::vector<Slot> slots;       // one for each argument of the schema
  std::vector<ir::Value*> rest;  // of `...`
  c10::TypeEnv variables;        // what `t` stands for
  std::vector<c10::TypePtr> results;
};

}  // namespace vesta::frontend
