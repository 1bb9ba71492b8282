#pragma once

// States of objects whose class is registered in C++ (`torch.classes`): what `__setstate__` is given when a file is
// read.
//
// libtorch's own classes, weights packed for quantized, XNNPACK's and oneDNN's kernels, hand the numbers of a state to
// these kernels mostly unread: an empty tensor is a null pointer there, no groups a division by zero, a block beyond
// the matrix a write past its memory. So a state that they could not have written never reaches them. Their forms are
// those that libtorch 2.11 reads (ATen/native/quantized/cpu/conv_serialization.h has those of convolutions).

#include <string>

#include <ATen/core/function.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include "absl/status/status.h"
#include "ir/program.h"

namespace vesta::serialization {

// Whether a class is one that is registered in C++ ("__torch__.torch.classes.quantized.LinearPackedParamsBase").
// Its objects have one slot, for the C++ object; its methods are C++ functions that throw.
bool is_custom_class(const c10::ClassType& type);

// DataLoss, with what is wrong, for a state that no object of this class has; `class_name` without the prefix above
// ("quantized.Conv2dPackedParamsBase"). Of classes that are not libtorch's nothing is known: any state is OK.
absl::Status check_custom_state(const std::string& class_name, const c10::IValue& state);

// Checks the state, the second value on the stack, and runs `__setstate__` of such a class; what it throws is DataLoss.
absl::Status set_custom_state(torch::jit::Function& method, const c10::ClassType& type, ir::Stack& stack);

}  // namespace vesta::serialization
