#include <vesta/compile.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "frontend/compile.h"
#include "ir/support/status.h"
#include "runtime/api/call.h"
#include "runtime/api/context.h"

namespace vesta {

using internal::Access;

absl::StatusOr<Unit> compile(std::string_view source, const CompileOptions& options) {
  auto context = std::make_shared<internal::Context>();
  context->program = ir::Program::create();
  internal::prepare(*context->program);
  auto text = std::make_shared<support::Source>();
  text->text = std::string(source);
  text->filename = options.filename;
  frontend::CompileOptions compile_options;
  compile_options.limits = options.limits;
  VESTA_RETURN_IF_ERROR(frontend::compile(std::move(text), context->program, compile_options).status());
  return Access::unit(std::move(context));
}

absl::StatusOr<Method> Unit::get_function(std::string_view name) const {
  if (ir::Function* function = context_->program->find_function(name)) {
    return Access::method(context_, nullptr, function);
  }
  std::vector<std::string> have;
  for (const Method& function : functions()) have.push_back(function.name());
  return absl::NotFoundError(absl::StrCat("no function '", internal::as_absl(name),
                                          "'; there are: ", have.empty() ? "none" : absl::StrJoin(have, ", ")));
}

bool Unit::has_function(std::string_view name) const { return context_->program->find_function(name) != nullptr; }

std::vector<Method> Unit::functions() const {
  std::vector<Method> result;
  for (const auto& function : context_->program->functions()) {
    // Methods and bodies of forks are not found by name.
    if (context_->program->find_function(function->qualname().qualifiedName()) != function.get()) continue;
    result.push_back(Access::method(context_, nullptr, function.get()));
  }
  return result;
}

absl::StatusOr<c10::IValue> Unit::run_function(std::string_view name, std::vector<c10::IValue> args,
                                               const Kwargs& kwargs, const CallOptions& options) const {
  VESTA_ASSIGN_OR_RETURN(const Method function, get_function(name));
  return function(std::move(args), kwargs, options);
}

}  // namespace vesta
