#pragma once

// What is in an archive, without executing any of it.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vesta/export.h>
#include <vesta/options.h>
#include <vesta/produced_by.h>

#include "absl/status/statusor.h"

namespace vesta {

// One module of the tree. Counts are of its own parameters and buffers; totals are with all modules below it, where
// tensors that are shared count once.
struct InspectedModule {
  std::string name;  // the attribute's name in the parent; "" for the root
  std::string type;  // "__torch__.models.Net"
  int64_t parameters = 0;
  int64_t parameter_bytes = 0;
  int64_t buffers = 0;
  int64_t buffer_bytes = 0;
  int64_t total_parameters = 0;
  int64_t total_bytes = 0;
  std::vector<InspectedModule> children;
};

struct InspectedMethod {
  std::string name;
  std::string signature;  // "forward(x: Tensor) -> Tensor"
};

// An operator or custom class that this build does not have.
struct MissingOperator {
  std::string name;       // "torchvision::nms"
  std::string function;   // the function that calls it
  std::string call_site;  // "model.py:12:8", in the model's own source where the archive tells; may be empty
  std::string excerpt;    // the source line with carets; may be empty
};

struct Inspection {
  std::string format;   // "TorchScript archive"
  int64_t version = 0;  // of the operator set, as the archive says
  ProducedBy produced_by;
  int64_t file_bytes = 0;
  std::vector<InspectedMethod> methods;  // of the root module
  InspectedModule root;
  std::map<std::string, int64_t> operators;  // call sites by name ("aten::conv2d")
  std::vector<MissingOperator> missing;
  std::vector<std::pair<std::string, int64_t>> extra_files;  // name and size in bytes
  std::vector<std::string> native;                           // of a native file: what was done ahead, a fact a line
};

// Reads and compiles, runs nothing (not even `__setstate__`: an object that has one shows no state). Operators that
// are missing are a result here, not an error. Of the options, `limits`, `written_by` and `allow_newer` matter. Other
// errors: as for load(). Thread-safe.
VESTA_API absl::StatusOr<Inspection> inspect(const std::string& path, const LoadOptions& options = {});

}  // namespace vesta
