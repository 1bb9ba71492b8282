// Lists. A c10 list is a vector of IValues with an element type, so one kernel serves all types of elements:
// it moves IValues and keeps the element type.

#include <algorithm>
#include <numeric>
#include <vector>

#include "runtime/kernels/boxing.h"
#include "runtime/kernels/elements.h"
#include "runtime/kernels/number.h"

namespace vesta::runtime::kernels {
namespace {

using Elements = c10::ArrayRef<IValue>;

absl::Status index_error() { return value_error("list index out of range"); }

GenericList empty_like(const GenericList& list, int64_t reserve = 0) {
  GenericList result(list.elementType());
  result.reserve(static_cast<size_t>(reserve));
  return result;
}

// The position of an index, or -1 where it is out of range.
int64_t position(int64_t index, int64_t size) {
  index = normalize_index(index, size);
  return index >= 0 && index < size ? index : -1;
}

GenericList::iterator at_position(const GenericList& list, int64_t index) {
  return list.begin() + static_cast<ptrdiff_t>(index);
}

absl::Status extend(GenericList& list, const GenericList& other) {
  const size_t count = other.size();  // Kept: `other` may be the same list.
  VESTA_RETURN_IF_ERROR(check_list_size(static_cast<double>(list.size()) + static_cast<double>(count)));
  list.reserve(list.size() + count);
  for (size_t i = 0; i < count; ++i) list.push_back(other.get(i));
  return absl::OkStatus();
}

absl::StatusOr<GenericList> repeat(const GenericList& list, int64_t times) {
  times = std::max<int64_t>(times, 0);
  const double total = static_cast<double>(list.size()) * static_cast<double>(times);
  VESTA_RETURN_IF_ERROR(check_list_size(total));
  GenericList result = empty_like(list, static_cast<int64_t>(total));
  if (list.empty()) return result;
  for (int64_t round = 0; round < times; ++round) {
    for (size_t i = 0; i < list.size(); ++i) result.push_back(list.get(i));
  }
  return result;
}

bool lists_equal(Elements a, Elements b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), elements_equal);
}

// Of two lists the one that is first (or last) in lexicographic order; the right one where they are equal.
template <bool kFirst>
IValue choose(const IValue& left, const IValue& right) {
  const Elements l = left.toListRef(), r = right.toListRef();
  const size_t shared = std::min(l.size(), r.size());
  for (size_t i = 0; i < shared; ++i) {
    if (elements_equal(l[i], r[i])) continue;
    const bool right_wins = kFirst ? element_less(r[i], l[i]) : element_less(l[i], r[i]);
    return right_wins ? right : left;
  }
  const bool left_wins = kFirst ? l.size() < r.size() : l.size() > r.size();
  return left_wins ? left : right;
}

absl::StatusOr<int64_t> find(Elements list, const IValue& element) {
  for (size_t i = 0; i < list.size(); ++i) {
    if (elements_equal(list[i], element)) return static_cast<int64_t>(i);
  }
  return -1;
}

bool is_true(const IValue& value) {
  if (value.isString()) return !value.toStringView().empty();
  return value.isDouble() ? value.toDouble() != 0 : integer_of(value) != 0;
}

}  // namespace

VESTA_KERNEL(list_len, [](const IValue& list) { return static_cast<int64_t>(list.toListRef().size()); })

VESTA_KERNEL(list_get, [](const IValue& list, int64_t index) -> absl::StatusOr<IValue> {
  const Elements elements = list.toListRef();
  const int64_t place = position(index, static_cast<int64_t>(elements.size()));
  if (place < 0) return index_error();
  return elements[static_cast<size_t>(place)];
})

VESTA_KERNEL(list_set_item, [](GenericList list, int64_t index, const IValue& element) -> absl::StatusOr<GenericList> {
  const int64_t place = position(index, static_cast<int64_t>(list.size()));
  if (place < 0) return index_error();
  list.set(static_cast<size_t>(place), element);
  return list;
})

VESTA_KERNEL(list_append, [](GenericList list, const IValue& element) {
  list.push_back(element);
  return list;
})

VESTA_KERNEL(list_pop, [](GenericList list, int64_t index) -> absl::StatusOr<IValue> {
  if (list.empty()) return value_error("pop from empty list");
  const int64_t place = position(index, static_cast<int64_t>(list.size()));
  if (place < 0) return index_error();
  IValue element = list.extract(static_cast<size_t>(place));
  list.erase(at_position(list, place));
  return element;
})

VESTA_KERNEL(list_insert, [](GenericList list, int64_t index, const IValue& element) {
  const int64_t size = static_cast<int64_t>(list.size());
  list.insert(at_position(list, std::clamp<int64_t>(normalize_index(index, size), 0, size)), element);
})

VESTA_KERNEL(list_delete, [](GenericList list, int64_t index) -> absl::Status {
  const int64_t place = position(index, static_cast<int64_t>(list.size()));
  if (place < 0) return index_error();
  list.erase(at_position(list, place));
  return absl::OkStatus();
})

VESTA_KERNEL(list_clear, [](GenericList list) { list.clear(); })

VESTA_KERNEL(list_reverse, [](GenericList list) {
  const size_t size = list.size();
  for (size_t i = 0; i < size / 2; ++i) {
    IValue front = list.extract(i);
    list.set(i, list.extract(size - 1 - i));
    list.set(size - 1 - i, std::move(front));
  }
})

VESTA_KERNEL(list_copy, [](GenericList list) { return list.copy(); })
VESTA_KERNEL(list_size, [](const IValue& list) { return list; })

VESTA_KERNEL(list_extend, [](GenericList list, GenericList other) { return extend(list, other); })
VESTA_KERNEL(list_extend_self, [](GenericList list, GenericList other) -> absl::StatusOr<GenericList> {
  VESTA_RETURN_IF_ERROR(extend(list, other));
  return list;
})

VESTA_KERNEL(list_concat, [](GenericList a, GenericList b) -> absl::StatusOr<GenericList> {
  GenericList result = empty_like(a, static_cast<int64_t>(a.size() + b.size()));
  for (const GenericList& part : {a, b}) VESTA_RETURN_IF_ERROR(extend(result, part));
  return result;
})

VESTA_KERNEL(list_slice,
             [](GenericList list, const IValue& start, const IValue& end, int64_t step) -> absl::StatusOr<GenericList> {
               VESTA_ASSIGN_OR_RETURN(const SliceRange range,
                                      resolve_slice(start, end, step, static_cast<int64_t>(list.size())));
               GenericList result = empty_like(list, range.count);
               for (int64_t i = 0; i < range.count; ++i) {
                 result.push_back(list.get(static_cast<size_t>(range.start + i * range.step)));
               }
               return result;
             })

VESTA_KERNEL(list_repeat, [](GenericList list, int64_t times) { return repeat(list, times); })
VESTA_KERNEL(list_repeat_right, [](int64_t times, GenericList list) { return repeat(list, times); })
VESTA_KERNEL(list_repeat_self, [](GenericList list, int64_t times) -> absl::StatusOr<GenericList> {
  VESTA_ASSIGN_OR_RETURN(const GenericList repeated, repeat(list, times));
  if (times <= 0) list.clear();
  for (size_t i = list.size(); i < repeated.size(); ++i) list.push_back(repeated.get(i));
  return list;
})

VESTA_KERNEL(list_remove, [](GenericList list, const IValue& element) -> absl::Status {
  VESTA_ASSIGN_OR_RETURN(const int64_t place, find(list.vec(), element));
  if (place < 0) return value_error("list.remove(x): x not in list");
  list.erase(at_position(list, place));
  return absl::OkStatus();
})
VESTA_KERNEL(list_index, [](const IValue& list, const IValue& element) -> absl::StatusOr<int64_t> {
  VESTA_ASSIGN_OR_RETURN(const int64_t place, find(list.toListRef(), element));
  if (place < 0) return value_error("the element is not in the list");
  return place;
})
VESTA_KERNEL(list_count, [](const IValue& list, const IValue& element) {
  const Elements elements = list.toListRef();
  return std::count_if(elements.begin(), elements.end(),
                       [&](const IValue& each) { return elements_equal(each, element); });
})
VESTA_KERNEL(list_contains, [](const IValue& list, const IValue& element) -> absl::StatusOr<bool> {
  VESTA_ASSIGN_OR_RETURN(const int64_t place, find(list.toListRef(), element));
  return place >= 0;
})

VESTA_KERNEL(list_eq, [](const IValue& a, const IValue& b) { return lists_equal(a.toListRef(), b.toListRef()); })
VESTA_KERNEL(list_ne, [](const IValue& a, const IValue& b) { return !lists_equal(a.toListRef(), b.toListRef()); })
VESTA_KERNEL(list_min, [](const IValue& a, const IValue& b) { return choose<true>(a, b); })
VESTA_KERNEL(list_max, [](const IValue& a, const IValue& b) { return choose<false>(a, b); })

VESTA_KERNEL(list_self_max, [](const IValue& list) -> absl::StatusOr<IValue> {
  const Elements elements = list.toListRef();
  if (elements.empty()) return value_error("max() arg is an empty sequence");
  return *std::max_element(elements.begin(), elements.end(), element_less);
})
VESTA_KERNEL(list_self_min, [](const IValue& list) -> absl::StatusOr<IValue> {
  const Elements elements = list.toListRef();
  if (elements.empty()) return value_error("min() arg is an empty sequence");
  return *std::min_element(elements.begin(), elements.end(), element_less);
})

VESTA_KERNEL(list_all, [](const IValue& list) {
  const Elements elements = list.toListRef();
  return std::all_of(elements.begin(), elements.end(), is_true);
})
VESTA_KERNEL(list_any, [](const IValue& list) {
  const Elements elements = list.toListRef();
  return std::any_of(elements.begin(), elements.end(), is_true);
})

// bool[] gives an int.
VESTA_KERNEL(list_sum, [](GenericList list) {
  if (list.elementType()->kind() == c10::TypeKind::FloatType) {
    double sum = 0;
    for (size_t i = 0; i < list.size(); ++i) sum += list.get(i).toDouble();
    return IValue(sum);
  }
  if (list.elementType()->kind() == c10::TypeKind::ComplexType) {
    Complex sum(0, 0);
    for (size_t i = 0; i < list.size(); ++i) sum += list.get(i).toComplexDouble();
    return IValue(sum);
  }
  int64_t sum = 0;
  for (size_t i = 0; i < list.size(); ++i) sum = wrapping_add(sum, integer_of(list.get(i)));
  return IValue(sum);
})

VESTA_KERNEL(range_list, [](int64_t count) -> absl::StatusOr<c10::List<int64_t>> {
  VESTA_RETURN_IF_ERROR(check_list_size(static_cast<double>(count)));
  c10::List<int64_t> result;
  for (int64_t i = 0; i < count; ++i) result.push_back(i);
  return result;
})

}  // namespace vesta::runtime::kernels
