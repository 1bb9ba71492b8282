#pragma once

// Choices between ways to compute the same, by timing: for who asks for it (Module::optimize_for). Everybody else gets
// the compiler's rules, so that results do not differ from load to load.

#include <functional>
#include <optional>
#include <vector>

#include "ir/program.h"
#include "runtime/plan/derived_constants.h"
#include "runtime/plan/plan.h"
#include "runtime/plan/plan_graph.h"

namespace vesta::runtime::plan {

// While one lives, plans that this thread needs are chosen by timing, those that it has had, too.
class TuningScope {
 public:
  TuningScope();
  ~TuningScope();
  TuningScope(const TuningScope&) = delete;
  TuningScope& operator=(const TuningScope&) = delete;
};
bool is_tuning();

struct PlanChoice {
  bool plain = false;  // libtorch's operators, without a plan
  ConvolutionLayouts layouts;
};

// Runs the ways that there are on these inputs in turns and takes the fastest; between equals the rule's.
// `run_plainly` leaves the results in the stack and tells whether there were any.
PlanChoice choose_by_timing(const PlanGraph& graph, const ir::Stack& inputs,
                            const std::function<bool(ir::Stack&)>& run_plainly);

// Choices are kept with what is derived from the weights, for the next plan of this kind and for a native file. `kind`
// tells the plan's inputs. Nothing is kept for a plan without constants.
void keep_choice(const PlanGraph& graph, const std::string& kind, const PlanChoice& choice,
                 DerivedConstants& constants);
std::optional<PlanChoice> kept_choice(const PlanGraph& graph, const std::string& kind,
                                      const DerivedConstants& constants);

}  // namespace vesta::runtime::plan
