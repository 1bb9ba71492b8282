#pragma once

// Who may have written an archive, and what was done so that it keeps the meaning that it had there.

#include <cstdint>
#include <string>
#include <vector>

namespace vesta {

// A call that was compiled as what its operator meant when the archive was written, because that has changed since or
// is gone (docs/versions.md lists them all).
struct UpgradedCall {
  std::string name;       // "aten::div.Tensor", as the archive means it
  std::string reason;     // "division of integers truncated before 1.6"
  std::string function;   // the function that calls it
  std::string call_site;  // "model.py:12:8", in the model's own source where the archive tells; may be empty
};

struct ProducedBy {
  // The releases of torch that may have written it, as narrow as the format tells: "1.5", "1.6 to 1.8",
  // "2.1 or later". Empty for a module that was not loaded.
  std::string torch;
  // What the ends of that range come from: "version 2", "version 3; entries of two in debug_pkl".
  std::string evidence;
  // Of the operator set, as the archive says; 0 for a module that was not loaded.
  int64_t version = 0;
  std::vector<UpgradedCall> upgraded_calls;
};

}  // namespace vesta
