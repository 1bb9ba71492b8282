#pragma once

// Native files on the way to and from modules.

#include <functional>
#include <map>
#include <string>

#include <vesta/module.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/api/call.h"
#include "serialization/bytes.h"
#include "serialization/native_format.h"

namespace vesta::internal {

// REQUIRES: serialization::is_native(bytes->view()). `give_extra_files` gets those of the file, `run` runs its
// `__setstate__`.
absl::StatusOr<Module> load_native(
    serialization::SharedBytes bytes, const std::string& name, const LoadOptions& options,
    const std::function<void(std::map<std::string, std::string>)>& give_extra_files,
    const std::function<absl::Status(const ir::Function&, ir::Stack&)>& run = run_while_loading);

// As what a file tells of its origin; for inspecting.
ProducedBy produced_by(const serialization::NativeOrigin& origin);

// What optimized methods of a file hold for: versions and machine.
const std::string& native_target();

}  // namespace vesta::internal
