// A run: fresh results are made, the pointers that change from call to call are set, primitives and kernels are
// executed.

#include "runtime/plan/plan.h"

#include <atomic>
#include <cstdlib>
#include <new>

#include <ATen/EmptyTensor.h>
#include <ATen/ops/as_strided.h>
#include <ATen/ops/empty_strided.h>

#include "absl/strings/str_cat.h"
#include "runtime/plan/plan_impl.h"

namespace vesta::runtime::plan {
namespace {

constexpr size_t kArenaAlignment = 4096;
constexpr size_t kLargeArena = size_t{4} << 20;
constexpr size_t kKeptContexts = 4;

dnnl::stream& thread_stream() {
  thread_local dnnl::stream stream(cpu_engine());
  return stream;
}

}  // namespace

PlanContext::~PlanContext() {
  if (pages == nullptr) std::free(arena);
}

Plan::Plan(std::unique_ptr<PlanImpl> impl) : impl_(std::move(impl)) {}
Plan::~Plan() = default;
size_t Plan::arena_bytes() const { return impl_->arena_bytes; }

absl::StatusOr<std::shared_ptr<const Plan>> Plan::compile(const PlanGraph& graph, DerivedConstants& constants,
                                                          const ConvolutionLayouts& layouts) {
  auto impl = std::make_unique<PlanImpl>();
  try {
    const absl::Status status = compile_plan(graph, constants, layouts, *impl);
    if (!status.ok()) return status;
  } catch (const dnnl::error& error) {
    return absl::UnimplementedError(absl::StrCat("oneDNN: ", error.what()));
  }
  impl->arena_bytes = plan_memory(impl->buffers);
  PlanImpl::Start start{0, 0};
  for (const Operation& operation : impl->operations) {
    impl->starts.push_back(start);
    start.argument += operation.arguments.size();
    start.pointer += operation.inputs.size() + operation.outputs.size();
  }
  return std::shared_ptr<const Plan>(new Plan(std::move(impl)));
}

namespace {

constexpr size_t kKeptTensors = 2;

// How many earlier results' memory is held on to, by their size. Of large ones none: the memory would be missed
// elsewhere; of those in between one, or the system would take it back and give it anew, page by page, in each call.
size_t kept_tensors(size_t bytes) { return bytes <= size_t{1} << 16 ? kKeptTensors : bytes <= size_t{1} << 20 ? 1 : 0; }

bool moves(const Buffer& buffer) { return buffer.kind == Buffer::Kind::kInput || buffer.kind == Buffer::Kind::kOutput; }

std::byte* fixed_address(const PlanImpl& impl, const PlanContext& context, BufferPart part) {
  const Buffer& buffer = impl.buffers[static_cast<size_t>(part.buffer)];
  if (buffer.kind == Buffer::Kind::kArena) return context.arena + buffer.offset + part.offset;
  if (buffer.kind == Buffer::Kind::kConstant)
    return static_cast<std::byte*>(const_cast<void*>(buffer.constant.const_data_ptr())) + part.offset;
  return nullptr;
}

std::unique_ptr<PlanContext> make_context(const PlanImpl& impl) {
  auto context = std::make_unique<PlanContext>();
  const size_t bytes = (impl.arena_bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment;
  if (bytes != 0) {
    if (bytes >= kLargeArena) {
      context->pages = std::make_unique<HugePages>(bytes);
      context->arena = context->pages->data();
    } else {
      context->arena = static_cast<std::byte*>(std::aligned_alloc(kArenaAlignment, bytes));
    }
    if (context->arena == nullptr) throw std::bad_alloc();
  }
  context->kept.resize(impl.fresh.size() * kKeptTensors);
  const auto note_moving = [&](dnnl_memory_t memory, size_t pointer, BufferPart part) {
    const Buffer& buffer = impl.buffers[static_cast<size_t>(part.buffer)];
    if (moves(buffer)) context->moving.push_back({memory, pointer, buffer.kind, buffer.index, part.offset});
  };
  const auto add_pointer = [&](BufferPart part) {
    note_moving(nullptr, context->pointers.size(), part);
    context->pointers.push_back(reinterpret_cast<float*>(fixed_address(impl, *context, part)));
  };
  for (const Operation& operation : impl.operations) {
    for (const Argument& argument : operation.arguments) {
      context->memories.emplace_back(argument.desc, cpu_engine(), fixed_address(impl, *context, argument.part));
      const dnnl_memory_t memory = context->memories.back().get();
      note_moving(memory, 0, argument.part);
      context->arguments.push_back({argument.name, memory});
    }
    for (BufferPart part : operation.inputs) add_pointer(part);
    for (BufferPart part : operation.outputs) add_pointer(part);
  }
  return context;
}

// Whether nobody else holds the tensor or its memory, and it is as it was made.
bool is_free(const FreshTensor& made, const KeptTensor& kept) {
  const at::Tensor& tensor = kept.tensor;
  if (tensor.use_count() != 1 || tensor.weak_use_count() != 1) return false;
  // What another thread that held it has done to it comes before.
  std::atomic_thread_fence(std::memory_order_acquire);
  const c10::Storage& storage = tensor.storage();
  const c10::DataPtr& data = storage.data_ptr();
  if (storage.use_count() != 1 || data.get() != kept.data || data.get_deleter() != kept.deleter) return false;
  return storage.nbytes() == made.bytes && tensor.key_set() == kept.keys &&
         tensor.is_inference() == c10::InferenceMode::is_enabled() &&
         tensor.unsafeGetTensorImpl()->autograd_meta() == nullptr && !tensor.has_names() &&
         tensor.storage_offset() == 0 && tensor.sizes() == at::IntArrayRef(made.dims) &&
         tensor.strides() == at::IntArrayRef(made.strides);
}

// A tensor of a result: one that an earlier call has left, where that is certain.
at::Tensor make_fresh(const FreshTensor& made, KeptTensor* kept) {
  const size_t keeps = kept_tensors(made.bytes);
  for (size_t i = 0; i < keeps; ++i) {
    if (is_free(made, kept[i])) return kept[i].tensor;
  }
  const at::ScalarType type = made.integers ? at::kLong : at::kFloat;
  at::Tensor tensor = made.contiguous ? at::Tensor(at::detail::empty_cpu(made.dims, type))
                                      : at::Tensor(at::detail::empty_strided_cpu(made.dims, made.strides, type));
  if (keeps == 0) return tensor;
  const c10::Storage& storage = tensor.storage();
  if (storage.nbytes() != made.bytes) return tensor;
  if (keeps > 1) std::swap(kept[0], kept[1]);
  kept[0] = {tensor, tensor.key_set(), storage.data_ptr().get(), storage.data_ptr().get_deleter()};
  return tensor;
}

void give_results(const PlanImpl& impl, c10::SmallVectorImpl<at::Tensor>& fresh, ir::Stack& stack) {
  c10::SmallVector<at::Tensor, 6> results;
  for (const Result& result : impl.results) {
    const auto number = static_cast<size_t>(result.fresh);
    if (result.fresh >= 0 && result.whole) {
      results.push_back(result.last ? std::move(fresh[number]) : fresh[number]);
      continue;
    }
    const at::Tensor& held = result.fresh >= 0 ? fresh[number] : stack[static_cast<size_t>(result.input)].toTensor();
    results.push_back(
        result.whole ? held : at::as_strided(held, result.dims, result.strides, result.offset + held.storage_offset()));
  }
  stack.clear();
  for (at::Tensor& result : results) stack.emplace_back(std::move(result));
}

void set_inputs(const ir::Stack& stack, PlanContext& context) {
  context.numbers.resize(stack.size());
  for (size_t i = 0; i < stack.size(); ++i) {
    if (stack[i].isInt()) context.numbers[i] = stack[i].toInt();
  }
}

}  // namespace

std::unique_ptr<PlanContext> Plan::take_context() const {
  {
    std::lock_guard<std::mutex> lock(impl_->mutex);
    if (!impl_->contexts.empty()) {
      std::unique_ptr<PlanContext> context = std::move(impl_->contexts.back());
      impl_->contexts.pop_back();
      return context;
    }
  }
  return make_context(*impl_);
}

void Plan::give_back(std::unique_ptr<PlanContext> context) const {
  std::lock_guard<std::mutex> lock(impl_->mutex);
  if (impl_->contexts.size() < kKeptContexts) impl_->contexts.push_back(std::move(context));
}

bool Plan::run(ir::Stack& stack, PlanContext& context) const {
  const PlanImpl& impl = *impl_;
  c10::SmallVector<at::Tensor, 6> fresh;
  for (size_t i = 0; i < impl.fresh.size(); ++i)
    fresh.push_back(make_fresh(impl.fresh[i], context.kept.data() + i * kKeptTensors));
  set_inputs(stack, context);
  for (const PlanContext::Moving& moving : context.moving) {
    const auto index = static_cast<size_t>(moving.index);
    std::byte* start = nullptr;
    if (moving.kind == Buffer::Kind::kOutput) {
      start = static_cast<std::byte*>(fresh[index].mutable_data_ptr());
    } else if (stack[index].isTensor()) {
      start = static_cast<std::byte*>(const_cast<void*>(stack[index].toTensor().const_data_ptr()));
    } else {
      start = reinterpret_cast<std::byte*>(&context.numbers[index]);
    }
    start += moving.offset;
    if (moving.memory != nullptr) {
      dnnl_memory_set_data_handle(moving.memory, start);
    } else {
      context.pointers[moving.pointer] = reinterpret_cast<float*>(start);
    }
  }

  dnnl_stream_t stream = thread_stream().get();
  for (size_t i = 0; i < impl.operations.size(); ++i) {
    const Operation& operation = impl.operations[i];
    if (operation.kernel != nullptr) {
      float* const* const pointers = context.pointers.data() + impl.starts[i].pointer;
      if (!operation.kernel->run(pointers, pointers + operation.inputs.size())) return false;
      continue;
    }
    const dnnl_status_t status =
        dnnl_primitive_execute(operation.primitive.get(), stream, static_cast<int>(operation.arguments.size()),
                               context.arguments.data() + impl.starts[i].argument);
    TORCH_CHECK(status == dnnl_success, "oneDNN fails to execute '", operation.label, "': status ",
                static_cast<int>(status));
  }
  give_results(impl, fresh, stack);
  return true;
}

bool Plan::run(ir::Stack& stack) const {
  std::unique_ptr<PlanContext> context = take_context();
  const bool done = run(stack, *context);
  give_back(std::move(context));
  return done;
}

std::string Plan::to_string() const {
  std::string text;
  for (const Operation& operation : impl_->operations) absl::StrAppend(&text, operation.label, "\n");
  return text;
}

}  // namespace vesta::runtime::plan
