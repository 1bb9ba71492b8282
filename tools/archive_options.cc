#include "tools/archive_options.h"

namespace vesta::tools {

void add_archive_options(CLI::App& command, LoadOptions& options) {
  command.add_option("--written-by", options.written_by, "the release of torch that wrote it, like 1.5");
  command.add_flag("--allow-newer", options.allow_newer, "try an archive of a version that is not known yet");
}

}  // namespace vesta::tools
