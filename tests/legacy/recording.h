#pragma once

// A recording: the calls made on an archive of an old version of torch, and what that version answered. The form is
// that of tests/corpus/legacy/README.md.

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <ATen/core/ivalue.h>
#include <vesta/vesta.h>
#include <nlohmann/json.hpp>

namespace vesta::test {

// The value that a recording describes. Quantized tensors become what they stand for.
c10::IValue recorded_value(const nlohmann::json& described);

// How `ours` differs from what was recorded, "" if it does not: dtypes, shapes and elements (floats within rtol 1e-4
// and atol 1e-5, NaN equal to NaN; all else exactly), structure; dicts by key. Strides and aliasing were not recorded.
std::string difference_to_recorded(const c10::IValue& ours, const nlohmann::json& described);

// All pairs NAME.json, NAME.pt below `root`, sorted; the paths of the .json files.
std::vector<std::filesystem::path> find_recordings(const std::filesystem::path& root);

// The path of the archive beside a recording.
std::string archive_of(const std::filesystem::path& recording);

// Runs a method of the archive's module; appends what it prints.
using Answer = std::function<absl::StatusOr<c10::IValue>(const std::string& method, std::vector<c10::IValue> inputs,
                                                         std::string& printed)>;
Answer answer_of(const Module& module);

// Makes the recording's calls in their order. A line for each disagreement: "forward (call 3): ...". Where the old
// version raised, any answer agrees; where it crashed, the call is left out.
std::vector<std::string> disagreements(const std::filesystem::path& recording, const Answer& answer);
// The same with the archive beside the recording, loaded by Vesta; "load: ..." where it cannot be.
std::vector<std::string> disagreements(const std::filesystem::path& recording, const LoadOptions& options = {});

}  // namespace vesta::test
