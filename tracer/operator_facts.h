#pragma once

// What the recorder has to know of operators beyond their schemas.

#include <string>

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>

#include "ir/effects.h"
#include "ir/operator.h"

namespace vesta::tracer {

// How an operator uses one argument's tensor.
enum class Use {
  kRead,       // its content
  kDescribe,   // its sizes, dtype and device alone: zeros_like
  kView,       // not at all, unless the result turns out to be a copy: view, reshape
  kOverwrite,  // writes all of it without reading it: fill_, out=
  kUpdate,     // reads and writes
};

// Of one operator; looked up once for each.
struct OperatorFacts {
  const ir::Operator* op = nullptr;  // null: the catalog does not have it
  std::vector<Use> uses;             // by argument
  bool makes_raw_memory = false;     // its result is not initialized
  bool random = false;
  bool returns_tensors = false;  // a tensor or a list of them is among the results
  bool writes = false;           // some argument, or (without any result) something outside of tensors
  bool reads_values = false;     // returns numbers that depend on a tensor's content
  // Statistics that are written in training though the schema does not say so; null: none are.
  const ir::StatisticsWriter* statistics = nullptr;
};

OperatorFacts facts_of(const c10::OperatorHandle& op);

}  // namespace vesta::tracer
