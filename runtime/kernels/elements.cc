// Bounds of slices are clamped to the sequence the way CPython does it.

#include "runtime/kernels/elements.h"

#include <algorithm>
#include <limits>

#include <ATen/ops/eq.h>
#include <ATen/ops/is_nonzero.h>
#include <ATen/ops/lt.h>

#include "runtime/kernels/boxing.h"

namespace vesta::runtime::kernels {

bool elements_equal(const IValue& a, const IValue& b) {
  if (a.isInt() && b.isInt()) return a.toInt() == b.toInt();
  if (a.isDouble() && b.isDouble()) return a.toDouble() == b.toDouble();
  if (a.isBool() && b.isBool()) return a.toBool() == b.toBool();
  if (a.isString() && b.isString()) return a.toStringView() == b.toStringView();
  if (a.isTensor() && b.isTensor()) return at::is_nonzero(at::eq(a.toTensor(), b.toTensor()));
  return a == b;
}

bool element_less(const IValue& a, const IValue& b) {
  if (a.isInt() && b.isInt()) return a.toInt() < b.toInt();
  if (a.isDouble() && b.isDouble()) return a.toDouble() < b.toDouble();
  if (a.isBool() && b.isBool()) return a.toBool() < b.toBool();
  if (a.isString() && b.isString()) return a.toStringView() < b.toStringView();
  return at::is_nonzero(at::lt(a.toTensor(), b.toTensor()));
}

absl::StatusOr<SliceRange> resolve_slice(const IValue& start, const IValue& end, int64_t step, int64_t size) {
  if (step == 0) return value_error("slice step cannot be zero");
  // -INT64_MIN does not exist; nothing is that long.
  step = std::max(step, -std::numeric_limits<int64_t>::max());
  const int64_t lowest = step < 0 ? -1 : 0;
  const int64_t highest = step < 0 ? size - 1 : size;
  auto bound = [&](const IValue& value, int64_t missing) {
    return value.isNone() ? missing : std::clamp(normalize_index(value.toInt(), size), lowest, highest);
  };
  const int64_t from = bound(start, step < 0 ? highest : lowest);
  const int64_t to = bound(end, step < 0 ? lowest : highest);
  int64_t count = 0;
  if (step > 0 && from < to) count = (to - from - 1) / step + 1;
  if (step < 0 && from > to) count = (from - to - 1) / -step + 1;
  return SliceRange{from, step, count};
}

}  // namespace vesta::runtime::kernels
