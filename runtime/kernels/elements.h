#pragma once

// Elements of lists: order, equality, indices as Python counts them.

#include <cstdint>
#include <vector>

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/core/ivalue.h>

#include "absl/status/statusor.h"

namespace vesta::runtime::kernels {

// Whether two ints, floats, bools, strings or tensors of one type are equal. Tensors: of all their elements there
// must be one, else ATen throws that a truth value is ambiguous.
bool elements_equal(const c10::IValue& a, const c10::IValue& b);

// Whether `a` comes before `b`; types as above.
bool element_less(const c10::IValue& a, const c10::IValue& b);

// What a list or dict holds, in place: no reference is counted, so the value must stay where it is meanwhile. Throws
// for anything else.
inline std::vector<c10::IValue>& elements_of(const c10::IValue& list) {
  TORCH_CHECK(list.isList(), "expected a list");
  auto* target = static_cast<c10::intrusive_ptr_target*>(const_cast<void*>(list.internalToPointer()));
  return static_cast<c10::detail::ListImpl*>(target)->list;
}
inline c10::detail::DictImpl::dict_map_type& entries_of(const c10::IValue& dict) {
  TORCH_CHECK(dict.isGenericDict(), "expected a dict");
  auto* target = static_cast<c10::intrusive_ptr_target*>(const_cast<void*>(dict.internalToPointer()));
  return static_cast<c10::detail::DictImpl*>(target)->dict;
}

// Counts from the end where the index is negative. The result may be out of range.
inline int64_t normalize_index(int64_t index, int64_t size) { return index < 0 ? index + size : index; }

// A slice of a sequence: `count` elements from `start` on, `step` apart. step != 0; start is a valid index where
// count > 0.
struct SliceRange {
  int64_t start = 0;
  int64_t step = 1;
  int64_t count = 0;
};

// The slice [start:end:step] of `size` elements; None (for the bounds) means "from/to the end in question".
// InvalidArgument where the step is 0.
absl::StatusOr<SliceRange> resolve_slice(const c10::IValue& start, const c10::IValue& end, int64_t step, int64_t size);

}  // namespace vesta::runtime::kernels
