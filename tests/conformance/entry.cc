// torch::jit reads io_ts.pt, so that a fault of ours in reading values cannot hide itself, and runs what Vesta saved if
// it is asked to; everything else is Vesta.

#include "tests/conformance/entry.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/DefaultDtype.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/runtime/print_handler.h>
#include <torch/csrc/jit/serialization/import.h>
#include <vesta/vesta.h>
#include <nlohmann/json.hpp>

#include "tests/conformance/recorded_value.h"
#include "tests/differential/compare.h"

namespace vesta::conformance {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Call {
  std::vector<c10::IValue> inputs;
  Kwargs kwargs;
};

std::vector<c10::IValue> sequence(const c10::IValue& value) {
  if (value.isTuple()) return value.toTupleRef().elements().vec();
  return value.toListRef().vec();
}

Call recorded_call(const torch::jit::Module& io, const Method& method, const Types& types) {
  Call call;
  const std::vector<c10::Argument>& formals = method.schema().arguments();
  size_t index = 1;  // After self.
  for (const c10::IValue& recorded : sequence(io.attr("inputs"))) {
    call.inputs.push_back(index < formals.size() ? argument(recorded, formals[index].type(), types) : recorded);
    ++index;
  }
  if (!io.hasattr("kwarg_names")) return call;
  const std::vector<c10::IValue> names = sequence(io.attr("kwarg_names"));
  const std::vector<c10::IValue> values = sequence(io.attr("kwarg_values"));
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string& name = names[i].toStringRef();
    c10::IValue value = values.at(i);
    for (const c10::Argument& formal : formals) {
      if (formal.name() == name) value = argument(value, formal.type(), types);
    }
    call.kwargs.emplace_back(name, std::move(value));
  }
  return call;
}

// Loading, and everything that can be asked without a call.
std::string look_at(const fs::path& program, const Module& module) {
  const absl::StatusOr<Inspection> inspection = inspect(program.string());
  if (!inspection.ok()) return "inspect: " + std::string(inspection.status().message());
  for (const Method& method : module.methods()) (void)method.signature();
  (void)module.named_attributes();
  (void)module.state_dict();
  return {};
}

bool text_is(const json& meta, const char* name, const char* text) {
  return meta.contains(name) && meta[name].is_string() && meta[name] == text;
}

bool flag(const json& meta, const char* name, bool otherwise) {
  return meta.contains(name) && meta[name].is_boolean() ? meta[name].get<bool>() : otherwise;
}

std::string compared(const json& meta, const torch::jit::Module& io, const std::vector<c10::IValue>& inputs,
                     const c10::IValue& result, const std::string& printed) {
  const bool erase = flag(meta, "uninitialized_output", false);
  const bool wide = text_is(meta, "default_dtype", "float64");
  test::Tolerance tolerance{wide ? 1e-7 : 1e-4, wide ? 1e-9 : 1e-5, false};
  std::string wrong = test::difference(plain(result, erase), plain(io.attr("outputs"), erase), tolerance, "output");
  if (printed != meta.value("stdout", "")) wrong += "printed '" + printed + "'\n";
  if (flag(meta, "mutates_inputs", false) && io.hasattr("inputs_after")) {
    wrong += test::difference(plain(c10::ivalue::Tuple::create(inputs), false),
                              plain(c10::ivalue::Tuple::create(sequence(io.attr("inputs_after"))), false), tolerance,
                              "input afterwards");
  }
  return wrong;
}

// What the recording was made under, until the end of the scope.
class Surroundings {
 public:
  explicit Surroundings(const json& meta) : grad_(flag(meta, "grad_enabled", true)) {
    c10::set_default_dtype(
        caffe2::TypeMeta::fromScalarType(text_is(meta, "default_dtype", "float64") ? at::kDouble : at::kFloat));
    if (flag(meta, "inference_mode", false)) inference_.emplace();
    at::manual_seed(meta.value("seed", uint64_t{0}));
  }

 private:
  std::optional<c10::InferenceMode> inference_;
  at::AutoGradMode grad_;
};

// Compares with the recording what a call gave: a result, or the message of an error.
std::string verdict(const json& meta, const torch::jit::Module& io, const std::vector<c10::IValue>& inputs,
                    const absl::StatusOr<c10::IValue>& result, const std::string& printed) {
  if (text_is(meta, "outcome", "raises")) return result.ok() ? "should raise " + meta["exception"].dump() : "";
  if (!result.ok()) return "call: " + std::string(result.status().message());
  return compared(meta, io, inputs, *result, printed);
}

std::string run_in_vesta(const json& meta, const torch::jit::Module& io, const Module& module) {
  const absl::StatusOr<Method> method = module.get_method(meta.value("method", "forward"));
  if (!method.ok()) return "method: " + std::string(method.status().message());
  const Call call = recorded_call(io, *method, module.types());
  const Surroundings surroundings(meta);
  std::string printed;
  CallOptions options;
  options.print = [&](std::string_view text) { printed += text; };
  return verdict(meta, io, call.inputs, (*method)(call.inputs, call.kwargs, options), printed);
}

std::string run_in_torch_jit(const json& meta, const torch::jit::Module& io, std::istream& archive) {
  static std::string printed;
  torch::jit::setPrintHandler([](const std::string& text) { printed += text; });
  torch::jit::getProfilingMode() = false;
  try {
    const torch::jit::Module module = torch::jit::load(archive);
    const std::vector<c10::IValue> inputs = sequence(io.attr("inputs"));
    torch::jit::Kwargs kwargs;
    if (io.hasattr("kwarg_names")) {
      const std::vector<c10::IValue> names = sequence(io.attr("kwarg_names"));
      const std::vector<c10::IValue> values = sequence(io.attr("kwarg_values"));
      for (size_t i = 0; i < names.size(); ++i) kwargs[names[i].toStringRef()] = values.at(i);
    }
    const Surroundings surroundings(meta);
    absl::StatusOr<c10::IValue> result;
    try {
      result = module.get_method(meta.value("method", "forward"))(inputs, kwargs);
    } catch (const std::exception& error) {
      result = absl::InvalidArgumentError(error.what());
    }
    return verdict(meta, io, inputs, result, std::exchange(printed, ""));
  } catch (const std::exception& error) {
    return std::string("torch::jit does not load it: ") + error.what();
  }
}

std::string run(const fs::path& folder, Way way) {
  json meta = json::object();
  if (std::ifstream file(folder / "meta.json"); file) meta = json::parse(file);
  absl::StatusOr<Module> module = load((folder / "program.pt").string());
  if (!module.ok()) return "load: " + std::string(module.status().message());
  if (way == Way::kFrozen || way == Way::kOptimized) {
    OptimizationOptions options;
    if (way == Way::kFrozen) options.level = OptimizationLevel::kO0;
    module = module->freeze(options);
    if (!module.ok()) return "freeze: " + std::string(module.status().message());
  }
  std::stringstream saved;
  if (way == Way::kSaved || way == Way::kSavedInTorchJit) {
    if (const absl::Status status = module->save(saved); !status.ok()) return "save: " + std::string(status.message());
  }
  if (way == Way::kSaved) {
    std::stringstream again;
    module = load(saved);
    if (!module.ok()) return "load after saving: " + std::string(module.status().message());
    if (const absl::Status status = module->save(again); !status.ok())
      return "save again: " + std::string(status.message());
    if (again.str() != saved.str()) return "saving again gives other bytes";
  }
  if (!fs::exists(folder / "io_ts.pt")) return look_at(folder / "program.pt", *module);
  const torch::jit::Module io = torch::jit::load((folder / "io_ts.pt").string());
  if (way != Way::kSavedInTorchJit) return run_in_vesta(meta, io, *module);
  const std::string wrong = run_in_torch_jit(meta, io, saved);
  if (wrong.empty()) return {};
  std::ifstream original(folder / "program.pt", std::ios::binary);
  const torch::jit::Module fresh = torch::jit::load((folder / "io_ts.pt").string());
  return run_in_torch_jit(meta, fresh, original).empty() ? wrong : std::string();
}

}  // namespace

std::vector<fs::path> entries_below(const fs::path& root, const std::string& filter) {
  std::vector<fs::path> found;
  for (const auto& item : fs::recursive_directory_iterator(root, fs::directory_options::follow_directory_symlink)) {
    if (item.path().filename() != "program.pt") continue;
    const fs::path folder = item.path().parent_path();
    if (folder.string().find(filter) != std::string::npos) found.push_back(folder);
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string run_entry(const fs::path& folder, Way way) {
  try {
    return run(folder, way);
  } catch (const c10::Error& error) {
    return std::string("exception: ") + error.what_without_backtrace();
  } catch (const std::exception& error) {
    return std::string("exception: ") + error.what();
  }
}

}  // namespace vesta::conformance
