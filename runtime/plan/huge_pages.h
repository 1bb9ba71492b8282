#pragma once

// Memory in pages of 2 MiB, where the system gives such (transparent huge pages): a model's weights in thousands of
// small ones cost a fault each when they are written, and misses of the address cache in each call that reads them.

#include <cstddef>
#include <cstdint>
#include <memory>

#include <ATen/core/Tensor.h>

namespace vesta::runtime::plan {

// Bytes at a multiple of 2 MiB, zero, given back with the object. Ordinary pages where there are no huge ones.
class HugePages {
 public:
  // Throws std::bad_alloc.
  explicit HugePages(size_t bytes);
  ~HugePages();
  HugePages(const HugePages&) = delete;
  HugePages& operator=(const HugePages&) = delete;
  std::byte* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
  void* mapped_ = nullptr;
  size_t mapped_size_ = 0;
};

// Tensors of bytes that are made one after the other and live about equally long. The first few MiB are ordinary
// memory: a small model shall not hold a large page. Not thread-safe; the tensors keep what they lie in alive.
class TensorSlab {
 public:
  // Uninitialized, at a multiple of 64. Throws std::bad_alloc, c10::Error.
  at::Tensor take(int64_t bytes);

 private:
  std::shared_ptr<HugePages> pages_;
  size_t used_ = 0;  // Of pages_.
  size_t given_ = 0;
};

}  // namespace vesta::runtime::plan
