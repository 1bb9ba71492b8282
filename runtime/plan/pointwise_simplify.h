#pragma once

// Shorter pointwise programs: each instruction is a pass over a tile.

#include "runtime/plan/plan_graph.h"

namespace vesta::runtime::plan {

// The same results up to rounding: a product that is only added to something becomes one fused instruction, a choice
// between x and a multiple of x by the sign of x a leaky_relu. What nobody reads is left out.
void simplify(PointwiseParams& params);

}  // namespace vesta::runtime::plan
