#pragma once

// From a recording in training mode and one in evaluation mode to one graph that follows the module's `training`.

#include <memory>

#include "ir/graph.h"

namespace vesta::tracer {

// The attribute `training` is read by prim::GetAttr nodes without an input, for the owner of the graph to give them the
// module. Arguments that differ follow it; operators that only one mode runs stand in a prim::If of it. Where the two
// are too different for that, one prim::If holds both. Both graphs are used up.
std::shared_ptr<ir::Graph> merge_modes(std::shared_ptr<ir::Graph> training, std::shared_ptr<ir::Graph> evaluation);

}  // namespace vesta::tracer
