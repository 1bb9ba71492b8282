#include "tools/freeze_options.h"

namespace vesta::tools {

void add_freeze_options(CLI::App& command, FrozenOptions& options) {
  CLI::Option* freeze =
      command.add_option("--freeze", options.level, "freeze it and optimize: O0 (not at all), O1 (exactly), O2")
          ->type_name("LEVEL")
          ->check(CLI::IsMember({"O0", "O1", "O2"}));
  command.add_option("--without", options.without, "leave out this pass of the optimizer; may be repeated")
      ->type_name("PASS")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false)
      ->needs(freeze);
}

absl::StatusOr<Module> frozen(Module module, const FrozenOptions& options) {
  OptimizationOptions freeze;
  freeze.level = options.level == "O0"   ? OptimizationLevel::kO0
                 : options.level == "O1" ? OptimizationLevel::kO1
                                         : OptimizationLevel::kO2;
  freeze.without = options.without;
  return std::move(module).freeze(freeze);
}

}  // namespace vesta::tools
