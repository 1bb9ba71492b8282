#pragma once

// From recordings of several examples to one graph that is right for other sizes: numbers that differ between the
// recordings become expressions of sizes and of int arguments.

#include <utility>
#include <vector>

#include <ATen/core/ivalue.h>

#include "ir/graph.h"
#include "tracer/findings.h"
#include "tracer/recorder.h"

namespace vesta::tracer {

// One recording.
struct Sample {
  const ir::Graph* graph;
  const SizeTable* sizes;
  const std::vector<std::pair<ir::Value*, c10::IValue>>* scalars;
};

// Changes `graph`, which is the first sample's. Numbers that no expression explains stay what they were in the first
// and are told of. Where another sample ran other operators that is told, nothing changes, and the answer is false.
// REQUIRES: at least two samples.
bool generalize(ir::Graph& graph, const std::vector<Sample>& samples, Findings& findings);

// Whether the samples ran the same operators; where not, that is told. `graph` is the first sample's.
bool same_operators(ir::Graph& graph, const std::vector<Sample>& samples, Findings& findings);

// With one sample only: tells of arguments that are called sizes and are as large as a dimension of an input.
void tell_of_sizes(const ir::Graph& graph, const SizeTable& sizes, Findings& findings);

// Where a node of a trace ran: "layer1.0.conv1".
std::string scope_of(const ir::Node& node);

}  // namespace vesta::tracer
