#pragma once

// Memory of frames: a stack in chunks, so that growing moves nothing.

#include <cstddef>
#include <memory>
#include <vector>

namespace vesta::runtime {

// Elements are default-constructed when a chunk is made, and never again: whoever releases memory leaves it as
// the next one expects it. Not thread-safe.
template <class T>
class Arena {
 public:
  struct Mark {
    size_t chunk = 0;
    size_t used = 0;
  };
  explicit Arena(size_t chunk_size) : chunk_size_(chunk_size) { chunks_.push_back(make_chunk(chunk_size)); }

  Mark mark() const { return at_; }
  T* allocate(size_t count) {
    if (count > chunks_[at_.chunk].size - at_.used) [[unlikely]]
      next_chunk(count);
    T* memory = chunks_[at_.chunk].elements.get() + at_.used;
    at_.used += count;
    return memory;
  }
  // Everything that was allocated since the mark is free again.
  void release(Mark mark) { at_ = mark; }
  // Gives back chunks beyond the first. REQUIRES: nothing is allocated.
  void shrink() {
    if (chunks_.size() > 1) chunks_.resize(1);
  }

 private:
  struct Chunk {
    std::unique_ptr<T[]> elements;
    size_t size = 0;
  };
  static Chunk make_chunk(size_t size) { return {std::make_unique<T[]>(size), size}; }

  void next_chunk(size_t count) {
    const size_t next = at_.chunk + 1;
    if (next == chunks_.size()) {
      chunks_.push_back(make_chunk(count > chunk_size_ ? count : chunk_size_));
    } else if (chunks_[next].size < count) {
      chunks_[next] = make_chunk(count);  // Nothing above the mark is in use.
    }
    at_ = {next, 0};
  }

  size_t chunk_size_;
  std::vector<Chunk> chunks_;
  Mark at_;
};

}  // namespace vesta::runtime
