#pragma once

// Examples of sizes that were not shown, made from those that were.

#include <vector>

#include <vesta/trace.h>

#include "absl/status/statusor.h"

namespace vesta::internal {

// How the sizes that differ between examples go on. Sizes that agree in all examples are one and stay equal.
enum class Growth {
  kUneven,   // each by another number of steps and one, so that what holds by chance for multiples ends too
  kApart,    // each by another number of steps, so that what holds by chance between two of them ends
  kCloser,   // the same with fewer steps
  kTogether  // all by as many steps, for code in which sizes must be in proportion
};

// Contents are the first example's, repeated. InvalidArgument where the examples are of different kinds.
absl::StatusOr<Example> another_size(const std::vector<const Example*>& examples, Growth growth);

// The example with the named dimensions twice as large. InvalidArgument where there is no such dimension.
absl::StatusOr<Example> twice_as_large(const Example& example, const std::vector<DynamicSize>& dynamic);

}  // namespace vesta::internal
