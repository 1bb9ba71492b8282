#pragma once

// The text of types, in both spellings that exist:
//   as in annotations, archives and pickles' type tags:  List[int]  Dict[str, Tensor]  Optional[Tuple[int, float]]
//   as in schemas and printed graphs:                    int[]  Dict(str, Tensor)  (int, float)?  Float(2, 3)

#include <cstddef>
#include <functional>
#include <string_view>

#include <ATen/core/jit_type.h>

#include "absl/status/statusor.h"
#include "ir/support/limits.h"

namespace vesta::ir {

class Program;

// Gives the type of a name that is not built in (`__torch__.Foo`, a custom class `__torch__.torch.classes.x.Y`,
// the unqualified name of an interface); null where there is none.
using TypeResolver = std::function<c10::TypePtr(std::string_view name)>;

// A resolver over the types of `program` (null: none), then over libtorch's registered custom classes. A name
// without dots also finds the first type that ends in it. Keeps no reference: the program must outlive it.
TypeResolver resolver_of(const Program* program);

// The type that fills `text`. Alias annotations (`Tensor(a!)`) are read and dropped; a lower-case word that is
// no type is a type variable (`t`). ScalarType, Layout, MemoryFormat and SymInt stay as declared.
// Errors: InvalidArgument with the byte where it is no type, or for a name that `resolver` does not know;
// ResourceExhausted past Limits::type_depth. Thread-safe if `resolver` is.
absl::StatusOr<c10::TypePtr> parse_type(std::string_view text, const TypeResolver& resolver = {},
                                        const Limits& limits = {});

// The same for a type that begins at `position` of a longer text; `position` is moved behind it.
absl::StatusOr<c10::TypePtr> parse_type_at(std::string_view text, size_t& position, const TypeResolver& resolver,
                                           const Limits& limits = {});

}  // namespace vesta::ir
