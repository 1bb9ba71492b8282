#pragma once

// The sub-commands of `vesta`. Each adds its options to the application and says what to do when it is chosen.

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"

namespace vesta::tools {

// Where a command prints; errors are returned, not printed.
struct Terminal {
  std::ostream& out;
};

// What runs when the sub-command was chosen.
using Action = std::function<absl::Status(Terminal&)>;

// Name, and the function that adds it to the application.
struct Command {
  const char* name;
  Action (*add)(CLI::App& subcommand);
};

Action add_inspect(CLI::App& command);
Action add_run(CLI::App& command);
Action add_bench(CLI::App& command);
Action add_graph(CLI::App& command);
Action add_compile(CLI::App& command);
Action add_convert(CLI::App& command);
Action add_diff(CLI::App& command);

// Runs `vesta ARGUMENTS...`. Returns the process's exit code: 0, 1 for an error, 2 for wrong usage.
int run_vesta(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& err);

}  // namespace vesta::tools
