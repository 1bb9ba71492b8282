#pragma once

// Type annotations to c10 types.

#include <functional>
#include <string>

#include <ATen/core/jit_type.h>
#include <ATen/core/qualified_name.h>

#include "absl/status/statusor.h"
#include "frontend/ast.h"
#include "ir/support/limits.h"
#include "ir/support/source.h"

namespace vesta::frontend {

// Where an annotation's names come from.
struct TypeScope {
  // The type of a (dotted) name that is not one of the language's own; null where there is none. May be empty.
  std::function<absl::StatusOr<c10::TypePtr>(const std::string& name)> find;
  // Maps a range to the one that messages shall name. May be empty.
  std::function<support::SourceRange(const support::SourceRange&)> original;
  Limits limits;
};

// The type that `annotation` means: `List[int]`, `list[int]`, `Optional[Tensor]`, `int | None`,
// `torch.Tensor`, `Final[int]` (the type inside), `"Foo"` (a forward reference) and so on.
// Errors: InvalidArgument for an unknown or malformed type, Unimplemented for what cannot be run (RRef),
// ResourceExhausted past Limits::type_depth; all with the place.
absl::StatusOr<c10::TypePtr> annotation_type(const Expr& annotation, const TypeScope& scope);

// ResourceExhausted where a type is too large to be handled (ir/type_parts.h).
absl::Status check_type_size(const c10::Type& type, const support::SourceRange& range);

// InvalidArgument where an attribute of this type would hold objects of the class that it is an attribute of.
absl::Status check_no_cycle(const c10::Type& attribute, const c10::ClassType& owner, std::string_view name,
                            const support::SourceRange& range);

// Whether `annotation` is `Final` or `Final[...]`.
bool is_final_annotation(const Expr& annotation);

// A name as its author wrote it: without the `__torch__` that stands for the file in which it is defined.
std::string written_name(const c10::QualifiedName& name);

// The type as users write it: "List[int]", "Optional[Tensor]", "Point".
std::string type_text(const c10::Type& type);

// Whether c10 has dicts with keys of this type.
bool is_dict_key(const c10::Type& type);

// Optional[T] -> T; other types as they are.
c10::TypePtr unwrap_optional(const c10::TypePtr& type);

}  // namespace vesta::frontend
