#pragma once

// What a trace had to bake in, or could not see: the raw material of the report (runtime/api/vesta/trace.h tells
// users what each kind means).

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vesta::tracer {

enum class FindingKind {
  kValueRead,         // a number was read out of a tensor
  kRawWrite,          // memory was written past the operators; its content became a constant
  kSizeBaked,         // a number that follows from sizes could not be explained, or there was one example only
  kDeviceBaked,       // a device= argument that nothing moves
  kDtypeBaked,        // a dtype= argument that nothing changes
  kCaptured,          // a tensor from outside became a buffer
  kRandom,            // a random operator
  kGeneratorDropped,  // a random operator used a generator of its own; the trace uses the default one
  kConstantOutput,    // a result does not depend on the inputs
  kUnusedInput,       // an input is not read
  kScalarBaked,       // an int, float, bool or str argument; the trace refuses other values
  kInputWritten,      // an input is written in place
  kGradChanged,       // requires_grad of a tensor was changed
  kBackward,          // gradients were computed inside
  kStructure,         // another example runs other operators
  kReplayDiffers,     // the trace gives another result than the function
  kNotChecked,        // a check could not be made
};

struct Finding {
  FindingKind kind;
  std::string message;
  std::string scope;  // "layer1.0.conv1"; "" at the top
  std::string where;  // "binary+0x1234": code that called; "" where nothing is known
};

// Keeps the first of findings that say the same at the same place.
class Findings {
 public:
  bool knows(FindingKind kind, std::string_view message, std::string_view scope) const {
    return std::any_of(all_.begin(), all_.end(), [&](const Finding& old) {
      return old.kind == kind && old.message == message && old.scope == scope;
    });
  }
  void add(FindingKind kind, std::string message, std::string scope = {}, std::string where = {}) {
    if (knows(kind, message, scope)) return;
    all_.push_back({kind, std::move(message), std::move(scope), std::move(where)});
  }
  void merge(const Findings& other) {
    for (const Finding& one : other.all_) add(one.kind, one.message, one.scope, one.where);
  }
  bool has(FindingKind kind) const {
    for (const Finding& one : all_) {
      if (one.kind == kind) return true;
    }
    return false;
  }
  const std::vector<Finding>& all() const { return all_; }

 private:
  std::vector<Finding> all_;
};

}  // namespace vesta::tracer
