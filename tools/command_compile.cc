// `vesta compile`: a file of TorchScript functions to an archive.

#include <memory>
#include <string>

#include <vesta/vesta.h>

#include "ir/support/status.h"
#include "tools/commands.h"
#include "tools/source_file.h"

namespace vesta::tools {
namespace {

struct Options {
  std::string input;
  std::string output;
};

absl::Status compile_program(const Options& options) {
  VESTA_ASSIGN_OR_RETURN(const Unit unit, compile_file(options.input));
  return unit.save(options.output);
}

}  // namespace

Action add_compile(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  command.add_option("program", options->input, "a file of functions in TorchScript, which become methods")->required();
  command.add_option("-o,--output", options->output, "the archive to write")->required();
  return [options](Terminal&) { return compile_program(*options); };
}

}  // namespace vesta::tools
