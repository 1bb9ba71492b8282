#pragma once

// The containers that a pickle makes: measured for cycles, depth and size, and taken apart without
// recursion.

#include <cstdint>
#include <vector>

#include <ATen/core/ivalue.h>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ir/support/limits.h"

namespace vesta::serialization {

// Whether a value holds other values.
bool is_container(const c10::IValue& value);

// Calls visit(const IValue&) for each value that a container holds directly (keys too).
// Destructors of IValues recurse, so a chain of containers as long as the file would overflow the
// stack; holding each container here makes clearing them one by one safe.
class ContainerSet {
 public:
  ~ContainerSet();
  // Remembers a container; other values are ignored.
  void add(const c10::IValue& value);
  // A value was put into a container: stops a deep chain early. The depth is a lower bound, since
  // `child` may be filled later; check() has the last word.
  absl::Status put(const c10::IValue& parent, const c10::IValue& child, const Limits& limits);
  // DataLoss for a cycle among the containers, unless they are allowed; ResourceExhausted where they nest deeper than
  // `limits.pickle_depth`, or `root` with sharing undone has more than `limits.pickle_nodes` nodes.
  // Else whether `root` is or holds a PickleObject.
  absl::StatusOr<bool> check(const c10::IValue& root, const Limits& limits, bool allow_cycles = false) const;
  // Keeps the containers as they are: they have been checked.
  void release() { containers_.clear(); }

 private:
  std::vector<c10::IValue> containers_;
  // Containers that hold containers: how deep, as far as known.
  absl::flat_hash_map<const void*, int64_t> depths_;
};

}  // namespace vesta::serialization
