#pragma once

// What a trace knows of the memory under tensors: which tensors look at it, whether the traced code made it, whether
// recorded operators have written it whole, and how to undo what is written to memory that was there before.

#include <cstdint>
#include <unordered_map>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/StorageImpl.h>
#include <c10/core/TensorImpl.h>
#include <c10/util/intrusive_ptr.h>

#include "ir/graph.h"

namespace vesta::tracer {

using WeakTensor = c10::weak_intrusive_ptr<c10::TensorImpl, at::UndefinedTensorImpl>;
using WeakStorage = c10::weak_intrusive_ptr<c10::StorageImpl>;

// One storage. Weak pointers keep the address from being used again, not the memory.
struct MemoryRecord {
  WeakStorage storage;
  std::vector<WeakTensor> tensors;  // some of those that look at it
  uint64_t birth = 0;               // when recorded operators made it, counted from 1; 0: it was there before
  bool input = false;               // of an input
  bool depends = false;             // its content follows from an input
  bool written = false;             // by a recorded operator
  // Raw memory: the node that made it, and its result's geometry. Null once it is known to be written whole.
  ir::Node* factory = nullptr;
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;
  int64_t offset = 0;
  c10::ScalarType dtype = c10::ScalarType::Undefined;
  at::Tensor covered;  // a bool an element: written by recorded operators; undefined: none is
};

bool has_memory(const at::Tensor& tensor);

class MemoryBook {
 public:
  // Null for tensors without a plain storage, and for memory that was not met before.
  MemoryRecord* find(const at::Tensor& tensor);
  // Makes the record, of memory that was there before.
  MemoryRecord* meet(const at::Tensor& tensor);
  // A tensor that looks at the memory.
  static void remember(MemoryRecord& record, const at::Tensor& tensor);

  // Recorded operators wrote all of `tensor`.
  static void cover(MemoryRecord& record, const at::Tensor& tensor);
  // Whether `tensor` shows memory that no recorded operator has written.
  static bool shows_raw_memory(const MemoryRecord& record, const at::Tensor& tensor);

 private:
  std::unordered_map<const c10::StorageImpl*, MemoryRecord> records_;
};

// Undoes writes. The copies are made before the first write to each storage.
class Journal {
 public:
  explicit Journal(uint64_t start) : start_(start) {}
  // Memory that was born later is not saved.
  uint64_t start() const { return start_; }
  void before_write(const at::Tensor& tensor);
  void roll_back();

 private:
  struct Saved {
    at::Tensor whole;
    at::Tensor copy;
  };
  uint64_t start_;
  std::unordered_map<const c10::StorageImpl*, Saved> saved_;
};

}  // namespace vesta::tracer
