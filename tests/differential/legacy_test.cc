// Archives that old versions of torch wrote, against what those versions answered (tests/corpus/legacy; its
// README has the format). VESTA_LEGACY names another folder of the same form to run as well.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>

#include <gtest/gtest.h>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <vesta/vesta.h>
#include <nlohmann/json.hpp>

#include "tests/differential/compare.h"

namespace vesta::test {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

double number_of(const json& value) {
  if (!value.is_string()) return value.is_boolean() ? (value.get<bool>() ? 1.0 : 0.0) : value.get<double>();
  const std::string text = value.get<std::string>();
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  return text == "inf" ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
}

at::ScalarType dtype_of(const std::string& name) {
  static const std::map<std::string, at::ScalarType> table = {
      {"float32", at::kFloat}, {"float64", at::kDouble}, {"int64", at::kLong},
      {"int32", at::kInt},     {"int16", at::kShort},    {"int8", at::kChar},
      {"uint8", at::kByte},    {"bool", at::kBool},      {"qint8", at::kChar}};
  return table.at(name);
}

at::Tensor tensor_of(const json& described) {
  const at::ScalarType dtype = dtype_of(described.at("dtype"));
  const bool quantized = described.contains("int_repr");
  const json& data = quantized ? described["dequantized"] : described.at("data");
  const auto shape = described.at("shape").get<std::vector<int64_t>>();
  if (dtype == at::kLong) return at::tensor(data.get<std::vector<int64_t>>(), at::kLong).reshape(shape);
  std::vector<double> elements;
  for (const json& element : data) elements.push_back(number_of(element));
  return at::tensor(elements, at::kDouble).to(quantized ? at::kFloat : dtype).reshape(shape);
}

c10::IValue value_of(const json& described);

c10::IValue list_of(const json& elements) {
  c10::impl::GenericList list(c10::AnyType::get());
  for (const json& element : elements) list.push_back(value_of(element));
  return list;
}

c10::IValue value_of(const json& described) {
  const std::string kind = described.at("t");
  if (kind == "none") return {};
  if (kind == "tensor") return tensor_of(described);
  const json& v = described.at("v");
  if (kind == "int") return v.get<int64_t>();
  if (kind == "float") return number_of(v);
  if (kind == "bool") return v.get<bool>();
  if (kind == "str") return v.get<std::string>();
  if (kind == "list") return list_of(v);
  if (kind == "dict") {
    c10::impl::GenericDict dict(c10::AnyType::get(), c10::AnyType::get());
    for (const json& item : v) dict.insert(value_of(item.at(0)), value_of(item.at(1)));
    return dict;
  }
  std::vector<c10::IValue> elements;  // tuple, namedtuple
  for (const json& element : v) elements.push_back(value_of(element));
  return c10::ivalue::Tuple::create(std::move(elements));
}

// Quantized results are compared by what they stand for; NamedTuples by their elements.
c10::IValue comparable(const c10::IValue& value) {
  if (value.isTensor() && value.toTensor().is_quantized()) return value.toTensor().dequantize();
  if (value.isTensor()) return value.toTensor().detach().clone(at::MemoryFormat::Contiguous);
  if (value.isTuple()) {
    std::vector<c10::IValue> elements;
    for (const auto& element : value.toTupleRef().elements()) elements.push_back(comparable(element));
    return c10::ivalue::Tuple::create(std::move(elements));
  }
  if (value.isList()) {
    c10::impl::GenericList list(c10::AnyType::get());
    for (const auto& element : value.toListRef()) list.push_back(comparable(element));
    return list;
  }
  return value;
}

std::vector<fs::path> recordings() {
  std::vector<fs::path> found;
  std::vector<fs::path> roots = {fs::path(VESTA_SOURCE_DIR) / "tests/corpus/legacy"};
  if (const char* more = std::getenv("VESTA_LEGACY")) roots.emplace_back(more);
  for (const fs::path& root : roots) {
    if (!fs::exists(root)) continue;
    for (const auto& item : fs::recursive_directory_iterator(root)) {
      if (item.path().extension() == ".json" && fs::exists(fs::path(item.path()).replace_extension(".pt")))
        found.push_back(item.path());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

// Programs whose meaning changed later, and which need operators of their own version.
bool needs_historic_operators(const fs::path& recording) {
  static const std::set<std::string> known = {"1.5.1/containers", "1.5.1/div_in_submodule", "1.8.1/ranges"};
  return known.contains(recording.parent_path().filename().string() + "/" + recording.stem().string());
}

class Legacy : public testing::TestWithParam<fs::path> {};

TEST_P(Legacy, GivesWhatItsWriterGave) {
  if (needs_historic_operators(GetParam())) GTEST_SKIP() << "needs operators of its version";
  json recording;
  std::ifstream(GetParam()) >> recording;
  absl::StatusOr<Module> module = load(fs::path(GetParam()).replace_extension(".pt").string());
  ASSERT_TRUE(module.ok()) << module.status().message();
  const c10::NoGradGuard no_grad;
  const json& calls =
      recording.contains("calls_after_own_reload") ? recording["calls_after_own_reload"] : recording.at("calls");
  for (const json& call : calls) {
    if (call.contains("crash")) continue;
    SCOPED_TRACE(call.at("method").get<std::string>());
    std::vector<c10::IValue> inputs;
    for (const json& input : call.at("inputs")) inputs.push_back(value_of(input));
    if (call.contains("seed")) at::manual_seed(call["seed"].get<uint64_t>());
    std::string printed;
    CallOptions options;
    options.print = [&](std::string_view text) { printed += text; };
    absl::StatusOr<c10::IValue> result = module->run_method(call["method"].get<std::string>(), inputs, {}, options);
    if (call.contains("error")) {
      EXPECT_FALSE(result.ok()) << "that version raised: " << call["error"];
      continue;
    }
    ASSERT_TRUE(result.ok()) << result.status().message();
    EXPECT_EQ(difference(comparable(*result), comparable(value_of(call.at("expected"))), Tolerance{1e-4, 1e-5, true},
                         "output"),
              "");
    if (call.contains("stdout")) {
      EXPECT_EQ(printed, call["stdout"].get<std::string>());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Recordings, Legacy, testing::ValuesIn(recordings()), [](const auto& info) {
  // The number keeps programs of two folders apart.
  std::string name = info.param.parent_path().filename().string() + "_" + info.param.stem().string() + "_" +
                     std::to_string(info.index);
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
});
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Legacy);

}  // namespace
}  // namespace vesta::test
