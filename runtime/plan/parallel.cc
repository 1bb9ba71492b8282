#include "runtime/plan/parallel.h"

#include <ATen/EmptyTensor.h>
#include <ATen/Parallel.h>
#include <ATen/TensorIterator.h>

namespace vesta::runtime::plan {

void for_each_part(int64_t count, c10::function_ref<void(int64_t)> work) {
  if (count <= 1 || at::get_num_threads() == 1 || at::in_parallel_region()) {
    for (int64_t i = 0; i < count; ++i) work(i);
    return;
  }
  // Nothing is read or written there: an element's place is its number.
  const at::Tensor places(at::detail::empty_cpu({count}, at::kByte));
  const char* const first = static_cast<const char*>(places.const_data_ptr());
  at::TensorIterator iterator = at::TensorIterator::borrowing_nullary_op(places);
  iterator.for_each(
      [&](char** data, const int64_t* strides, int64_t size) {
        for (int64_t i = 0; i < size; ++i) work(data[0] - first + i * strides[0]);
      },
      /*grain_size=*/1);
}

}  // namespace vesta::runtime::plan
