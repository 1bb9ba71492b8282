#include "runtime/plan/huge_pages.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

#include <ATen/EmptyTensor.h>
#include <ATen/core/TensorBody.h>

namespace vesta::runtime::plan {
namespace {

constexpr size_t kHugePage = size_t{1} << 21;
constexpr size_t kAlignment = 64;
// Before that much has been given, all is ordinary; then the system reserves as much again, within bounds.
constexpr size_t kSmall = 2 * kHugePage;
constexpr size_t kLargest = 32 * kHugePage;

size_t round_up(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

void release(void* pages) { delete static_cast<std::shared_ptr<HugePages>*>(pages); }

}  // namespace

HugePages::HugePages(size_t bytes) : size_(round_up(bytes, kHugePage)), mapped_size_(size_ + kHugePage) {
  mapped_ = ::mmap(nullptr, mapped_size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped_ == MAP_FAILED) throw std::bad_alloc();
  data_ = reinterpret_cast<std::byte*>(round_up(reinterpret_cast<size_t>(mapped_), kHugePage));
  // A wish: small pages do as well.
  (void)::madvise(data_, size_, MADV_HUGEPAGE);
}

HugePages::~HugePages() { ::munmap(mapped_, mapped_size_); }

at::Tensor TensorSlab::take(int64_t bytes) {
  const auto size = round_up(static_cast<size_t>(bytes), kAlignment);
  if (given_ < kSmall && size < kSmall) {
    given_ += size;
    return at::Tensor(at::detail::empty_cpu({bytes}, at::kByte));
  }
  if (pages_ == nullptr || pages_->size() - used_ < size) {
    pages_ = std::make_shared<HugePages>(std::max(size, std::min(given_, kLargest)));
    used_ = 0;
  }
  std::byte* const data = pages_->data() + used_;
  used_ += size;
  given_ += size;
  c10::Storage storage(c10::Storage::use_byte_size_t(), static_cast<size_t>(bytes),
                       c10::DataPtr(data, new std::shared_ptr<HugePages>(pages_), &release, c10::DeviceType::CPU));
  at::Tensor tensor = at::detail::make_tensor<c10::TensorImpl>(
      std::move(storage), c10::DispatchKeySet(c10::DispatchKey::CPU), caffe2::TypeMeta::Make<uint8_t>());
  tensor.unsafeGetTensorImpl()->set_sizes_contiguous({bytes});
  return tensor;
}

}  // namespace vesta::runtime::plan
