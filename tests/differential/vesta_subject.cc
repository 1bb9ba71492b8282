#include <regex>
#include <stdexcept>

#include <vesta/vesta.h>

#include "absl/strings/str_cat.h"
#include "runtime/errors.h"
#include "tests/differential/subject.h"
#include "tests/differential/vesta_subject.h"

namespace vesta::test {
namespace {

// "model.py:12" of a message that begins "model.py:12:7: error: ..."
std::string place_of(const std::string& message) {
  static const std::regex place("^([^\n]*?):([0-9]+):[0-9]+: error: ");
  std::smatch match;
  return std::regex_search(message, match, place) ? match[1].str() + ":" + match[2].str() : "";
}

class VestaSubject : public Subject {
 public:
  VestaSubject(const std::string& path, const std::vector<std::string>& extra_files)
      : module_(load_module(path, extra_files)) {}
  explicit VestaSubject(Module module) : module_(std::move(module)) {}

  Outcome call(const std::string& method, std::vector<c10::IValue> inputs, NamedValues kwargs) override {
    Outcome outcome;
    CallOptions options;
    options.print = [&](std::string_view text) { outcome.printed += text; };
    absl::StatusOr<c10::IValue> result = module_.run_method(method, std::move(inputs), kwargs, options);
    outcome.ok = result.ok();
    if (result.ok()) {
      outcome.value = *std::move(result);
      return outcome;
    }
    outcome.error = std::string(result.status().message());
    outcome.error_place = place_of(outcome.error);
    outcome.error_class = runtime::exception_class(result.status());
    return outcome;
  }

  NamedTensors parameters() override { return pairs(module_.named_parameters()); }
  NamedTensors buffers() override { return pairs(module_.named_buffers()); }
  c10::IValue object() override { return module_.value(); }
  void train(bool on) override {
    const absl::Status status = module_.train(on);
    if (!status.ok()) throw std::runtime_error(std::string(status.message()));
  }
  std::string extra_file(const std::string& name) override { return extra_files_.at(name); }

 private:
  Module load_module(const std::string& path, const std::vector<std::string>& extra_files) {
    for (const std::string& name : extra_files) extra_files_[name] = "";
    // The plain way is held against torch::jit to the last bit; the optimized ones against the plain way (freeze_test.cc).
    LoadOptions options;
    options.optimization.level = OptimizationLevel::kO0;
    options.extra_files = &extra_files_;
    absl::StatusOr<Module> module = load(path, options);
    if (!module.ok()) throw std::runtime_error(absl::StrCat("vesta does not load it: ", module.status().message()));
    return *std::move(module);
  }

  static NamedTensors pairs(const std::vector<Named<at::Tensor>>& named) {
    NamedTensors result;
    for (const auto& [name, tensor] : named) result.emplace_back(name, tensor);
    return result;
  }

  ExtraFiles extra_files_;
  Module module_;
};

}  // namespace

std::unique_ptr<Subject> vesta_subject(Module module) { return std::make_unique<VestaSubject>(std::move(module)); }

std::unique_ptr<Subject> load_vesta(const std::string& path, const std::vector<std::string>& extra_files) {
  return std::make_unique<VestaSubject>(path, extra_files);
}

}  // namespace vesta::test
