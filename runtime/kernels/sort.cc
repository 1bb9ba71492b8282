// Sorting of lists: a merge sort of our own, stable, since the comparison may fail (`__lt__` of a class is a
// program) or be inconsistent (NaN), which the standard library's algorithms do not allow.

#include <algorithm>
#include <vector>

#include <ATen/core/class_type.h>

#include "runtime/kernels/boxing.h"
#include "runtime/kernels/elements.h"

namespace vesta::runtime::kernels {
namespace {

using Less = absl::StatusOr<bool> (*)(const IValue& a, const IValue& b);

absl::StatusOr<bool> plain_less(const IValue& a, const IValue& b) { return element_less(a, b); }

absl::StatusOr<bool> object_less(const IValue& a, const IValue& b) {
  const c10::ClassTypePtr type = a.toObjectRef().type();
  torch::jit::Function* method = type->findMethod("__lt__");
  if (method == nullptr) return value_error("'", type->repr_str(), "' has no method '__lt__' to sort by");
  const ir::Function* function = ir::Function::from(method);
  const ir::FunctionRunner* runner = function->program()->runner();
  if (runner == nullptr) return absl::FailedPreconditionError("sorting objects needs a runtime for their '__lt__'");
  Stack stack{a, b};
  VESTA_RETURN_IF_ERROR(runner->run(*function, stack));
  if (stack.size() != 1 || !stack[0].isBool())
    return value_error("'__lt__' of '", type->repr_str(), "' must give a bool");
  return stack[0].toBool();
}

// Values that compare: objects by `__lt__`, tuples element by element, the others by value.
absl::StatusOr<bool> any_less(const IValue& a, const IValue& b) {
  if (a.isObject() && b.isObject()) return object_less(a, b);
  if (a.isTuple() && b.isTuple()) {
    const auto& left = a.toTupleRef().elements();
    const auto& right = b.toTupleRef().elements();
    for (size_t i = 0; i < left.size() && i < right.size(); ++i) {
      VESTA_ASSIGN_OR_RETURN(const bool less, any_less(left[i], right[i]));
      if (less) return true;
      VESTA_ASSIGN_OR_RETURN(const bool greater, any_less(right[i], left[i]));
      if (greater) return false;
    }
    return left.size() < right.size();
  }
  const bool comparable = (a.isInt() && b.isInt()) || (a.isDouble() && b.isDouble()) ||
                          (a.isString() && b.isString()) || (a.isTensor() && b.isTensor());
  if (!comparable) return value_error("cannot compare ", a.tagKind(), " and ", b.tagKind());
  return element_less(a, b);
}

bool is_sortable(const c10::Type& type) {
  switch (type.kind()) {
    case c10::TypeKind::IntType:
    case c10::TypeKind::FloatType:
    case c10::TypeKind::BoolType:
    case c10::TypeKind::StringType:
    case c10::TypeKind::TensorType:
    case c10::TypeKind::ClassType:
    case c10::TypeKind::AnyType:  // Each pair of values decides.
      return true;
    case c10::TypeKind::TupleType: {
      const auto elements = type.containedTypes();
      return std::all_of(elements.begin(), elements.end(), [](const c10::TypePtr& e) { return is_sortable(*e); });
    }
    default:
      return false;
  }
}

absl::Status check_sortable(const GenericList& list) {
  if (list.empty()) return absl::OkStatus();
  // Lists of numbers, strings and tensors have overloads of their own.
  const IValue first = list.get(0);
  if (first.isObject() || (first.isTuple() && is_sortable(*first.type()))) return absl::OkStatus();
  return value_error(
      "only lists of tensors, ints, floats, bools, strs, of objects with '__lt__' and of tuples of these can be "
      "sorted, got a list of ",
      list.elementType()->repr_str());
}

absl::Status merge(std::vector<IValue>& from, std::vector<IValue>& to, size_t begin, size_t middle, size_t end,
                   Less less, bool reverse) {
  size_t left = begin, right = middle;
  for (size_t out = begin; out < end; ++out) {
    bool take_right = left == middle;
    if (!take_right && right < end) {
      VESTA_ASSIGN_OR_RETURN(take_right, reverse ? less(from[left], from[right]) : less(from[right], from[left]));
    }
    to[out] = std::move(from[take_right ? right++ : left++]);
  }
  return absl::OkStatus();
}

absl::Status sort(std::vector<IValue>& values, Less less, bool reverse) {
  std::vector<IValue> other(values.size());
  for (size_t width = 1; width < values.size(); width *= 2) {
    for (size_t begin = 0; begin < values.size(); begin += 2 * width) {
      const size_t middle = std::min(begin + width, values.size());
      const size_t end = std::min(begin + 2 * width, values.size());
      VESTA_RETURN_IF_ERROR(merge(values, other, begin, middle, end, less, reverse));
    }
    values.swap(other);
  }
  return absl::OkStatus();
}

// Lists of strings alone need neither the general order nor its errors. False: this is none.
bool sort_strings(std::vector<IValue>& values, bool reverse) {
  if (!std::all_of(values.begin(), values.end(), [](const IValue& value) { return value.isString(); })) return false;
  std::stable_sort(values.begin(), values.end(), [reverse](const IValue& a, const IValue& b) {
    return reverse ? b.toStringView() < a.toStringView() : a.toStringView() < b.toStringView();
  });
  return true;
}

absl::Status sort_list(GenericList list, bool reverse, Less less) {
  if (sort_strings(elements_of(list), reverse)) return absl::OkStatus();
  std::vector<IValue> values = list.vec();
  VESTA_RETURN_IF_ERROR(sort(values, less, reverse));
  if (list.size() != values.size()) return value_error("the list changed its size while it was sorted");
  for (size_t i = 0; i < values.size(); ++i) list.set(i, std::move(values[i]));
  return absl::OkStatus();
}

absl::StatusOr<GenericList> sorted_list(const GenericList& list, Less less) {
  GenericList result = list.copy();
  VESTA_RETURN_IF_ERROR(sort_list(result, false, less));
  return result;
}

}  // namespace

VESTA_KERNEL(list_sort, [](GenericList list, bool reverse) { return sort_list(list, reverse, plain_less); })
VESTA_KERNEL(list_sorted, [](GenericList list) { return sorted_list(list, plain_less); })
VESTA_KERNEL(object_list_sort, [](GenericList list, bool reverse) -> absl::Status {
  VESTA_RETURN_IF_ERROR(check_sortable(list));
  return sort_list(list, reverse, any_less);
})
VESTA_KERNEL(object_list_sorted, [](GenericList list) -> absl::StatusOr<GenericList> {
  VESTA_RETURN_IF_ERROR(check_sortable(list));
  return sorted_list(list, any_less);
})

}  // namespace vesta::runtime::kernels
