#pragma once

// Inputs of a method, as they are given on the command line.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>
#include <vesta/method.h>

#include "absl/status/statusor.h"

namespace vesta::tools {

// Positional and keyword arguments.
struct Inputs {
  std::vector<c10::IValue> args;
  Kwargs kwargs;
};

// Each text is "VALUE" or "NAME=VALUE". A value is
//   a file            x.pt (what torch.save wrote), x.npy
//   random numbers    f32[1,3,224,224]:normal, with normal, uniform, zeros, ones, arange or randint(LOW,HIGH)
//   JSON              3, 0.5, true, "text", null, [[1, 2], [3, 4]], {"a": 1}
// JSON is read as what the schema wants there (value_of_json). `seed` makes random numbers the same each time.
// InvalidArgument, or what reading a file says; messages begin with the input.
absl::StatusOr<Inputs> read_inputs(const std::vector<std::string>& texts, const c10::FunctionSchema& schema,
                                   uint64_t seed);

// A tensor of "DTYPE[SIZES]:DISTRIBUTION"; nullopt where the text does not look like one.
std::optional<absl::StatusOr<at::Tensor>> make_described_tensor(const std::string& text, uint64_t seed);

}  // namespace vesta::tools
