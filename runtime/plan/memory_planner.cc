// Largest first, each at the lowest place that is free for as long as it is used.

#include <algorithm>

#include "runtime/plan/plan_impl.h"

namespace vesta::runtime::plan {

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
  std::vector<const Buffer*> placed;  // By offset.
  for (Buffer* buffer : order) {
    size_t offset = 0;
    for (const Buffer* other : placed) {
      if (other->last < buffer->first || buffer->last < other->first) continue;
      if (other->offset >= offset + buffer->bytes) break;
      offset = std::max(offset, other->offset + other->bytes);
    }
    buffer->offset = offset;
    total = std::max(total, offset + buffer->bytes);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), buffer,
                                   [](const Buffer* a, const Buffer* b) { return a->offset < b->offset; }),
                  buffer);
  }
  return total;
}

}  // namespace vesta::runtime::plan
