#include "runtime/optimize.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ir/support/status.h"
#include "passes/pipeline.h"
#include "runtime/autocast.h"
#include "runtime/evaluate_operator.h"
#include "runtime/lowering.h"
#include "runtime/plan/dnnl.h"

namespace vesta::runtime {
namespace {

constexpr size_t kMostArguments = 64;

}  // namespace

absl::StatusOr<std::shared_ptr<ir::Graph>> optimized_graph(const ir::Function& function, passes::PassContext context,
                                                           AbsentArguments absent) {
  if (function.graph() == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("'", function.qualname().qualifiedName(), "' is declared but has no body"));
  }
  context.function = &function;
  context.evaluate = evaluate_operator;
  context.uses_autocast = uses_autocast(*function.program());
  // The bytecode has autocast's instructions or not, by the program that it is of.
  context.may_inline_from = [&](const ir::Program& program) {
    return !context.uses_autocast && !uses_autocast(program);
  };
  std::shared_ptr<ir::Graph> graph = function.graph()->copy();
  for (size_t i = 0; i < std::min(graph->inputs().size(), kMostArguments); ++i) {
    if ((absent >> i & 1) != 0) graph->inputs()[i]->set_type(c10::NoneType::get());
  }
  VESTA_RETURN_IF_ERROR(passes::optimize(*graph, context));
  return graph;
}

AbsentArguments absent_arguments(const ir::Graph& optimized) {
  AbsentArguments absent = 0;
  for (size_t i = 0; i < std::min(optimized.inputs().size(), kMostArguments); ++i) {
    const bool none = optimized.inputs()[i]->type()->kind() == c10::TypeKind::NoneType;
    absent |= AbsentArguments{none ? 1U : 0U} << i;
  }
  return absent;
}

absl::StatusOr<std::shared_ptr<const Code>> optimized_code(const ir::Function& function, const ir::Graph& optimized,
                                                           std::shared_ptr<plan::DerivedConstants> constants) {
  VESTA_ASSIGN_OR_RETURN(std::unique_ptr<Code> code,
                         lower(optimized, function.display_name(), function.program(), std::move(constants)));
  return std::shared_ptr<const Code>(std::move(code));
}

std::string optimization_target() {
  // Raised where the passes or plans change in a way that makes older graphs or constants wrong or useless.
  constexpr int kOptimizer = 2;
  return absl::StrCat("optimizer ", kOptimizer, ", ", plan::dnnl_target());
}

}  // namespace vesta::runtime
