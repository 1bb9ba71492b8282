// `vesta compile`: a file of TorchScript functions to an archive.

#include <memory>
#include <string>

#include <vesta/vesta.h>

#include "ir/support/status.h"
#include "serialization/bytes.h"
#include "tools/commands.h"

namespace vesta::tools {
namespace {

struct Options {
  std::string input;
  std::string output;
};

absl::Status compile_program(const Options& options) {
  VESTA_ASSIGN_OR_RETURN(const serialization::SharedBytes source,
                         serialization::read_file(options.input, Limits().source_bytes));
  CompileOptions compile_options;
  compile_options.filename = options.input;
  VESTA_ASSIGN_OR_RETURN(const Unit unit, compile(source->view(), compile_options));
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
