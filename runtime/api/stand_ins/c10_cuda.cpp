// The one variable of libc10_cuda that libraries of operators are bound to when they are opened; functions are looked up
// only when they are called.
namespace c10::cuda::CUDACachingAllocator {
void* allocator = nullptr;
}
