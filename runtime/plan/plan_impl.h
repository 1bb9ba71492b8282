#pragma once

// What the compiler fills in and Plan::run executes; private to compiler*.cc, plan.cc and memory_planner.cc.

#include <string>
#include <vector>

#include "runtime/plan/dnnl.h"
#include "runtime/plan/huge_pages.h"
#include "runtime/plan/kernel.h"
#include "runtime/plan/plan.h"

namespace vesta::runtime::plan {

struct Buffer {
  enum class Kind : uint8_t { kArena, kInput, kOutput, kConstant };
  Kind kind = Kind::kArena;
  int32_t index = -1;  // Of the input or fresh result.
  at::Tensor constant;
  size_t bytes = 0;
  // kArena: the first and last operation that uses it, and its place.
  size_t first = SIZE_MAX;
  size_t last = 0;
  size_t offset = 0;
};

struct Argument {
  int name = 0;  // DNNL_ARG_*
  MemoryDesc desc;
  BufferPart part;
};

// One primitive, or one kernel of our own.
struct Operation {
  std::string label;
  dnnl::primitive primitive;
  std::vector<Argument> arguments;
  std::unique_ptr<Kernel> kernel;
  std::vector<BufferPart> inputs;  // Of the kernel.
  std::vector<BufferPart> outputs;
};

// A result of the group.
struct Result {
  int32_t fresh = -1;  // Number of the fresh tensor that it is or is a view of;
  int32_t input = -1;  // or of the input.
  bool whole = true;
  bool last = false;  // No further result is of the same fresh tensor.
  Dims dims, strides;
  int64_t offset = 0;
};

struct FreshTensor {
  Dims dims, strides;
  bool contiguous = true;
  bool integers = false;  // int64 instead of float32
  size_t bytes = 0;
};

// A result that nobody but the context may hold any more: the next call's result may be the same tensor.
struct KeptTensor {
  at::Tensor tensor;
  // As they were made: who changes the tensor or its memory, or shares that, changes one of these.
  c10::DispatchKeySet keys;
  void* data = nullptr;
  c10::DeleterFnPtr deleter = nullptr;
};

// An arena with the memory objects that point into it. Used by one call at a time.
struct PlanContext {
  // What is at another place in each call.
  struct Moving {
    dnnl_memory_t memory;  // Null: a kernel's operand, at `pointer`.
    size_t pointer;
    Buffer::Kind kind;
    int32_t index;
    int64_t offset;
  };
  ~PlanContext();
  std::byte* arena = nullptr;
  std::unique_ptr<HugePages> pages;  // What a large arena lies in.
  std::vector<dnnl::memory> memories;
  std::vector<dnnl_exec_arg_t> arguments;  // Of all operations, one after the other.
  std::vector<float*> pointers;            // Of all kernels: inputs, then outputs, of one after the other.
  std::vector<Moving> moving;
  std::vector<int64_t> numbers;  // By input: those that are ints.
  // Two by fresh tensor: what a loop carries is alive while its successor is made.
  std::vector<KeptTensor> kept;
};

struct PlanImpl {
  std::vector<Buffer> buffers;
  std::vector<Operation> operations;
  std::vector<FreshTensor> fresh;
  std::vector<Result> results;
  size_t arena_bytes = 0;

  struct Start {
    size_t argument, pointer;
  };
  std::vector<Start> starts;  // By operation: its first in a context's arguments and pointers.

  mutable std::mutex mutex;
  mutable std::vector<std::unique_ptr<PlanContext>> contexts;  // Not in use.
};

// Gives every arena buffer a place so that those in use at the same time do not overlap. Returns the arena's size.
size_t plan_memory(std::vector<Buffer>& buffers);

// Step by step into `impl`. Throws dnnl::error; Unimplemented where there is no primitive.
absl::Status compile_plan(const PlanGraph& graph, DerivedConstants& constants, const ConvolutionLayouts& layouts,
                          PlanImpl& impl);

}  // namespace vesta::runtime::plan
