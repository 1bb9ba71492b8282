#pragma once

// One archive loaded in one of the two runtimes, behind one interface, so that a test drives both alike.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/ivalue.h>

namespace vesta::test {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;
using NamedValues = std::vector<std::pair<std::string, c10::IValue>>;

// How a call ended.
struct Outcome {
  bool ok = false;
  c10::IValue value;
  std::string printed;      // what the program printed
  std::string error;        // the whole message
  std::string error_class;  // of a program's own `raise`: the exception's class; else ""
  std::string error_place;  // "file:line" of the innermost frame in the model's own source; "" where unknown
};

class Subject {
 public:
  virtual ~Subject() = default;
  virtual Outcome call(const std::string& method, std::vector<c10::IValue> inputs, NamedValues kwargs) = 0;
  virtual NamedTensors parameters() = 0;
  virtual NamedTensors buffers() = 0;
  // The module object itself, to compare what calls left in it.
  virtual c10::IValue object() = 0;
  virtual void train(bool on) = 0;
  // Contents of the archive's extra files.
  virtual std::string extra_file(const std::string& name) = 0;
};

// Both throw std::runtime_error with the runtime's message where the archive does not load.
std::unique_ptr<Subject> load_vesta(const std::string& path, const std::vector<std::string>& extra_files = {});
std::unique_ptr<Subject> load_torch_jit(const std::string& path, const std::vector<std::string>& extra_files = {});

// torch::jit as the oracle: profiling and fusion off, one thread. Call once.
void prepare_oracle();

}  // namespace vesta::test
