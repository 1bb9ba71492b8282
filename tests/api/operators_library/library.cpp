// A library of operators as users write them; also asks for libraries of CUDA and Python that are not there, as
// extension modules from PyPI do.

#include <c10/util/intrusive_ptr.h>
#include <torch/custom_class.h>
#include <torch/library.h>

#include <ATen/ops/mul.h>

namespace c10::cuda::CUDACachingAllocator {
extern void* allocator;
}

namespace {

at::Tensor scale(const at::Tensor& x, double factor) { return at::mul(x, factor); }

bool has_cuda() { return c10::cuda::CUDACachingAllocator::allocator != nullptr; }

struct Counter : torch::CustomClassHolder {
  explicit Counter(int64_t start) : count(start) {}
  int64_t increment(int64_t by) { return count += by; }
  int64_t count;
};

}  // namespace

TORCH_LIBRARY(vesta_test, library) {
  library.def("scale(Tensor x, float factor=2.0) -> Tensor", &scale);
  library.def("has_cuda() -> bool", &has_cuda);
  library.class_<Counter>("Counter")
      .def(torch::init<int64_t>())
      .def("increment", &Counter::increment)
      .def_pickle([](const c10::intrusive_ptr<Counter>& self) { return self->count; },
                  [](int64_t count) { return c10::make_intrusive<Counter>(count); });
}
