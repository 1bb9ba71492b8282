#pragma once

// Operators as old archives mean them: those that have changed or are gone, each with a replacement in TorchScript
// source that is compiled in the place of the call. A call of an old archive meets them before the operators of today
// (resolution could not even name some of them); within a replacement the operators are today's.
//
// The table is historic_operators.def; docs/versions.md tells of each row.

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/function_schema.h>

#include "frontend/ast.h"
#include "ir/release.h"

namespace vesta::frontend {

// Which archives mean a row.
struct HistoricRange {
  enum class By {
    kVersion,        // those whose version of the operator set is below `version`
    kWriter,         // those that were surely written by `since` to what is older than `until`
    kPerhapsWriter,  // those that may have been
    kAny,
  };
  By by = By::kAny;
  int64_t version = 0;
  ir::Release until;
  ir::Release since{1, 0};

  bool contains(int64_t archive_version, const ir::Writer& writer) const {
    switch (by) {
      case By::kVersion:
        return archive_version < version;
      case By::kWriter:
        return writer.first >= since && writer.last < until;
      case By::kPerhapsWriter:
        return writer.first < until;
      case By::kAny:
        break;
    }
    return true;
  }
};

struct HistoricOperator {
  c10::FunctionSchema schema;
  HistoricRange range;
  const char* reason = "";
  const Function* replacement = nullptr;
};

// The rows of a name ("aten::div") that an archive means, in the order in which they are tried; empty for nearly all.
// A row is parsed when the first archive means it, so today's archives pay for one look-up of the name. The pointers
// live as long as the process. Thread-safe.
std::vector<const HistoricOperator*> historic_operators(const std::string& name, int64_t archive_version,
                                                        const ir::Writer& writer);

// All rows, for tests.
std::vector<const HistoricOperator*> all_historic_operators();

}  // namespace vesta::frontend
