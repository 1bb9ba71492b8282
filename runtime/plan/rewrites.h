#pragma once

// Rewrites of what a plan computes: fewer steps, the same results to rounding.

#include "runtime/plan/derived_constants.h"
#include "runtime/plan/plan_graph.h"

namespace vesta::runtime::plan {

// Scales and shifts by channel go into the weights before them (folded weights are kept in `constants`), what follows a
// convolution or a matrix product element by element becomes a part of it, pointwise steps join.
void rewrite(PlanGraph& plan, DerivedConstants& constants);

// Products, softmax and masks that are attention become one step.
void recognize_attention(PlanGraph& plan);

}  // namespace vesta::runtime::plan
