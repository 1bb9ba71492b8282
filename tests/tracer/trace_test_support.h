#pragma once

// What the tests of the tracer share.

#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vesta/vesta.h>

#include "ir/printer.h"
#include "ir/program.h"

namespace vesta::test {

using ::testing::HasSubstr;
using Kind = TraceFinding::Kind;

template <class T>
T must(absl::StatusOr<T> result) {
  if (!result.ok()) throw std::runtime_error(std::string(result.status().message()));
  return *std::move(result);
}
inline std::string message(const absl::Status& status) { return std::string(status.message()); }
template <class T>
std::string message(const absl::StatusOr<T>& result) {
  return message(result.status());
}

inline const ir::Graph& graph_of(const Module& module, const std::string& method = "forward") {
  return *ir::Function::from(module.type()->findMethod(method))->graph();
}
inline std::string text_of(const Module& module, const std::string& method = "forward") {
  return ir::print(graph_of(module, method));
}

// How often the operator stands in the graph.
inline int count(const Module& module, std::string_view op) {
  int found = 0;
  const std::function<void(const ir::Block*)> walk = [&](const ir::Block* block) {
    for (const ir::Node* node : block->nodes()) {
      if (node->kind().toQualString() == op) ++found;
      for (const ir::Block* inner : node->blocks()) walk(inner);
    }
  };
  walk(graph_of(module).block());
  return found;
}

// "" where the values are equal within the tolerance, else the first difference.
std::string difference(const c10::IValue& expected, const c10::IValue& actual, double tolerance = 1e-5);

// With tensors and containers of their own.
std::vector<c10::IValue> copies(const std::vector<c10::IValue>& values);

// Code and its trace give the same from the same arguments, and leave the same in them.
template <class Code>
void expect_same(Code code, const Module& module, const std::vector<c10::IValue>& arguments, double tolerance = 1e-5) {
  const std::vector<c10::IValue> mine = copies(arguments);
  const std::vector<c10::IValue> theirs = copies(arguments);
  at::manual_seed(7);
  const c10::IValue expected = internal::adapt(code)(Inputs(mine));
  at::manual_seed(7);
  const absl::StatusOr<c10::IValue> actual = module.forward(theirs);
  ASSERT_TRUE(actual.ok()) << actual.status();
  EXPECT_EQ(difference(expected, *actual, tolerance), "") << text_of(module);
  for (size_t i = 0; i < mine.size(); ++i) EXPECT_EQ(difference(mine[i], theirs[i], tolerance), "") << "argument " << i;
}

// Traces the code on one example and holds the trace against it on that and on others.
template <class Code>
Module check_trace(Code code, const Example& example, const std::vector<Example>& others = {},
                   TraceOptions options = {}) {
  absl::StatusOr<Module> module = trace(code, example, options);
  EXPECT_TRUE(module.ok()) << module.status();
  if (!module.ok()) return Module("failed");
  expect_same(code, *module, example);
  for (const Example& other : others) expect_same(code, *module, other);
  return *module;
}

}  // namespace vesta::test
