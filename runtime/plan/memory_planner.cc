// Largest first, each at the lowest place that is free for as long as it is used.

#include <algorithm>

#include "runtime/plan/plan_impl.h"

namespace vesta::runtime::plan {
namespace {

// Buffers that have their place, found by when they are used.
class Placed {
 public:
  void add(const Buffer& buffer) {
    const size_t last = span(buffer.last);
    if (spans_.size() <= last) spans_.resize(last + 1);
    for (size_t i = span(buffer.first); i <= last; ++i) spans_[i].push_back(&buffer);
  }

  // Those that are used while this one is, by offset.
  std::vector<const Buffer*> beside(const Buffer& buffer) const {
    std::vector<const Buffer*> found;
    const size_t begin = span(buffer.first);
    for (size_t i = begin; i <= span(buffer.last) && i < spans_.size(); ++i) {
      for (const Buffer* other : spans_[i]) {
        const bool is_met_first = i == begin || i == span(other->first);
        if (is_met_first && other->first <= buffer.last && buffer.first <= other->last) found.push_back(other);
      }
    }
    std::sort(found.begin(), found.end(), [](const Buffer* a, const Buffer* b) { return a->offset < b->offset; });
    return found;
  }

 private:
  static size_t span(size_t operation) { return operation / 64; }
  std::vector<std::vector<const Buffer*>> spans_;  // Of operations, one after the other.
};

}  // namespace

size_t plan_memory(std::vector<Buffer>& buffers) {
  constexpr size_t kAlignment = 64;
  std::vector<Buffer*> order;
  for (Buffer& buffer : buffers) {
    if (buffer.kind != Buffer::Kind::kArena || buffer.first == SIZE_MAX) continue;
    buffer.bytes = (buffer.bytes + kAlignment - 1) / kAlignment * kAlignment;
    order.push_back(&buffer);
  }
  std::stable_sort(order.begin(), order.end(), [](const Buffer* a, const Buffer* b) { return a->bytes > b->bytes; });
  size_t total = 0;
  Placed placed;
  for (Buffer* buffer : order) {
    size_t offset = 0;
    for (const Buffer* other : placed.beside(*buffer)) {
      if (other->offset >= offset + buffer->bytes) break;
      offset = std::max(offset, other->offset + other->bytes);
    }
    buffer->offset = offset;
    total = std::max(total, offset + buffer->bytes);
    placed.add(*buffer);
  }
  return total;
}

}  // namespace vesta::runtime::plan
