// A run: fresh results are made, the pointers that change from call to call are set, the primitives are executed.

#include "runtime/plan/plan.h"

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
constexpr size_t kKeptContexts = 4;

dnnl::stream& thread_stream() {
  thread_local dnnl::stream stream(cpu_engine());
  return stream;
}

}  // namespace

PlanContext::~PlanContext() { std::free(arena); }

Plan::Plan(std::unique_ptr<PlanImpl> impl) : impl_(std::move(impl)) {}
Plan::~Plan() = default;
size_t Plan::arena_bytes() const { return impl_->arena_bytes; }

absl::StatusOr<std::shared_ptr<const Plan>> Plan::compile(PlanGraph graph, DerivedConstants& constants) {
  auto impl = std::make_unique<PlanImpl>();
  try {
    const absl::Status status = compile_plan(graph, constants, *impl);
    if (!status.ok()) return status;
  } catch (const dnnl::error& error) {
    return absl::UnimplementedError(absl::StrCat("oneDNN: ", error.what()));
  }
  impl->arena_bytes = plan_memory(impl->buffers);
  return std::shared_ptr<const Plan>(new Plan(std::move(impl)));
}

namespace {

bool moves(const Buffer& buffer) { return buffer.kind == Buffer::Kind::kInput || buffer.kind == Buffer::Kind::kOutput; }

std::byte* fixed_address(const PlanImpl& impl, const PlanContext& context, BufferPart part) {
  const Buffer& buffer = impl.buffers[static_cast<size_t>(part.buffer)];
  if (buffer.kind == Buffer::Kind::kArena) return context.arena + buffer.offset + part.offset;
  if (buffer.kind == Buffer::Kind::kConstant) return static_cast<std::byte*>(buffer.constant.data_ptr()) + part.offset;
  return nullptr;
}

std::unique_ptr<PlanContext> make_context(const PlanImpl& impl) {
  auto context = std::make_unique<PlanContext>();
  const size_t bytes = (impl.arena_bytes + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment;
  if (bytes != 0) {
    context->arena = static_cast<std::byte*>(std::aligned_alloc(kArenaAlignment, bytes));
    if (context->arena == nullptr) throw std::bad_alloc();
  }
  for (const Operation& operation : impl.operations) {
    context->first_argument.push_back(context->arguments.size());
    for (const Argument& argument : operation.arguments) {
      std::byte* const address = fixed_address(impl, *context, argument.part);
      context->memories.emplace_back(argument.desc, cpu_engine(), address);
      const dnnl_memory_t memory = context->memories.back().get();
      if (moves(impl.buffers[static_cast<size_t>(argument.part.buffer)]))
        context->moving.push_back({memory, argument.part});
      context->arguments.push_back({argument.name, memory});
    }
  }
  return context;
}

}  // namespace

void Plan::run(const at::Tensor* const* inputs, std::vector<c10::IValue>& results) const {
  const PlanImpl& impl = *impl_;
  std::unique_ptr<PlanContext> context;
  {
    std::lock_guard<std::mutex> lock(impl.mutex);
    if (!impl.contexts.empty()) {
      context = std::move(impl.contexts.back());
      impl.contexts.pop_back();
    }
  }
  if (context == nullptr) context = make_context(impl);

  c10::SmallVector<at::Tensor, 4> fresh;
  for (const FreshTensor& made : impl.fresh) {
    fresh.push_back(made.contiguous ? at::Tensor(at::detail::empty_cpu(made.dims, at::kFloat))
                                    : at::Tensor(at::detail::empty_strided_cpu(made.dims, made.strides, at::kFloat)));
  }
  const auto address = [&](BufferPart part) -> std::byte* {
    const Buffer& buffer = impl.buffers[static_cast<size_t>(part.buffer)];
    if (buffer.kind == Buffer::Kind::kInput)
      return static_cast<std::byte*>(const_cast<void*>(inputs[buffer.index]->const_data_ptr())) + part.offset;
    if (buffer.kind == Buffer::Kind::kOutput)
      return static_cast<std::byte*>(fresh[static_cast<size_t>(buffer.index)].mutable_data_ptr()) + part.offset;
    return fixed_address(impl, *context, part);
  };
  for (const PlanContext::Moving& moving : context->moving)
    dnnl_memory_set_data_handle(moving.memory, address(moving.part));

  dnnl_stream_t stream = thread_stream().get();
  for (size_t i = 0; i < impl.operations.size(); ++i) {
    const Operation& operation = impl.operations[i];
    if (operation.loop != nullptr) {
      context->loop_inputs.clear();
      context->loop_outputs.clear();
      for (BufferPart part : operation.loop_inputs)
        context->loop_inputs.push_back(reinterpret_cast<const float*>(address(part)));
      for (BufferPart part : operation.loop_outputs)
        context->loop_outputs.push_back(reinterpret_cast<float*>(address(part)));
      operation.loop->run(context->loop_inputs.data(), context->loop_outputs.data());
      continue;
    }
    const dnnl_status_t status =
        dnnl_primitive_execute(operation.primitive.get(), stream, static_cast<int>(operation.arguments.size()),
                               context->arguments.data() + context->first_argument[i]);
    TORCH_CHECK(status == dnnl_success, "oneDNN fails to execute '", operation.label, "': status ",
                static_cast<int>(status));
  }

  for (const Result& result : impl.results) {
    const at::Tensor& held = result.fresh >= 0 ? fresh[static_cast<size_t>(result.fresh)] : *inputs[result.input];
    results.emplace_back(
        result.whole ? held : at::as_strided(held, result.dims, result.strides, result.offset + held.storage_offset()));
  }
  std::lock_guard<std::mutex> lock(impl.mutex);
  if (impl.contexts.size() < kKeptContexts) impl.contexts.push_back(std::move(context));
}

std::string Plan::to_string() const {
  std::string text;
  for (const Operation& operation : impl_->operations) absl::StrAppend(&text, operation.label, "\n");
  return text;
}

}  // namespace vesta::runtime::plan
