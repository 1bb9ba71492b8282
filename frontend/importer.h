#pragma once

// TorchScript source of an archive to the types, methods and functions of a Program.
//
// An archive keeps its code as text, a file for each qualifier: `__torch__.a.b.C` is the definition of `C` in
// the text of `__torch__.a.b`. Types are declared when something names them, with all that they name in turn;
// bodies wait in a queue until compile_pending(), so methods may call each other in circles and nothing
// recurses deeper than the source nests.
//
// Use: load_type() for each type that a pickle names -> set_constants() -> compile_pending().
// One thread; the Program may be shared once compile_pending() has returned.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ir/program.h"
#include "ir/release.h"
#include "ir/support/limits.h"
#include "ir/support/source.h"

namespace vesta::frontend {

class ImporterImpl;
struct HistoricOperator;

// An operator that the program calls and that is not known, or a custom class.
struct MissingOperator {
  std::string name;                // "torchvision::nms"
  support::SourceRange call_site;  // in the model's own source where the archive tells
  std::string function;            // qualified name of the function that calls it
};

// The message for operators that are missing, with the place of each and the names that are near.
std::string missing_operators_text(const std::vector<MissingOperator>& missing);

// A call of an old archive that was compiled as its replacement (historic_operators.h).
struct UpgradedCall {
  const HistoricOperator* op = nullptr;  // lives as long as the process
  support::SourceRange call_site;        // in the model's own source where the archive tells
  std::string function;                  // qualified name of the function that calls it
};

struct ImportOptions {
  // The text that defines the names under `qualifier` ("__torch__.a.b" -> code/__torch__/a/b.py); null where
  // the archive has none. Asked once a qualifier.
  std::function<absl::StatusOr<std::shared_ptr<const support::Source>>(const std::string& qualifier)> find_source;
  // Where a range of such a text comes from in the model's own source (`*.debug_pkl`); a range that it does
  // not know is given back as it is. May be empty.
  std::function<support::SourceRange(const support::SourceRange&)> original_range;
  // The archive's version of the operator set.
  int64_t version = 0;
  // Which releases may have written it. Nothing is known to be old by default.
  ir::Writer writer;
  Limits limits;
};

class SourceImporter {
 public:
  SourceImporter(std::shared_ptr<ir::Program> program, ImportOptions options);
  ~SourceImporter();
  SourceImporter(const SourceImporter&) = delete;
  SourceImporter& operator=(const SourceImporter&) = delete;

  // The class, module, NamedTuple, enum or interface of this name: its attributes and the schemas of its
  // methods are declared when this returns, their bodies are not yet compiled. `__torch__.torch.classes.a.B`
  // is the custom class a.B of libtorch's registry.
  // Errors: InvalidArgument where the source is wrong or has no such type, Unimplemented for a custom class
  // that is not registered, ResourceExhausted past a limit.
  absl::StatusOr<c10::NamedTypePtr> load_type(std::string_view qualified_name);

  // The type of an annotation, as pickles write them: "List[int]", "Dict[str, __torch__.a.C]".
  absl::StatusOr<c10::TypePtr> load_annotation(std::string_view text);

  // A function without an object; declared, its body is not yet compiled.
  absl::StatusOr<ir::Function*> load_function(std::string_view qualified_name);

  // Archives of 1.0 to 1.2: `source` holds the methods of one module (`def forward(self, ...)`), whose class the
  // reader has made, attributes included. Declares them and queues their bodies.
  absl::Status define_methods(const c10::ClassTypePtr& type, std::shared_ptr<const support::Source> source);

  // What `CONSTANTS.c0`, `CONSTANTS.c1`, ... of the source mean. Set before compile_pending().
  void set_constants(std::vector<c10::IValue> constants);

  // Compiles every body that waits, and those that they lead to. Bodies that call unknown operators have no
  // graph afterwards; all others do: the error is then Unimplemented and lists all of missing_operators().
  // May be called again after more types are loaded (to run a `__setstate__`, for example).
  absl::Status compile_pending();

  // Grows with compile_pending(); one entry for each name and call site.
  const std::vector<MissingOperator>& missing_operators() const;
  // Grows with compile_pending(); in the order in which the calls were compiled.
  const std::vector<UpgradedCall>& upgraded_calls() const;

 private:
  std::unique_ptr<ImporterImpl> impl_;
};

}  // namespace vesta::frontend
