#pragma once

// A program as the TorchScript source of an archive: what frontend/importer.h reads.
//
// Compiling the text gives the same graphs, up to the names of values and the places of constants; printing those
// gives the same text again. Source positions of the model's author come along as marks.

#include <string>
#include <unordered_map>
#include <vector>

#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "frontend/printed_literals.h"
#include "frontend/printed_names.h"
#include "frontend/source_text.h"
#include "ir/operator.h"
#include "ir/program.h"

namespace vesta::frontend {

// The text of one qualifier: "__torch__.a.b" -> what defines `__torch__.a.b.C`.
struct PrintedSource {
  std::string qualifier;
  SourceText source;
};

// Use: names().of(...) for each type that a value of the archive has, and for functions -> print() -> constants().
// The types and functions must live as long as the printer. One thread.
class SourcePrinter {
 public:
  // Types and functions that are named here are printed.
  ProgramNames& names() { return names_; }

  // All that was named, and all that it leads to, in the order in which that was met. Called once.
  // Errors: Unimplemented for what source cannot say (a function with unknown operators, for example).
  absl::StatusOr<std::vector<PrintedSource>> print();

  // What the text calls CONSTANTS.c0, CONSTANTS.c1, ...
  const std::vector<c10::IValue>& constants() const { return constants_.values(); }

  // The lowest version of the operator set in which the printed operators mean what they mean today: the `version` of
  // the archive.
  int64_t version() const;

 private:
  absl::Status print_type(const c10::NamedTypePtr& type, SourceText& out);
  absl::Status print_class(const c10::ClassType& type, SourceText& out);
  absl::Status print_named_tuple(const c10::TupleType& type, SourceText& out);
  absl::Status print_enum(const c10::EnumType& type, SourceText& out);
  absl::Status print_interface(const c10::InterfaceType& type, SourceText& out);
  absl::Status print_function(const ir::Function& function, std::string_view name, bool is_method, int depth,
                              SourceText& out);
  SourceText& text_of(const std::string& qualifier);

  ProgramNames names_;
  ConstantTable constants_;
  std::unordered_map<const ir::Operator*, int> operators_;
  std::vector<PrintedSource> sources_;
};

}  // namespace vesta::frontend
