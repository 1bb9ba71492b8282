#pragma once

// A compiled plan: primitives in order, over buffers whose places are known.

#include <memory>
#include <mutex>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include "absl/status/statusor.h"
#include "ir/program.h"
#include "runtime/plan/derived_constants.h"
#include "runtime/plan/plan_graph.h"
#include "runtime/plan/pointwise.h"

namespace vesta::runtime::plan {

// What a primitive reads and writes: a part of a buffer.
struct BufferPart {
  int32_t buffer = -1;
  int64_t offset = 0;  // bytes
};

// Which convolutions keep their channels in blocks of a register, by their number in the plan's graph; empty: by rule.
using ConvolutionLayouts = std::vector<bool>;

struct PlanImpl;
struct PlanContext;

// Immutable; many threads may run one plan at once, each with a context of its own (a few are kept).
class Plan {
 public:
  // Unimplemented where a step has no primitive; oneDNN's and ATen's failures are Unimplemented, too.
  // `constants` keeps packed weights and must outlive the plan.
  static absl::StatusOr<std::shared_ptr<const Plan>> compile(const PlanGraph& graph, DerivedConstants& constants,
                                                             const ConvolutionLayouts& layouts = {});
  ~Plan();
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  // What one call uses: an arena and what points into it. A caller may keep one for its next calls.
  std::unique_ptr<PlanContext> take_context() const;
  void give_back(std::unique_ptr<PlanContext> context) const;

  // The inputs are all that is in the stack: as many as the group has, of the kinds and sizes that the plan was made
  // for, contiguous. They are replaced by the results: fresh tensors, or views where plain execution gives views of
  // inputs or of each other. False: the values of the inputs are none that a plan can take; the stack is as it was.
  bool run(ir::Stack& stack, PlanContext& context) const;
  bool run(ir::Stack& stack) const;

  // Bytes of an arena: all intermediates of one run.
  size_t arena_bytes() const;
  // Primitives and reorders, one a line: for tests and for looking.
  std::string to_string() const;

 private:
  explicit Plan(std::unique_ptr<PlanImpl> impl);
  std::unique_ptr<PlanImpl> impl_;
};

}  // namespace vesta::runtime::plan
