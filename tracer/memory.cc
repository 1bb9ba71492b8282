// Coverage is a tensor of bools over the storage's elements, looked at with the same strides as the tensors that are
// written and read; it exists only for raw memory, until it is written whole.

#include "tracer/memory.h"

#include <ATen/core/grad_mode.h>

#include "tracer/hook.h"

namespace vesta::tracer {
namespace {

constexpr size_t kRememberedTensors = 8;

int64_t elements(const at::Tensor& tensor) {
  return static_cast<int64_t>(tensor.storage().nbytes() / tensor.dtype().itemsize());
}

// Nobody hears, no gradient is kept.
struct Aside {
  Deaf deaf;
  at::NoGradGuard no_grad;
};

}  // namespace

bool has_memory(const at::Tensor& tensor) {
  return tensor.defined() && tensor.layout() == c10::kStrided && tensor.has_storage() && !tensor.is_nested();
}

MemoryRecord* MemoryBook::find(const at::Tensor& tensor) {
  if (!has_memory(tensor)) return nullptr;
  const auto it = records_.find(tensor.storage().unsafeGetStorageImpl());
  return it == records_.end() ? nullptr : &it->second;
}

MemoryRecord* MemoryBook::meet(const at::Tensor& tensor) {
  if (!has_memory(tensor)) return nullptr;
  const c10::Storage& storage = tensor.storage();
  const auto it = records_.find(storage.unsafeGetStorageImpl());
  if (it != records_.end()) return &it->second;
  return &records_.emplace(storage.unsafeGetStorageImpl(), MemoryRecord{.storage = storage.getWeakStorageImpl()})
              .first->second;
}

void MemoryBook::remember(MemoryRecord& record, const at::Tensor& tensor) {
  if (record.tensors.size() >= kRememberedTensors) {
    std::erase_if(record.tensors, [](const WeakTensor& weak) { return weak.expired(); });
  }
  // The first are the most general; the last is what was made last.
  if (record.tensors.size() >= kRememberedTensors) record.tensors.pop_back();
  record.tensors.emplace_back(tensor.getIntrusivePtr());
}

void MemoryBook::cover(MemoryRecord& record, const at::Tensor& tensor) {
  if (record.factory == nullptr) return;
  const int64_t all = elements(tensor);
  if (tensor.numel() == all && tensor.is_non_overlapping_and_dense()) {
    record.factory = nullptr;
    return;
  }
  const Aside aside;
  if (!record.covered.defined()) record.covered = tensor.new_zeros({all}, tensor.options().dtype(at::kBool));
  if (record.covered.numel() != all) return;
  record.covered.as_strided(tensor.sizes(), tensor.strides(), tensor.storage_offset()).fill_(true);
}

bool MemoryBook::shows_raw_memory(const MemoryRecord& record, const at::Tensor& tensor) {
  if (record.factory == nullptr || tensor.numel() == 0 || tensor.is_meta()) return false;
  if (!record.covered.defined() || record.covered.numel() != elements(tensor)) return true;
  const Aside aside;
  return !record.covered.as_strided(tensor.sizes(), tensor.strides(), tensor.storage_offset()).all().item().toBool();
}

void Journal::before_write(const at::Tensor& tensor) {
  if (!has_memory(tensor) || tensor.is_meta() || tensor.is_quantized()) return;
  const c10::StorageImpl* key = tensor.storage().unsafeGetStorageImpl();
  if (saved_.contains(key)) return;
  const Aside aside;
  // Its own version counter: undoing is no write that autograd should know of.
  const at::Tensor whole = tensor.variable_data().as_strided({elements(tensor)}, {1}, 0);
  saved_.emplace(key, Saved{whole, whole.clone()});
}

void Journal::roll_back() {
  const Aside aside;
  for (auto& [key, saved] : saved_) saved.whole.copy_(saved.copy);
  saved_.clear();
}

}  // namespace vesta::tracer
