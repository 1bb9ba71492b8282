#pragma once

#include <ATen/core/Tensor.h>

#include "ir/graph.h"
#include "tracer/findings.h"

namespace vesta::tracer {

// Makes `device=` and `dtype=` arguments that name the device and floating type of `anchor` ask it instead, so that
// they follow a module whose parameter it is. Others stay, and so do all where `anchor` is undefined; they are told of,
// but for dtypes that no move of a module changes (ints and bools).
void retarget(ir::Graph& graph, const at::Tensor& anchor, Findings& findings);

}  // namespace vesta::tracer
