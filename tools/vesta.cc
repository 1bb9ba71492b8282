#include "tools/commands.h"

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include <c10/util/Exception.h>
#include <vesta/operators.h>
#include <vesta/version.h>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace vesta::tools {
namespace {

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

struct CommandRow {
  Command command;
  const char* description;
};
constexpr CommandRow kCommands[] = {
    {{"inspect", add_inspect}, "What is in an archive or a checkpoint; executes nothing"},
    {{"run", add_run}, "Run a method on files, literals or random inputs"},
    {{"bench", add_bench}, "Measure a method: loading, first call, latency, throughput"},
    {{"graph", add_graph}, "Print a method's graph; executes nothing"},
    {{"compile", add_compile}, "Make an archive of a file of TorchScript functions"},
    {{"convert", add_convert}, "Write a program anew, or a checkpoint in another format"},
    {{"diff", add_diff}, "Compare two checkpoints or modules tensor by tensor"},
};

int fail(std::ostream& err, std::string_view message, int code) {
  err << "vesta: error: " << absl::StripAsciiWhitespace({message.data(), message.size()}) << "\n";
  return code;
}

// The first word, where it should name a command and does not.
bool is_unknown_command(const std::vector<std::string>& arguments) {
  return !arguments.empty() && !absl::StartsWith(arguments[0], "-") &&
         std::none_of(std::begin(kCommands), std::end(kCommands),
                      [&](const CommandRow& row) { return arguments[0] == row.command.name; });
}

int unknown_command(const std::string& name, std::ostream& err) {
  std::vector<std::string> names;
  for (const CommandRow& row : kCommands) names.push_back(row.command.name);
  return fail(err, absl::StrCat("'", name, "' is no command; there are: ", absl::StrJoin(names, ", ")), kWrongUsage);
}

int usage_error(const CLI::App& app, const CLI::ParseError& error, std::ostream& err) {
  std::string command = "vesta";
  for (const CLI::App* chosen : app.get_subcommands()) absl::StrAppend(&command, " ", chosen->get_name());
  return fail(err, absl::StrCat(error.what(), "\n  '", command, " --help' shows the usage"), kWrongUsage);
}

// CLI11 takes arguments from the end. It would split "[1, 2]" at its commas, as a vector in a notation of its own; a
// blank before it, which JSON allows, keeps it whole.
std::vector<std::string> for_cli11(const std::vector<std::string>& arguments) {
  std::vector<std::string> result;
  for (auto it = arguments.rbegin(); it != arguments.rend(); ++it) {
    result.push_back(absl::StartsWith(*it, "[") ? absl::StrCat(" ", *it) : *it);
  }
  return result;
}

int parse_and_run(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& err) {
  CLI::App app("Vesta runs TorchScript models", "vesta");
  app.set_version_flag(
      "--version", absl::StrCat("vesta ", std::string(version()), " (libtorch ", std::string(libtorch_version()), ")"));
  app.require_subcommand(1);
  app.fallthrough();
  std::vector<std::string> libraries;
  app.add_option("--ops-library", libraries, "a shared library with operators for the program; may be repeated")
      ->type_name("FILE")
      ->take_all()
      ->allow_extra_args(false);
  std::vector<std::pair<CLI::App*, Action>> actions;
  for (const CommandRow& row : kCommands) {
    CLI::App* command = app.add_subcommand(row.command.name, row.description);
    actions.emplace_back(command, row.command.add(*command));
  }
  if (arguments.empty()) {
    err << app.help();
    return kWrongUsage;
  }
  if (is_unknown_command(arguments)) return unknown_command(arguments[0], err);
  try {
    app.parse(for_cli11(arguments));
  } catch (const CLI::CallForVersion& request) {
    out << request.what() << "\n";
    return 0;
  } catch (const CLI::CallForHelp&) {
    out << app.help();
    return 0;
  } catch (const CLI::ParseError& error) {
    return usage_error(app, error, err);
  }
  for (const std::string& library : libraries) {
    const absl::Status status = load_operators(library);
    if (!status.ok()) return fail(err, std::string(status.message()), kFailed);
  }
  Terminal terminal{out};
  for (const auto& [command, action] : actions) {
    if (!command->parsed()) continue;
    const absl::Status status = action(terminal);
    if (!status.ok()) return fail(err, std::string(status.message()), kFailed);
  }
  return 0;
}

}  // namespace

int run_vesta(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& err) {
  try {
    return parse_and_run(arguments, out, err);
  } catch (const c10::Error& error) {
    return fail(err, error.what_without_backtrace(), kFailed);
  } catch (const std::exception& error) {
    return fail(err, error.what(), kFailed);
  }
}

}  // namespace vesta::tools
