#pragma once

// The corpus' manifest (tests/corpus/README.md is its format) and the values that it describes.

#include <functional>
#include <string>
#include <vector>

#include <ATen/core/ivalue.h>
#include <nlohmann/json.hpp>

namespace vesta::test {

struct CorpusCall {
  std::string method;
  std::vector<nlohmann::json> inputs;
  std::vector<std::pair<std::string, nlohmann::json>> kwargs;
  bool expect_error = false;
  std::string error_class;  // as Python saw it; empty where unknown
  std::string before;       // "", "train", "eval"
};

struct CorpusEntry {
  std::string name;
  std::string path;  // absolute
  uint64_t seed = 0;
  bool fill = false;
  bool grad = false;
  double rtol = 1e-5;
  double atol = 1e-6;
  bool has_tolerance = false;
  std::vector<std::string> tags;
  std::vector<std::pair<std::string, std::string>> extra_files;
  std::vector<CorpusCall> calls;

  bool has_tag(const std::string& tag) const;
};

// All entries of tests/corpus/manifest.json. Throws on a malformed manifest.
std::vector<CorpusEntry> read_manifest(const std::string& corpus_folder);

// Values that refer to others: arguments of this call made so far, and results of earlier calls.
struct ValueContext {
  std::vector<c10::IValue> arguments;
  std::vector<c10::IValue> results;
};

// Builds the value that `json` describes. Each call makes fresh tensors; the same description gives the
// same elements.
c10::IValue build_value(const nlohmann::json& json, const ValueContext& context);

// The fill of one parameter or buffer by the manifest's rule; `name` is its qualified name.
void fill_tensor(at::Tensor tensor, const std::string& name, uint64_t seed);

}  // namespace vesta::test
