#pragma once

// A program of the suite: code, an example, and inputs of other sizes that the trace must be right on.

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/tracer/trace_test_support.h"

namespace vesta::test {

struct Program {
  std::string name;
  std::function<absl::StatusOr<Module>(const std::vector<Example>&, const TraceOptions&)> trace;
  TraceFunction code;
  std::function<void(bool)> train;      // empty for functions
  std::function<Example(int)> example;  // by number: 0 and 1 are shown, others are not
  bool sized = false;                   // examples differ in size, and the trace follows them
};

// A function: the code is the same for all sizes.
template <class Code>
Program function(std::string name, Code code, std::function<Example(int)> example, bool sized = false) {
  return {std::move(name),
          [code](const std::vector<Example>& examples, const TraceOptions& options) {
            TraceOptions all = options;
            all.more_examples.assign(examples.begin() + 1, examples.end());
            return vesta::trace(code, examples[0], all);
          },
          internal::adapt(code),
          {},
          std::move(example),
          sized};
}

// A torch::nn module (a holder), in evaluation mode.
template <class Holder>
Program neural(std::string name, Holder holder, std::function<Example(int)> example, bool sized = false) {
  holder->eval();
  const auto module = holder.ptr();
  return {std::move(name),
          [module](const std::vector<Example>& examples, const TraceOptions& options) {
            TraceOptions all = options;
            all.more_examples.assign(examples.begin() + 1, examples.end());
            return vesta::trace(*module, examples[0], all);
          },
          [module](const Inputs& inputs) { return internal::forward_of(*module)(inputs); },
          [module](bool on) { module->train(on); },
          std::move(example),
          sized};
}

std::vector<Program> layer_programs();
std::vector<Program> model_programs();
std::vector<Program> function_programs();
std::vector<Program> all_programs();

void seed(int64_t number);

// Examples are made at once, so that a program's random numbers are the same whoever asks.
std::vector<Example> examples_of(const Program& program, int count);

}  // namespace vesta::test
