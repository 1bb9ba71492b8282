#pragma once

// What the tests of passes share: graphs and modules from text, arguments for them, runs compared.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/ivalue.h>
#include <vesta/vesta.h>

#include "absl/status/statusor.h"
#include "ir/graph.h"
#include "passes/pass.h"

namespace vesta::passes::testing {

// A graph from its text; tensor constants get elements that depend on their place in the text. Throws where it is none.
std::shared_ptr<ir::Graph> parse(std::string_view text);

// A frozen module whose methods are `source`, with attributes to be read:
//   weight, bias: Tensor [3, 3] and [3]; missing: Optional[Tensor], None; scale = 2.5; steps = 3; sizes = [2, 3];
//   name = "net"; training; count = 0 (int) and buffer: Tensor [3]; inner: a module with `weight` [3, 3] and
//   forward(x) = relu(x @ weight)
Module module_of(std::string_view source);

// The graph of `forward` of such a module, unoptimized, and what its passes know. `module` must outlive the context.
std::shared_ptr<ir::Graph> graph_of(const Module& module);
PassContext context_of(const Module& module, Level level);
// For a graph on its own.
PassContext plain_context(Level level);

// An argument for each input of the graph but `self`: tensors of the shape that a line "# name: [2, 3]" of `text` gives
// (else [2, 3]) and of normal or (with "# name: int64 [2]") small integer elements, numbers, lists of them.
std::vector<c10::IValue> arguments_for(const ir::Graph& graph, std::string_view text, uint64_t seed, size_t skip);

// Runs a copy of the arguments, and tells "" or what differs: results, and arguments afterwards. A failure of both with
// one text is agreement. `relative`: tolerance; 0 for bitwise.
struct RunResult {
  absl::Status status;
  std::vector<c10::IValue> results;
  std::vector<c10::IValue> arguments;
};
RunResult run(const ir::Graph& graph, const std::vector<c10::IValue>& arguments);
std::string difference(const RunResult& a, const RunResult& b, double relative);
// For each tensor in arguments and results, the number of its storage, in the order of appearance.
std::vector<size_t> sharing(const RunResult& run);

}  // namespace vesta::passes::testing
