#pragma once

// What a pass is: a function that changes a graph in place and says whether it did.
//
//   absl::StatusOr<bool> eliminate_dead_code(ir::Graph& graph, PassContext& context);
//
// A pass keeps the laws of ir/verifier.h, and the meaning of the program: results, what is printed and written, who
// shares memory with whom, and each error's text with its source line and call chain. At Level::kExact that is to the
// last bit; at Level::kFast results may differ by rounding, and what could only fail, but is read by nobody, may go.
// What is not provably so is left alone. A pass that is run twice changes nothing the second time.
//
// All of them are rows of passes/passes.def; run_pass (passes/pipeline.h) is the one place that calls them.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/ivalue.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ir/graph.h"
#include "ir/operator.h"
#include "ir/program.h"

namespace vesta::passes {

enum class Level : uint8_t {
  kPlain,  // no pass at all
  kExact,  // -O1
  kFast,   // -O2
};

// Calls an operator with these arguments, all of them in schema order. A failure means that the program is left to fail
// where it makes that call. Handed in by the runtime, which alone runs operators.
using Evaluator =
    std::function<absl::StatusOr<std::vector<c10::IValue>>(const ir::Operator&, std::vector<c10::IValue>)>;

// The value of a module's attribute where that can never change, nullopt where it may.
using FrozenAttribute = std::function<std::optional<c10::IValue>(const c10::ivalue::Object&, const std::string& name)>;

// What the passes of one graph share. Used by one thread.
struct PassContext {
  Level level = Level::kFast;
  // Names of passes that are left out.
  std::vector<std::string> without;

  // The function that the graph is of; null for a graph on its own. Not owned.
  const ir::Function* function = nullptr;
  // Whether functions of another program may be inlined. Empty: they may not.
  std::function<bool(const ir::Program&)> may_inline_from;
  // The object that the graph's first input always is, and what is known of it; none: nothing is.
  c10::intrusive_ptr<c10::ivalue::Object> self;
  FrozenAttribute frozen_attribute;
  // Empty: nothing is evaluated ahead.
  Evaluator evaluate;
  // Operators on tensors depend on where they stand: a `with torch.autocast` may be around them.
  bool uses_autocast = false;

  // Bounds of what a graph may grow to by inlining.
  size_t max_nodes = 200'000;
  size_t max_call_depth = 200;

  // Told after each pass that changed something.
  std::function<void(std::string_view pass, const ir::Graph&)> on_change;

  bool at_least(Level wanted) const { return level >= wanted; }
  bool leaves_out(std::string_view pass) const {
    return std::find(without.begin(), without.end(), pass) != without.end();
  }
};

// A mark of the runtime's on nodes that it could not plan: group_planned_nodes leaves them out.
inline ir::Symbol unplanned_mark() {
  static const ir::Symbol mark = ir::Symbol::attr("unplanned");
  return mark;
}

using Pass = absl::StatusOr<bool> (*)(ir::Graph&, PassContext&);

#define VESTA_PASS(name, level, stage, reason) absl::StatusOr<bool> name(ir::Graph& graph, PassContext& context);
#include "passes/passes.def"
#undef VESTA_PASS

}  // namespace vesta::passes
