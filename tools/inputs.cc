#include "tools/inputs.h"

#include <filesystem>
#include <regex>
#include <utility>

#include <vesta/limits.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ir/support/status.h"
#include "serialization/bytes.h"
#include "serialization/npy.h"
#include "serialization/value_file.h"
#include "tools/json_value.h"

namespace vesta::tools {
namespace {

// The argument that the i-th positional or the named input goes to; Any where the schema has none, which the call
// itself reports.
c10::TypePtr type_of_argument(const c10::FunctionSchema& schema, size_t position, const std::string& name) {
  const auto& arguments = schema.arguments();
  const size_t first = !arguments.empty() && arguments[0].name() == "self" ? 1 : 0;
  if (name.empty()) {
    return first + position < arguments.size() ? arguments[first + position].type() : c10::TypePtr(c10::AnyType::get());
  }
  for (const c10::Argument& argument : arguments) {
    if (argument.name() == name) return argument.type();
  }
  return c10::AnyType::get();
}

// A number in a file is a tensor without dimensions; where a plain number is wanted, it is taken out.
c10::IValue unwrap_number(c10::IValue value, const c10::TypePtr& type) {
  if (!value.isTensor() || value.toTensor().dim() != 0) return value;
  const c10::Scalar scalar = value.toTensor().item();
  if (type->kind() == c10::TypeKind::IntType && scalar.isIntegral(false)) return scalar.toLong();
  if (type->kind() == c10::TypeKind::FloatType && !scalar.isComplex()) return scalar.toDouble();
  if (type->kind() == c10::TypeKind::BoolType && scalar.isBoolean()) return scalar.toBool();
  return value;
}

absl::StatusOr<c10::IValue> read_file(const std::string& path, const c10::TypePtr& type) {
  const Limits limits;
  VESTA_ASSIGN_OR_RETURN(serialization::SharedBytes bytes, serialization::read_file(path, limits.file_bytes));
  if (absl::EndsWith(path, ".npy")) {
    VESTA_ASSIGN_OR_RETURN(const at::Tensor tensor, serialization::read_npy(bytes->view(), path));
    return unwrap_number(tensor, type);
  }
  VESTA_ASSIGN_OR_RETURN(c10::IValue value,
                         serialization::read_value(std::move(bytes), path, {.limits = limits, .map_to_cpu = true}));
  return unwrap_number(std::move(value), type);
}

absl::StatusOr<c10::IValue> read_one(const std::string& text, const c10::TypePtr& type, uint64_t seed) {
  if (absl::EndsWith(text, ".pt") || absl::EndsWith(text, ".pth") || absl::EndsWith(text, ".npy")) {
    return read_file(text, type);
  }
  if (std::optional<absl::StatusOr<at::Tensor>> tensor = make_described_tensor(text, seed)) {
    if (!tensor->ok()) return tensor->status();
    return c10::IValue(**tensor);
  }
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_discarded()) return value_of_json(json, type);
  std::error_code error;
  if (std::filesystem::exists(text, error)) {
    return absl::InvalidArgumentError("inputs are read from .pt and .npy files");
  }
  return absl::InvalidArgumentError(
      "neither a file (x.pt, x.npy), nor random numbers (f32[1,3]:normal), nor JSON (a string needs quotes of its "
      "own)");
}

}  // namespace

absl::StatusOr<Inputs> read_inputs(const std::vector<std::string>& texts, const c10::FunctionSchema& schema,
                                   uint64_t seed) {
  static const std::regex named(R"(([A-Za-z_][A-Za-z0-9_]*)=([^]*))");
  Inputs inputs;
  for (size_t i = 0; i < texts.size(); ++i) {
    std::smatch match;
    const bool has_name = std::regex_match(texts[i], match, named);
    const std::string name = has_name ? match[1].str() : "";
    if (!has_name && !inputs.kwargs.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("input '", texts[i], "': inputs without a name come first"));
    }
    const c10::TypePtr type = type_of_argument(schema, inputs.args.size(), name);
    // Each input has numbers of its own.
    absl::StatusOr<c10::IValue> value = read_one(has_name ? match[2].str() : texts[i], type, seed + i);
    if (!value.ok()) return support::with_context(value.status(), absl::StrCat("input '", texts[i], "'"));
    if (has_name) {
      inputs.kwargs.emplace_back(name, *std::move(value));
    } else {
      inputs.args.push_back(*std::move(value));
    }
  }
  return inputs;
}

}  // namespace vesta::tools
