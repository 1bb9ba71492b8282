#pragma once

// Compares values of two runtimes: elements, dtypes, shapes, strides, requires_grad, structure; objects by
// attributes, enums by name; and who shares storage with whom.

#include <map>
#include <string>
#include <vector>

#include <ATen/core/ivalue.h>

namespace vesta::test {

struct Tolerance {
  double rtol = 1e-5;
  double atol = 1e-6;
  bool fixed = false;       // also for half and bfloat16
  bool of_largest = false;  // rtol is of a tensor's largest magnitude, not of each element's
};

// The differences, one line each, "" where there are none. `where` names the value in the lines.
std::string difference(const c10::IValue& ours, const c10::IValue& theirs, const Tolerance& tolerance,
                       const std::string& where);

// Names storages in the order in which they are shown to it.
class StorageNames {
 public:
  // Gives each tensor in `value` that has storage the name `label` + path, unless its storage has one.
  void add(const c10::IValue& value, const std::string& label);
  // A line for each tensor in `value`: its path and the name of its storage.
  std::string describe(const c10::IValue& value, const std::string& label);

 private:
  std::map<const void*, std::string> names_;
  std::vector<c10::Storage> kept_;  // An address must not be used anew while it has a name.
};

}  // namespace vesta::test
