#pragma once

// A step that runs code of our own rather than a primitive of oneDNN.

namespace vesta::runtime::plan {

// Immutable; many threads may run one at once.
class Kernel {
 public:
  virtual ~Kernel() = default;
  // Pointers by the step's operands; what holds int64 elements is passed the same way. False: the data are not what the
  // plan can take (an index that is out of range, say): the whole group runs plainly, which tells the error.
  virtual bool run(const float* const* inputs, float* const* outputs) const = 0;
};

}  // namespace vesta::runtime::plan
