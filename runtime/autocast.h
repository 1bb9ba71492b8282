#pragma once

// `with torch.autocast(...)` inside a program. As in torch::jit it does not switch libtorch's own autocast on:
// operators are called with their tensors cast, by a list of operators that differs from libtorch's.
//
// Source: the observable behaviour of torch::jit's autocast, which works on the graph before it runs; here the casts
// are made when an operator is called, so calls of functions inside the `with` are covered as its inlining covers them.

#include <cstdint>

#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>
#include <c10/core/ScalarType.h>

#include "ir/operator.h"
#include "ir/program.h"

namespace vesta::runtime {

// What is done with the tensor arguments of an operator.
enum class AutocastPolicy : uint8_t {
  kNone,
  kReduced,  // cast to the type that `with` names
  kFull,     // half and bfloat16 cast to float
  kAskCuda,  // the operator asks whether autocast is on
  kAskCpu,
};

struct AutocastContext {
  bool cuda = false;
  bool cpu = false;
  c10::ScalarType cuda_dtype = c10::kHalf;
  c10::ScalarType cpu_dtype = c10::kBFloat16;

  bool on() const { return cuda || cpu; }
};

// Whether some `with` of the program can be one of autocast; if not, nothing below is needed.
bool uses_autocast(const ir::Program& program);
// The policy of a node with this operator. `dtype_given`: its argument `dtype` is something else than None.
AutocastPolicy autocast_policy(const ir::Operator& op, bool dtype_given);
// The context inside a `with` on this object; `outer` itself where the object is none of autocast's.
AutocastContext autocast_entered(const c10::IValue& object, const AutocastContext& outer);
// Casts the tensors among the `count` values on top of the stack. Throws what ATen throws.
void autocast_arguments(AutocastPolicy policy, const AutocastContext& context, ir::Stack& stack, size_t count);

}  // namespace vesta::runtime
