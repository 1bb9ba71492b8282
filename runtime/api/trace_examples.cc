#include "runtime/api/trace_examples.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>

#include <algorithm>
#include <functional>
#include <map>

#include "absl/strings/str_cat.h"
#include "ir/support/status.h"
#include "runtime/api/guard.h"
#include "runtime/api/trace_run.h"

namespace vesta::internal {
namespace {

using Versions = std::vector<c10::IValue>;

// New sizes by the sizes that were seen; numbers that are arguments are counted apart.
class Sizes {
 public:
  explicit Sizes(Growth growth) : growth_(growth) {}

  int64_t next(std::vector<int64_t> seen, bool argument) {
    if (std::all_of(seen.begin(), seen.end(), [&](int64_t one) { return one == seen[0]; })) return seen[0];
    const auto known = made_.find({argument, seen});
    if (known != made_.end()) return known->second;
    int64_t step = 0;
    for (const int64_t one : seen) {
      if (step == 0) step = std::abs(one - seen[0]);
    }
    const auto number = static_cast<int64_t>(made_.size());
    const int64_t steps = growth_ == Growth::kTogether ? 2 : growth_ == Growth::kCloser ? number + 1 : number + 2;
    const int64_t made =
        *std::max_element(seen.begin(), seen.end()) + steps * step + (growth_ == Growth::kUneven ? 1 : 0);
    made_.emplace(std::pair(argument, std::move(seen)), made);
    return made;
  }

 private:
  Growth growth_;
  std::map<std::pair<bool, std::vector<int64_t>>, int64_t> made_;
};

at::Tensor resized(const at::Tensor& tensor, const std::vector<int64_t>& sizes) {
  at::Tensor result = tensor.detach();
  for (int64_t d = 0; d < tensor.dim(); ++d) {
    const int64_t have = tensor.size(d);
    const int64_t want = sizes[static_cast<size_t>(d)];
    if (have == want) continue;
    TORCH_CHECK(have > 0, "a dimension of size 0 cannot be made larger");
    const auto options = at::TensorOptions().dtype(at::kLong).device(tensor.device());
    result = result.index_select(d, at::arange(want, options).remainder(have));
  }
  return result.clone().set_requires_grad(tensor.requires_grad());
}

c10::IValue grown(const Versions& versions, Sizes& sizes);

std::vector<c10::IValue> grown_items(const std::vector<std::vector<c10::IValue>>& versions, Sizes& sizes) {
  std::vector<c10::IValue> result;
  for (size_t i = 0; i < versions[0].size(); ++i) {
    Versions item;
    for (const auto& version : versions) {
      TORCH_CHECK(version.size() == versions[0].size(), "the examples' containers are not of one length");
      item.push_back(version[i]);
    }
    result.push_back(grown(item, sizes));
  }
  return result;
}

c10::IValue grown(const Versions& versions, Sizes& sizes) {
  const c10::IValue& first = versions[0];
  for (const c10::IValue& version : versions) {
    TORCH_CHECK(version.tagKind() == first.tagKind(), "the examples are not of one kind");
  }
  if (first.isTensor()) {
    std::vector<int64_t> wanted;
    for (int64_t d = 0; d < first.toTensor().dim(); ++d) {
      std::vector<int64_t> seen;
      for (const c10::IValue& version : versions) {
        TORCH_CHECK(version.toTensor().dim() == first.toTensor().dim(), "the examples' tensors differ in dimensions");
        seen.push_back(version.toTensor().size(d));
      }
      wanted.push_back(sizes.next(std::move(seen), false));
    }
    return resized(first.toTensor(), wanted);
  }
  if (first.isInt()) {
    std::vector<int64_t> seen;
    for (const c10::IValue& version : versions) seen.push_back(version.toInt());
    return sizes.next(std::move(seen), true);
  }
  std::vector<std::vector<c10::IValue>> items;
  if (first.isTuple()) {
    for (const c10::IValue& version : versions) {
      const auto elements = version.toTupleRef().elements();
      items.emplace_back(elements.begin(), elements.end());
    }
    const auto type = first.type()->expect<c10::TupleType>();
    std::vector<c10::IValue> made = grown_items(items, sizes);
    if (type->schema() == nullptr) return c10::ivalue::Tuple::create(std::move(made));
    return c10::ivalue::Tuple::createNamed(std::move(made), type);
  }
  if (first.isList()) {
    for (const c10::IValue& version : versions) items.push_back(version.toListRef().vec());
    c10::impl::GenericList list(first.toList().elementType());
    for (c10::IValue& item : grown_items(items, sizes)) list.push_back(std::move(item));
    return list;
  }
  if (first.isGenericDict()) {
    c10::impl::GenericDict dict(first.toGenericDict().keyType(), first.toGenericDict().valueType());
    for (const auto& entry : first.toGenericDict()) {
      Versions values;
      for (const c10::IValue& version : versions) values.push_back(version.toGenericDict().at(entry.key()));
      dict.insert(entry.key(), grown(values, sizes));
    }
    return dict;
  }
  return first;
}

}  // namespace

absl::StatusOr<Example> another_size(const std::vector<const Example*>& examples, Growth growth) {
  Example made;
  Sizes sizes(growth);
  const absl::Status status = guard([&] {
    const at::NoGradGuard no_grad;
    for (size_t i = 0; i < examples[0]->size(); ++i) {
      Versions versions;
      for (const Example* example : examples) versions.push_back((*example)[i]);
      made.push_back(grown(versions, sizes));
    }
  });
  if (!status.ok()) return status;
  return made;
}

absl::StatusOr<Example> twice_as_large(const Example& example, const std::vector<DynamicSize>& dynamic) {
  VESTA_ASSIGN_OR_RETURN(Example made, copy_values(example));
  for (const DynamicSize& size : dynamic) {
    if (size.input >= made.size() || !made[size.input].isTensor() || size.dimension < 0 ||
        size.dimension >= made[size.input].toTensor().dim()) {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no dimension ", size.dimension, " of a tensor in argument ", size.input));
    }
    const at::Tensor tensor = made[size.input].toTensor();
    std::vector<int64_t> sizes = tensor.sizes().vec();
    sizes[static_cast<size_t>(size.dimension)] *= 2;
    VESTA_RETURN_IF_ERROR(guard([&] {
      const at::NoGradGuard no_grad;
      made[size.input] = resized(tensor, sizes);
    }));
  }
  return made;
}

}  // namespace vesta::internal
