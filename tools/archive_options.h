#pragma once

// Options of all sub-commands that read an archive.

#include <vesta/options.h>
#include <CLI/CLI.hpp>

namespace vesta::tools {

// --written-by and --allow-newer, into `options`, which outlives `command`.
void add_archive_options(CLI::App& command, LoadOptions& options);

}  // namespace vesta::tools
