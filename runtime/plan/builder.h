#pragma once

// From a group's subgraph and the sizes of its inputs to what is to be computed.

#include <span>

#include "absl/status/statusor.h"
#include "ir/graph.h"
#include "runtime/plan/derived_constants.h"
#include "runtime/plan/plan_graph.h"

namespace vesta::runtime::plan {

// What an input of a group is. Tensors of the first two kinds are contiguous and on the CPU; of others only the
// sizes are used. An int is known when the plan runs.
enum class InputKind : uint8_t { kFloat, kLong, kOtherFloat, kOther, kInt };

// Walks the subgraph with known sizes: what depends on sizes and constants alone is evaluated, branches are taken,
// views become geometry. Unimplemented where a node cannot be planned for these inputs, and where it would fail: plain
// execution then tells the error. `refused` then is the node of the top block where that was. ATen's exceptions pass
// through (for what shapes it refuses). Thread-safe.
struct PlanInput {
  Dims sizes;
  InputKind kind = InputKind::kFloat;
  bool operator==(const PlanInput&) const = default;
};

absl::StatusOr<PlanGraph> build_plan_graph(const ir::Graph& subgraph, std::span<const PlanInput> inputs,
                                           DerivedConstants& constants, const ir::Node** refused = nullptr);

// Whether a node of this kind can be planned at all.
bool has_plan_handler(c10::Symbol kind);
size_t plan_handlers();

}  // namespace vesta::runtime::plan
