#include <algorithm>
#include <regex>
#include <stdexcept>

#include <ATen/Parallel.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/runtime/jit_exception.h>
#include <torch/csrc/jit/runtime/print_handler.h>
#include <torch/csrc/jit/serialization/import.h>

#include "tests/differential/subject.h"

namespace vesta::test {
namespace {

std::string& printed() {
  static std::string text;
  return text;
}

// torch::jit lists the serialized code's frames, then, under a heading of its own, the original ones,
// where the archive has debug records; the last frame of the last list is the innermost.
std::string innermost_place(const std::string& message) {
  static const std::regex frame("File \"([^\"]*)\", line ([0-9]+)");
  std::string place;
  for (auto it = std::sregex_iterator(message.begin(), message.end(), frame); it != std::sregex_iterator(); ++it) {
    place = (*it)[1].str() + ":" + (*it)[2].str();
  }
  return place;
}

// What Python would raise for ATen's own exceptions; "" for those that say nothing about their kind.
std::string class_of(const c10::Error& error) {
  if (dynamic_cast<const c10::IndexError*>(&error) != nullptr) return "IndexError";
  if (dynamic_cast<const c10::ValueError*>(&error) != nullptr) return "ValueError";
  if (dynamic_cast<const c10::TypeError*>(&error) != nullptr) return "TypeError";
  if (dynamic_cast<const c10::NotImplementedError*>(&error) != nullptr) return "NotImplementedError";
  return "";
}

class TorchJitSubject : public Subject {
 public:
  TorchJitSubject(const std::string& path, const std::vector<std::string>& extra_files) {
    for (const std::string& name : extra_files) extra_files_[name] = "";
    try {
      module_ = torch::jit::load(path, std::nullopt, extra_files_);
    } catch (const std::exception& error) {
      throw std::runtime_error(error.what());
    }
  }

  Outcome call(const std::string& method, std::vector<c10::IValue> inputs, NamedValues kwargs) override {
    Outcome outcome;
    printed().clear();
    torch::jit::Kwargs named(kwargs.begin(), kwargs.end());
    try {
      outcome.value = module_.get_method(method)(std::move(inputs), named);
      outcome.ok = true;
    } catch (const torch::jit::JITException& error) {
      outcome.error = error.what();
      outcome.error_class = error.getPythonClassName().value_or("");
    } catch (const c10::Error& error) {
      outcome.error = error.what_without_backtrace();
      outcome.error_class = class_of(error);
    } catch (const std::exception& error) {
      outcome.error = error.what();
    }
    outcome.error_place = innermost_place(outcome.error);
    outcome.printed = printed();
    return outcome;
  }

  NamedTensors parameters() override { return named(module_.named_parameters()); }
  NamedTensors buffers() override { return named(module_.named_buffers()); }
  c10::IValue object() override { return module_._ivalue(); }
  void train(bool on) override { module_.train(on); }
  std::string extra_file(const std::string& name) override { return extra_files_.at(name); }

 private:
  template <class List>
  static NamedTensors named(const List& list) {
    NamedTensors result;
    for (const auto& item : list) result.emplace_back(item.name, item.value);
    return result;
  }

  torch::jit::ExtraFilesMap extra_files_;
  torch::jit::Module module_;
};

}  // namespace

std::unique_ptr<Subject> load_torch_jit(const std::string& path, const std::vector<std::string>& extra_files) {
  return std::make_unique<TorchJitSubject>(path, extra_files);
}

void prepare_oracle() {
  torch::jit::getExecutorMode() = false;
  torch::jit::getProfilingMode() = false;
  torch::jit::setGraphExecutorOptimize(false);
  torch::jit::setPrintHandler([](const std::string& text) { printed() += text; });
  at::set_num_threads(1);
}

}  // namespace vesta::test
