#pragma once

// TorchScript source text to syntax tree.

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "frontend/ast.h"
#include "ir/support/limits.h"
#include "ir/support/source.h"

namespace vesta::frontend {

// What `\xNN` and `\NNN` mean in a string. Archives hold UTF-8 text as octal escapes of its bytes, while
// in Python's own source they are code points.
enum class StringEscapes { kPython, kArchiveBytes };

struct ParseOptions {
  StringEscapes escapes = StringEscapes::kPython;
  Limits limits;
};

// Parses a module: functions, classes, imports and assignments, as a member of an archive's `code/` or
// as a user writes it. The indentation of the first statement is the base level, so that an indented
// block of text needs no dedent.
// Errors: InvalidArgument for what is not TorchScript's syntax, with "file:line:col: error: ...", the
// source line and a caret; ResourceExhausted for a text that is too long or nested too deep.
absl::StatusOr<Module> parse_module(std::shared_ptr<const support::Source> source, const ParseOptions& options = {});

// Parses one expression, such as a type annotation, that fills the whole text (or the part [begin, end)
// of it; line breaks count as blanks). Errors as above.
absl::StatusOr<ParsedExpr> parse_expression(std::shared_ptr<const support::Source> source,
                                            const ParseOptions& options = {});
absl::StatusOr<ParsedExpr> parse_expression(std::shared_ptr<const support::Source> source, size_t begin, size_t end,
                                            const ParseOptions& options = {});

}  // namespace vesta::frontend
