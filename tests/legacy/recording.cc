#include "tests/legacy/recording.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>

#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>

#include "absl/strings/str_cat.h"

namespace vesta::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr double kRelative = 1e-4;
constexpr double kAbsolute = 1e-5;

double number_of(const json& value) {
  if (!value.is_string()) return value.is_boolean() ? (value.get<bool>() ? 1.0 : 0.0) : value.get<double>();
  const std::string text = value.get<std::string>();
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  return text == "inf" ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
}

at::ScalarType dtype_of(const std::string& name) {
  static const std::map<std::string, at::ScalarType> table = {
      {"float16", at::kHalf}, {"float32", at::kFloat}, {"float64", at::kDouble}, {"int64", at::kLong},
      {"int32", at::kInt},    {"int16", at::kShort},   {"int8", at::kChar},      {"uint8", at::kByte},
      {"bool", at::kBool},    {"qint8", at::kFloat},   {"quint8", at::kFloat},   {"qint32", at::kFloat}};
  return table.at(name);
}

at::Tensor tensor_of(const json& described) {
  const at::ScalarType dtype = dtype_of(described.at("dtype"));
  const json& data = described.contains("int_repr") ? described.at("dequantized") : described.at("data");
  const auto shape = described.at("shape").get<std::vector<int64_t>>();
  if (dtype == at::kLong) return at::tensor(data.get<std::vector<int64_t>>(), at::kLong).reshape(shape);
  std::vector<double> elements;
  for (const json& element : data) elements.push_back(number_of(element));
  return at::tensor(elements, at::kDouble).to(dtype).reshape(shape);
}

std::string tensor_difference(const at::Tensor& given, const json& described) {
  at::Tensor ours = given.detach();
  if (ours.is_quantized()) ours = ours.dequantize();
  if (ours.layout() != at::kStrided) ours = ours.to_dense();
  const at::Tensor theirs = tensor_of(described);
  if (ours.scalar_type() != theirs.scalar_type())
    return absl::StrCat("dtype ", c10::toString(ours.scalar_type()), ", recorded ",
                        c10::toString(theirs.scalar_type()));
  std::ostringstream out;
  if (ours.sizes() != theirs.sizes()) {
    out << "shape " << ours.sizes() << ", recorded " << theirs.sizes();
    return out.str();
  }
  const bool equal = ours.is_floating_point()
                         ? at::allclose(ours.to(at::kDouble), theirs.to(at::kDouble), kRelative, kAbsolute, true)
                         : at::equal(ours, theirs);
  if (equal) return {};
  const auto show = [&](const at::Tensor& tensor) {
    const at::Tensor flat = tensor.reshape({-1}).to(at::kDouble);
    for (int64_t i = 0; i < std::min<int64_t>(flat.numel(), 8); ++i) out << " " << flat[i].item<double>();
    if (flat.numel() > 8) out << " ...";
  };
  out << "elements";
  show(ours);
  out << ", recorded";
  show(theirs);
  return out.str();
}

template <class Ours>
std::string sequence_difference(const Ours& ours, const json& recorded) {
  if (ours.size() != recorded.size()) return absl::StrCat("length ", ours.size(), ", recorded ", recorded.size());
  for (size_t i = 0; i < ours.size(); ++i) {
    const std::string inner = difference_to_recorded(ours[i], recorded[i]);
    if (!inner.empty()) return absl::StrCat("[", i, "] ", inner);
  }
  return {};
}

std::string dict_difference(const c10::impl::GenericDict& ours, const json& recorded) {
  if (ours.size() != recorded.size()) return absl::StrCat("dict size ", ours.size(), ", recorded ", recorded.size());
  for (const json& item : recorded) {
    const c10::IValue key = recorded_value(item.at(0));
    const auto found = ours.find(key);
    if (found == ours.end()) return absl::StrCat("no key ", item.at(0).dump());
    const std::string inner = difference_to_recorded(found->value(), item.at(1));
    if (!inner.empty()) return absl::StrCat("{", item.at(0).dump(), "} ", inner);
  }
  return {};
}

bool close(double ours, double theirs) {
  return ours == theirs || (std::isnan(ours) && std::isnan(theirs)) ||
         std::abs(ours - theirs) <= kAbsolute + kRelative * std::abs(theirs);
}

// "", or what is wrong with one call.
std::string make_call(const Answer& answer, const json& call) {
  std::vector<c10::IValue> inputs;
  for (const json& input : call.at("inputs")) inputs.push_back(recorded_value(input));
  if (call.contains("seed")) at::manual_seed(call.at("seed").get<uint64_t>());
  std::string printed;
  const absl::StatusOr<c10::IValue> result = answer(call.at("method").get<std::string>(), std::move(inputs), printed);
  if (call.contains("error")) return {};
  if (!result.ok()) return absl::StrCat("raises: ", std::string(result.status().message()));
  std::string wrong = difference_to_recorded(*result, call.at("expected"));
  if (wrong.empty() && call.contains("stdout") && printed != call.at("stdout").get<std::string>())
    wrong = absl::StrCat("prints ", json(printed).dump(), ", recorded ", call.at("stdout").dump());
  return wrong;
}

}  // namespace

c10::IValue recorded_value(const json& described) {
  const std::string kind = described.at("t");
  if (kind == "none") return {};
  if (kind == "tensor") return tensor_of(described);
  const json& v = described.at("v");
  if (kind == "int") return v.get<int64_t>();
  if (kind == "float") return number_of(v);
  if (kind == "bool") return v.get<bool>();
  if (kind == "str") return v.get<std::string>();
  if (kind == "list") {
    c10::impl::GenericList list(c10::AnyType::get());
    for (const json& element : v) list.push_back(recorded_value(element));
    return list;
  }
  if (kind == "dict") {
    c10::impl::GenericDict dict(c10::AnyType::get(), c10::AnyType::get());
    for (const json& item : v) dict.insert(recorded_value(item.at(0)), recorded_value(item.at(1)));
    return dict;
  }
  std::vector<c10::IValue> elements;  // tuple, namedtuple
  for (const json& element : v) elements.push_back(recorded_value(element));
  return c10::ivalue::Tuple::create(std::move(elements));
}

std::string difference_to_recorded(const c10::IValue& ours, const json& described) {
  const std::string kind = described.at("t");
  const auto other_kind = [&] { return absl::StrCat("a ", ours.tagKind(), ", recorded a ", kind); };
  if (kind == "none") return ours.isNone() ? "" : other_kind();
  if (kind == "tensor") return ours.isTensor() ? tensor_difference(ours.toTensor(), described) : other_kind();
  const json& v = described.at("v");
  if (kind == "list") return ours.isList() ? sequence_difference(ours.toListRef(), v) : other_kind();
  if (kind == "dict") return ours.isGenericDict() ? dict_difference(ours.toGenericDict(), v) : other_kind();
  if (kind == "tuple" || kind == "namedtuple")
    return ours.isTuple() ? sequence_difference(ours.toTupleRef().elements(), v) : other_kind();
  bool equal = false;
  if (kind == "int") {
    if (!ours.isInt()) return other_kind();
    equal = ours.toInt() == v.get<int64_t>();
  } else if (kind == "float") {
    if (!ours.isDouble()) return other_kind();
    equal = close(ours.toDouble(), number_of(v));
  } else if (kind == "bool") {
    if (!ours.isBool()) return other_kind();
    equal = ours.toBool() == v.get<bool>();
  } else {
    if (!ours.isString()) return other_kind();
    equal = ours.toStringRef() == v.get<std::string>();
  }
  if (equal) return {};
  std::ostringstream out;
  out << kind << " " << ours << ", recorded " << v;
  return out.str();
}

std::string archive_of(const fs::path& recording) { return fs::path(recording).replace_extension(".pt").string(); }

std::vector<fs::path> find_recordings(const fs::path& root) {
  std::vector<fs::path> found;
  if (!fs::exists(root)) return found;
  for (const auto& item : fs::recursive_directory_iterator(root)) {
    if (item.path().extension() == ".json" && fs::exists(fs::path(item.path()).replace_extension(".pt")))
      found.push_back(item.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

Answer answer_of(const Module& module) {
  return [module](const std::string& method, std::vector<c10::IValue> inputs, std::string& printed) mutable {
    CallOptions options;
    options.print = [&](std::string_view text) { printed += text; };
    return module.run_method(method, std::move(inputs), {}, options);
  };
}

std::vector<std::string> disagreements(const fs::path& recording, const Answer& answer) {
  json recorded;
  std::ifstream(recording) >> recorded;
  const c10::NoGradGuard no_grad;
  std::vector<std::string> lines;
  size_t number = 0;
  const bool reloaded = recorded.contains("calls_after_own_reload");
  for (const json& call : recorded.at(reloaded ? "calls_after_own_reload" : "calls")) {
    ++number;
    if (call.contains("crash")) continue;
    const std::string wrong = make_call(answer, call);
    if (!wrong.empty())
      lines.push_back(absl::StrCat(call.at("method").get<std::string>(), " (call ", number, "): ", wrong));
  }
  return lines;
}

std::vector<std::string> disagreements(const fs::path& recording, const LoadOptions& options) {
  absl::StatusOr<Module> module = load(archive_of(recording), options);
  if (!module.ok()) return {absl::StrCat("load: ", std::string(module.status().message()))};
  return disagreements(recording, answer_of(*module));
}

}  // namespace vesta::test
