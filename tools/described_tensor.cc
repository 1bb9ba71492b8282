// "f32[1,3]:normal": the type, the sizes, how it is filled.

#include <cstdlib>
#include <regex>
#include <utility>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/Tensor.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ir/support/status.h"
#include "serialization/tensor_builder.h"
#include "tools/inputs.h"

namespace vesta::tools {
namespace {

struct NamedType {
  const char* name;
  c10::ScalarType type;
};
constexpr NamedType kTypes[] = {
    {"f16", c10::kHalf}, {"bf16", c10::kBFloat16}, {"f32", c10::kFloat},        {"f64", c10::kDouble},
    {"i8", c10::kChar},  {"u8", c10::kByte},       {"i16", c10::kShort},        {"i32", c10::kInt},
    {"i64", c10::kLong}, {"bool", c10::kBool},     {"c64", c10::kComplexFloat}, {"c128", c10::kComplexDouble},
};

struct Request {
  c10::ScalarType type;
  std::vector<int64_t> sizes;
  at::Generator generator;
  int64_t low = 0;
  int64_t high = 0;

  bool is_floating() const { return c10::isFloatingType(type) || c10::isComplexType(type); }
  absl::StatusOr<at::Tensor> empty(c10::ScalarType of) const {
    return serialization::make_contiguous_tensor(of, sizes);
  }
};

// Small types are drawn in a larger one, so that all fillings work for all.
absl::StatusOr<at::Tensor> normal(const Request& request) {
  if (!request.is_floating())
    return absl::InvalidArgumentError("'normal' needs a floating point type; use randint(LOW,HIGH)");
  const c10::ScalarType type = c10::isComplexType(request.type) ? request.type : c10::kFloat;
  VESTA_ASSIGN_OR_RETURN(at::Tensor tensor, request.empty(request.type == c10::kDouble ? c10::kDouble : type));
  return tensor.normal_(0, 1, request.generator).to(request.type);
}

absl::StatusOr<at::Tensor> uniform(const Request& request) {
  if (!request.is_floating())
    return absl::InvalidArgumentError("'uniform' needs a floating point type; use randint(LOW,HIGH)");
  VESTA_ASSIGN_OR_RETURN(at::Tensor tensor, request.empty(c10::kDouble));
  return tensor.uniform_(0, 1, request.generator).to(request.type);
}

absl::StatusOr<at::Tensor> zeros(const Request& request) {
  VESTA_ASSIGN_OR_RETURN(at::Tensor tensor, request.empty(request.type));
  return tensor.zero_();
}

absl::StatusOr<at::Tensor> ones(const Request& request) {
  VESTA_ASSIGN_OR_RETURN(at::Tensor tensor, request.empty(request.type));
  return tensor.fill_(1);
}

absl::StatusOr<at::Tensor> arange(const Request& request) {
  VESTA_ASSIGN_OR_RETURN(at::Tensor tensor, request.empty(c10::kDouble));
  tensor.fill_(1);
  return tensor.reshape({-1}).cumsum(0).sub_(1).reshape(request.sizes).to(request.type);
}

absl::StatusOr<at::Tensor> randint(const Request& request) {
  if (request.low >= request.high) return absl::InvalidArgumentError("randint(LOW,HIGH) needs LOW < HIGH");
  VESTA_ASSIGN_OR_RETURN(at::Tensor tensor, request.empty(c10::kLong));
  return tensor.random_(request.low, request.high, request.generator).to(request.type);
}

struct Filling {
  const char* name;
  absl::StatusOr<at::Tensor> (*make)(const Request&);
};
constexpr Filling kFillings[] = {
    {"normal", normal}, {"uniform", uniform}, {"zeros", zeros}, {"ones", ones}, {"arange", arange},
};

absl::StatusOr<std::vector<int64_t>> parse_sizes(const std::string& text) {
  std::vector<int64_t> sizes;
  for (const absl::string_view part : absl::StrSplit(text, ',', absl::SkipWhitespace())) {
    int64_t size = 0;
    if (!absl::SimpleAtoi(part, &size) || size < 0) {
      return absl::InvalidArgumentError(absl::StrCat("'", part, "' is no size"));
    }
    sizes.push_back(size);
  }
  return sizes;
}

absl::StatusOr<at::Tensor> make(const std::string& type_name, const std::string& sizes, const std::string& filling,
                                uint64_t seed) {
  Request request;
  bool known = false;
  for (const NamedType& row : kTypes) {
    if (type_name == row.name) known = true, request.type = row.type;
  }
  if (!known) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", type_name, "' is no dtype: f16, bf16, f32, f64, i8, u8, i16, i32, i64, bool, c64 and c128 are"));
  }
  VESTA_ASSIGN_OR_RETURN(request.sizes, parse_sizes(sizes));
  request.generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  static const std::regex range_form(R"(randint\(\s*(-?\d+)\s*,\s*(-?\d+)\s*\))");
  std::smatch range;
  if (std::regex_match(filling, range, range_form)) {
    if (!absl::SimpleAtoi(range[1].str(), &request.low) || !absl::SimpleAtoi(range[2].str(), &request.high)) {
      return absl::InvalidArgumentError("the bounds of randint(LOW,HIGH) do not fit 64 bits");
    }
    return randint(request);
  }
  const std::string wanted = filling.empty() ? (request.is_floating() ? "normal" : "zeros") : filling;
  for (const Filling& row : kFillings) {
    if (wanted == row.name) return row.make(request);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", wanted, "' is no filling: normal, uniform, zeros, ones, arange and randint(LOW,HIGH) are"));
}

}  // namespace

std::optional<absl::StatusOr<at::Tensor>> make_described_tensor(const std::string& text, uint64_t seed) {
  static const std::regex form(R"(([A-Za-z]+\d*)\[([^\]]*)\](?::(.*))?)");
  std::smatch match;
  if (!std::regex_match(text, match, form)) return std::nullopt;
  return make(match[1].str(), match[2].str(), match[3].str(), seed);
}

}  // namespace vesta::tools
