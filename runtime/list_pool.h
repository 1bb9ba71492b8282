#pragma once

// The lists that one strand of execution makes and drops.

#include <cstddef>
#include <span>
#include <vector>

#include <ATen/core/List.h>
#include <ATen/core/ivalue.h>

#include "runtime/kernels/elements.h"

namespace vesta::runtime {

// Keeps a few lists that nobody holds any more, and their memory: the next ones need not grow again.
class ListPool {
 public:
  // Elements are moved from.
  c10::IValue make(const c10::TypePtr& element_type, std::span<c10::IValue> elements) {
    c10::impl::GenericList list = fresh(element_type);
    list.reserve(elements.size());
    for (c10::IValue& element : elements) list.push_back(std::move(element));
    return list;
  }

  // Leaves None.
  void drop(c10::IValue& value) {
    if (value.isList() && value.use_count() == 1 && lists_.size() < kMostLists) {
      std::vector<c10::IValue>& elements = kernels::elements_of(value);
      elements.clear();
      if (elements.capacity() <= kMostElements) lists_.push_back(std::move(value).toList());
    }
    value = c10::IValue();
  }

 private:
  static constexpr size_t kMostLists = 8;
  static constexpr size_t kMostElements = 1024;

  c10::impl::GenericList fresh(const c10::TypePtr& element_type) {
    if (lists_.empty()) return c10::impl::GenericList(element_type);
    c10::impl::GenericList list = std::move(lists_.back());
    lists_.pop_back();
    list.unsafeSetElementType(element_type);
    return list;
  }

  std::vector<c10::impl::GenericList> lists_;
};

}  // namespace vesta::runtime
