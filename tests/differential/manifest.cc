#include "tests/differential/manifest.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <map>
#include <stdexcept>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <torch/csrc/jit/frontend/script_type_parser.h>
#include <zlib.h>

namespace vesta::test {
namespace {

using nlohmann::json;

const std::map<std::string, at::ScalarType>& dtypes() {
  static const std::map<std::string, at::ScalarType> table = {
      {"float32", at::kFloat},
      {"float64", at::kDouble},
      {"float16", at::kHalf},
      {"bfloat16", at::kBFloat16},
      {"int64", at::kLong},
      {"int32", at::kInt},
      {"int16", at::kShort},
      {"int8", at::kChar},
      {"uint8", at::kByte},
      {"bool", at::kBool},
      {"complex64", at::kComplexFloat},
      {"complex128", at::kComplexDouble},
      {"complex32", at::kComplexHalf},
      {"quint8", at::kQUInt8},
      {"qint8", at::kQInt8},
      {"qint32", at::kQInt32},
  };
  return table;
}

at::ScalarType dtype_of(const std::string& name) {
  const auto found = dtypes().find(name);
  if (found == dtypes().end()) throw std::runtime_error("manifest: unknown dtype " + name);
  return found->second;
}

double number_of(const json& value) {
  if (!value.is_string()) return value.get<double>();
  const std::string text = value.get<std::string>();
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  return text == "inf" ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
}

at::Tensor draw(const json& spec, at::ScalarType dtype, at::IntArrayRef shape) {
  at::Generator generator = at::detail::createCPUGenerator(spec.value("seed", uint64_t{0}));
  const std::string init = spec.value("init", "normal");
  if (init == "normal") {
    const bool direct = dtype == at::kDouble || at::isComplexType(dtype);
    at::Tensor drawn = at::randn(shape, generator, direct ? dtype : at::kFloat);
    return (drawn * spec.value("std", 1.0) + spec.value("mean", 0.0)).to(dtype);
  }
  if (init == "uniform") {
    const double low = spec.value("low", 0.0);
    at::Tensor drawn = at::rand(shape, generator, dtype == at::kDouble ? at::kDouble : at::kFloat);
    return (drawn * (spec.value("high", 1.0) - low) + low).to(dtype);
  }
  if (init == "randint") {
    return at::randint(spec.at("low").get<int64_t>(), spec.at("high").get<int64_t>(), shape, generator, at::kLong)
        .to(dtype);
  }
  if (init == "arange") {
    const int64_t count = c10::multiply_integers(shape);
    return (at::arange(count, at::kDouble) * spec.value("step", 1.0) + spec.value("start", 0.0))
        .to(dtype)
        .reshape(shape);
  }
  if (init == "zeros") return at::zeros(shape, dtype);
  if (init == "ones") return at::ones(shape, dtype);
  if (init == "full") return at::full(shape, number_of(spec.at("value")), dtype);
  if (init == "data") {
    if (dtype == at::kLong) {
      return at::tensor(spec.at("data").get<std::vector<int64_t>>(), at::kLong).reshape(shape);
    }
    std::vector<double> data;
    for (const json& element : spec.at("data")) {
      data.push_back(element.is_boolean() ? (element.get<bool>() ? 1.0 : 0.0) : number_of(element));
    }
    return at::tensor(data, at::kDouble).to(dtype).reshape(shape);
  }
  throw std::runtime_error("manifest: unknown init " + init);
}

at::Tensor build_tensor(const json& spec) {
  const std::vector<int64_t> shape = spec.at("shape").get<std::vector<int64_t>>();
  at::Tensor tensor = draw(spec, dtype_of(spec.value("dtype", "float32")), shape);
  if (spec.contains("permute")) tensor = tensor.permute(spec["permute"].get<std::vector<int64_t>>());
  if (spec.contains("narrow")) {
    const auto narrow = spec["narrow"].get<std::vector<int64_t>>();
    tensor = tensor.narrow(narrow.at(0), narrow.at(1), narrow.at(2));
  }
  if (spec.value("channels_last", false)) tensor = tensor.contiguous(at::MemoryFormat::ChannelsLast);
  if (spec.contains("expand")) tensor = tensor.expand(spec["expand"].get<std::vector<int64_t>>());
  if (spec.contains("quantize")) {
    const json& q = spec["quantize"];
    tensor = at::quantize_per_tensor(tensor, q.at("scale").get<double>(), q.at("zero_point").get<int64_t>(),
                                     dtype_of(q.at("dtype").get<std::string>()));
  }
  if (spec.value("sparse", false)) tensor = tensor.to_sparse();
  if (spec.value("requires_grad", false)) tensor = tensor.detach().requires_grad_(true);
  return tensor;
}

c10::TypePtr type_named(const std::string& text) { return torch::jit::ScriptTypeParser().parseType(text); }

c10::IValue build_list(const json& json, const ValueContext& context) {
  const c10::TypePtr type = type_named(json.at("type").get<std::string>());
  c10::impl::GenericList list(type->expectRef<c10::ListType>().getElementType());
  for (const auto& element : json.at("list")) list.push_back(build_value(element, context));
  return c10::IValue(std::move(list));
}

c10::IValue build_dict(const json& json, const ValueContext& context) {
  const c10::TypePtr type = type_named(json.at("type").get<std::string>());
  const auto& dict_type = type->expectRef<c10::DictType>();
  c10::impl::GenericDict dict(dict_type.getKeyType(), dict_type.getValueType());
  for (const auto& item : json.at("dict")) {
    dict.insert(build_value(item.at(0), context), build_value(item.at(1), context));
  }
  return c10::IValue(std::move(dict));
}

c10::IValue result_of(const json& steps, const ValueContext& context) {
  c10::IValue value = context.results.at(steps.at(0).get<size_t>());
  for (size_t i = 1; i < steps.size(); ++i) {
    const size_t index = steps[i].get<size_t>();
    value = value.isTuple() ? value.toTupleRef().elements().at(index) : value.toListRef().at(index);
  }
  return value;
}

}  // namespace

bool CorpusEntry::has_tag(const std::string& tag) const {
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

c10::IValue build_value(const json& json, const ValueContext& context) {
  if (json.is_null()) return {};
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return json.get<int64_t>();
  if (json.is_number_float()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  if (json.contains("tensor")) return build_tensor(json["tensor"]);
  if (json.contains("list")) return build_list(json, context);
  if (json.contains("dict")) return build_dict(json, context);
  if (json.contains("tuple")) {
    std::vector<c10::IValue> elements;
    for (const auto& element : json["tuple"]) elements.push_back(build_value(element, context));
    return c10::ivalue::Tuple::create(std::move(elements));
  }
  if (json.contains("float")) return number_of(json["float"]);
  if (json.contains("complex")) {
    return c10::complex<double>(number_of(json["complex"].at(0)), number_of(json["complex"].at(1)));
  }
  if (json.contains("device")) return c10::Device(json["device"].get<std::string>());
  if (json.contains("dtype")) return static_cast<int64_t>(dtype_of(json["dtype"].get<std::string>()));
  if (json.contains("arg")) return context.arguments.at(json["arg"].get<size_t>());
  if (json.contains("result")) return result_of(json["result"], context);
  throw std::runtime_error("manifest: unknown value " + json.dump());
}

void fill_tensor(at::Tensor tensor, const std::string& name, uint64_t seed) {
  const uint64_t crc = crc32(0, reinterpret_cast<const Bytef*>(name.data()), static_cast<uInt>(name.size()));
  at::Generator generator = at::detail::createCPUGenerator((seed * 1000003 + crc) & ((uint64_t{1} << 63) - 1));
  const std::string last = name.substr(name.rfind('.') == std::string::npos ? 0 : name.rfind('.') + 1);
  at::NoGradGuard no_grad;
  at::Tensor values;
  if (last == "running_var") {
    values = at::rand(tensor.sizes(), generator, at::kFloat) + 0.5;
  } else if (tensor.dim() >= 2) {
    const int64_t fan_in = std::max<int64_t>(1, tensor.numel() / std::max<int64_t>(1, tensor.size(0)));
    values = at::randn(tensor.sizes(), generator, at::kFloat) * std::sqrt(2.0 / static_cast<double>(fan_in));
  } else if (last.starts_with("weight")) {
    values = at::randn(tensor.sizes(), generator, at::kFloat) * 0.1 + 1.0;
  } else {
    values = at::randn(tensor.sizes(), generator, at::kFloat) * 0.1;
  }
  tensor.copy_(values);
}

std::vector<CorpusEntry> read_manifest(const std::string& corpus_folder) {
  std::ifstream file(corpus_folder + "/manifest.json");
  if (!file) throw std::runtime_error("no manifest.json in " + corpus_folder);
  const json manifest = json::parse(file);
  if (manifest.at("schema") != 1) throw std::runtime_error("manifest.json has another schema");
  std::vector<CorpusEntry> entries;
  for (const json& item : manifest.at("entries")) {
    CorpusEntry entry;
    entry.name = item.at("name");
    entry.path = corpus_folder + "/" + item.at("file").get<std::string>();
    entry.seed = item.value("seed", uint64_t{0});
    entry.fill = item.value("fill", false);
    entry.grad = item.value("grad", false);
    if (item.contains("tolerance")) {
      entry.has_tolerance = true;
      entry.rtol = item["tolerance"].value("rtol", entry.rtol);
      entry.atol = item["tolerance"].value("atol", entry.atol);
    }
    entry.tags = item.value("tags", std::vector<std::string>());
    if (item.contains("extra_files")) {
      for (const auto& [name, text] : item["extra_files"].items()) entry.extra_files.emplace_back(name, text);
    }
    for (const json& described : item.at("calls")) {
      CorpusCall call;
      call.method = described.at("method");
      for (const json& input : described.value("inputs", json::array())) call.inputs.push_back(input);
      if (described.contains("kwargs")) {
        for (const auto& [name, value] : described["kwargs"].items()) call.kwargs.emplace_back(name, value);
      }
      call.expect_error = described.value("expect", "ok") == "error";
      call.before = described.value("before", "");
      if (described.contains("error")) call.error_class = described["error"].value("class", "");
      entry.calls.push_back(std::move(call));
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace vesta::test
