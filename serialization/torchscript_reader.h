#pragma once

// A TorchScript archive to a program and the module that it was saved with.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/ivalue.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "frontend/importer.h"
#include "ir/program.h"
#include "ir/support/limits.h"
#include "serialization/archive.h"
#include "serialization/bytes.h"
#include "serialization/producer.h"

namespace vesta::serialization {

struct ReadOptions {
  Limits limits;
  // See ArchiveOptions.
  bool trust_weights = false;
  // Weights saved on another device are loaded on the CPU; otherwise that is an error.
  bool map_to_cpu = false;
  // Runs a method: arguments on the stack, the object first, are replaced by the result. Used for
  // `__setstate__` alone. Null: nothing of the archive is executed, and objects with a `__setstate__`
  // (quantized weights, for example) are left empty; for inspecting.
  std::function<absl::Status(const ir::Function&, ir::Stack&)> run;
  // Give the module also where the program calls operators that are not known (they are listed).
  bool allow_missing_operators = false;
  // The release that wrote the archive, where the caller knows better than its format shows.
  std::optional<ir::Release> written_by;
  // See ArchiveOptions.
  bool allow_newer = false;
};

struct LoadedModule {
  std::shared_ptr<ir::Program> program;
  // The module object. It keeps the program alive.
  c10::IValue root;
  std::map<std::string, std::string> extra_files;
  int64_t version = 0;
  FileKind kind = FileKind::kTorchScript;
  Producer producer;
  // Empty unless ReadOptions::allow_missing_operators. Functions that call them have no graph.
  std::vector<frontend::MissingOperator> missing_operators;
  // Calls that mean what an operator meant when the archive was written.
  std::vector<frontend::UpgradedCall> upgraded_calls;
};

// Reads the archive: types and methods through the frontend, attributes, parameters and buffers from
// data.pkl. Weights that are stored (not deflated) are used in place, in the memory of `bytes`, where
// that is writable: bytes read or mapped by bytes.h are.
// `file_name` is for messages. Errors: see Archive::open, read_script_pickle and frontend::SourceImporter.
absl::StatusOr<LoadedModule> read_torchscript(SharedBytes bytes, const std::string& file_name,
                                              const ReadOptions& options);

}  // namespace vesta::serialization
