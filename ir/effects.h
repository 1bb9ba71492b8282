#pragma once

// What operators do beyond computing results from arguments. The schemas say much of it; where they are silent, the
// tables of effects.cc say it (einsum may return its argument, batch_norm in training writes to its statistics). An
// operator of a library that nobody here knows counts as one that may do anything.

#include <cstddef>
#include <optional>

#include "ir/graph.h"
#include "ir/operator.h"

namespace vesta::ir {

// Whether the operator may write to the memory of argument `i`. Arguments behind those of the schema (`...`) are not
// written to. Statistics: see StatisticsWriter.
bool may_write(const Operator& op, size_t i);

// Whether the results may share memory with arguments although the schema does not say so.
bool aliases_silently(const Operator& op);

// Operators that update running statistics while training: which arguments these are, and which one tells whether it
// is so.
struct StatisticsWriter {
  std::string_view name;
  size_t mean;
  size_t variance;
  size_t training;
};
// Null where the operator is none of them.
const StatisticsWriter* statistics_writer(const Operator& op);

// Whether two calls with equal arguments may give different results: random numbers, memory that is not initialized,
// the state of a thread. A node's constant arguments count: dropout outside of training is not random.
bool is_nondeterministic(const Node& node);

// Whether a node without blocks has to run for more than its results: it writes, prints, raises, waits, seeds, starts a
// task, changes the state of the thread, or calls what may do so.
bool has_side_effects(const Node& node);

// Whether a node without blocks may fail. Errs towards true.
bool may_fail(const Node& node);

}  // namespace vesta::ir
