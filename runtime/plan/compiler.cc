#include <unordered_map>

#include <ATen/EmptyTensor.h>

#include "absl/strings/str_cat.h"
#include "runtime/plan/compiler_context.h"
#include "runtime/plan/file_pages.h"

namespace vesta::runtime::plan {

absl::Status compile_plan(const PlanGraph& graph, DerivedConstants& constants, const ConvolutionLayouts& layouts,
                          PlanImpl& impl) {
  return Compiler(graph, constants, layouts, impl).run();
}

absl::Status Compiler::run() {
  place_inputs_and_results();
  find_growing_concats();
  for (const Step& step : graph_.steps) {
    if (const absl::Status status = compile_step(step); !status.ok()) return status;
  }
  finish_results();
  return absl::OkStatus();
}

absl::Status Compiler::compile_step(const Step& step) {
  if (const auto* params = step.as<ConvParams>()) return convolution(step, *params);
  if (const auto* params = step.as<MatmulParams>()) return matmul(step, *params);
  if (const auto* params = step.as<AttentionParams>()) return attention(step, *params);
  if (const auto* params = step.as<PoolParams>()) return pool(step, *params);
  if (const auto* params = step.as<SoftmaxParams>()) return softmax(step, *params);
  if (const auto* params = step.as<LayerNormParams>()) return layer_norm(step, *params);
  if (const auto* params = step.as<SumParams>()) return sum(step, *params);
  if (const auto* params = step.as<ConcatParams>()) return concat(step, *params);
  if (const auto* params = step.as<GatherParams>()) return gather(step, *params);
  if (const auto* params = step.as<BagParams>()) return bag(step, *params);
  if (const auto* params = step.as<ArgmaxParams>()) return argmax(step, *params);
  if (const auto* params = step.as<PointwiseParams>()) return pointwise(step, *params);
  return copy(step);
}

// ---- Inputs and results

void Compiler::place_inputs_and_results() {
  for (size_t i = 0; i < graph_.inputs.size(); ++i) {
    const PlanTensor& input = tensor(graph_.inputs[i]);
    const int32_t buffer = new_buffer(Buffer::Kind::kInput, static_cast<int32_t>(i), 0);
    locations_[static_cast<size_t>(graph_.inputs[i])] = {{{buffer, 0}, strided(input.dims, input.strides)}};
  }
  for (TensorId output : graph_.outputs) {
    const PlanTensor& made = tensor(output);
    const PlanTensor& base = tensor(made.base);
    Result result;
    result.whole = output == made.base;
    result.dims = made.dims;
    result.strides = made.strides;
    result.offset = made.offset;
    const auto input = std::find(graph_.inputs.begin(), graph_.inputs.end(), made.base);
    if (input != graph_.inputs.end()) {
      result.input = static_cast<int32_t>(input - graph_.inputs.begin());
    } else {
      auto [found, is_new] = result_buffer_.emplace(made.base, 0);
      if (is_new) {
        const auto number = static_cast<int32_t>(impl_.fresh.size());
        const size_t element = base.integers ? sizeof(int64_t) : sizeof(float);
        const bool contiguous = base.strides == contiguous_strides(base.dims);
        impl_.fresh.push_back({base.dims, base.strides, contiguous, base.integers,
                               contiguous ? static_cast<size_t>(base.numel()) * element : SIZE_MAX});
        found->second = new_buffer(Buffer::Kind::kOutput, number, 0);
      }
      result.fresh = impl_.buffers[static_cast<size_t>(found->second)].index;
    }
    impl_.results.push_back(std::move(result));
  }
  std::vector<bool> met(impl_.fresh.size(), false);
  for (size_t i = impl_.results.size(); i-- > 0;) {
    Result& result = impl_.results[i];
    if (result.fresh < 0) continue;
    result.last = !met[static_cast<size_t>(result.fresh)];
    met[static_cast<size_t>(result.fresh)] = true;
  }
}

// Results that lie in another layout so far.
void Compiler::finish_results() {
  for (const auto& [id, buffer] : result_buffer_) {
    bool placed = false;
    for (const Location& location : locations_[static_cast<size_t>(id)])
      placed = placed || location.part.buffer == buffer;
    if (placed) continue;
    const Location from = located(id);
    emit_reorder(from, {{buffer, 0}, strided(tensor(id).dims, tensor(id).strides)});
  }
}

// ---- Buffers and operations

int32_t Compiler::new_buffer(Buffer::Kind kind, int32_t index, size_t bytes) {
  Buffer buffer;
  buffer.kind = kind;
  buffer.index = index;
  buffer.bytes = bytes;
  impl_.buffers.push_back(std::move(buffer));
  return static_cast<int32_t>(impl_.buffers.size() - 1);
}

void Compiler::use(BufferPart part) {
  Buffer& buffer = impl_.buffers[static_cast<size_t>(part.buffer)];
  const size_t now = impl_.operations.size();
  buffer.first = std::min(buffer.first, now);
  buffer.last = std::max(buffer.last, now);
}

void Compiler::emit(std::string label, const dnnl::primitive& primitive, Arguments arguments,
                    const MemoryDesc& scratchpad) {
  if (const size_t bytes = scratchpad.get_size(); bytes != 0) {
    arguments.push_back({DNNL_ARG_SCRATCHPAD, {{new_buffer(Buffer::Kind::kArena, -1, bytes), 0}, scratchpad}});
  }
  Operation operation;
  operation.label = std::move(label);
  operation.primitive = primitive;
  for (const auto& [name, location] : arguments) {
    use(location.part);
    operation.arguments.push_back({name, location.desc, location.part});
  }
  impl_.operations.push_back(std::move(operation));
}

void Compiler::emit(std::string label, std::unique_ptr<Kernel> kernel, std::vector<BufferPart> inputs,
                    std::vector<BufferPart> outputs) {
  for (BufferPart part : inputs) use(part);
  for (BufferPart part : outputs) use(part);
  Operation operation;
  operation.label = std::move(label);
  operation.kernel = std::move(kernel);
  operation.inputs = std::move(inputs);
  operation.outputs = std::move(outputs);
  impl_.operations.push_back(std::move(operation));
}

void Compiler::emit_reorder(const Location& from, const Location& to) {
  if (copies_itself(from.desc, to.desc)) return emit_copy(from, to);
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const dnnl::reorder::primitive_desc pd(cpu_engine(), from.desc, cpu_engine(), to.desc, attr);
  emit(absl::StrCat("reorder ", pd.impl_info_str()), dnnl::reorder(pd), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}},
       pd.scratchpad_desc());
}

// ---- Locations

Compiler::Location Compiler::constant_location(const at::Tensor& constant) {
  auto [found, is_new] = constant_locations_.emplace(constant.unsafeGetTensorImpl(), Location());
  if (is_new) {
    const int32_t buffer = new_buffer(Buffer::Kind::kConstant, -1, 0);
    impl_.buffers[static_cast<size_t>(buffer)].constant = constant;
    found->second = {{buffer, 0}, strided(constant.sizes().vec(), constant.strides().vec())};
  }
  return found->second;
}

Compiler::Location Compiler::located(TensorId id) {
  const PlanTensor& held = tensor(id);
  if (held.is_constant()) return constant_location(held.constant);
  if (held.base == id) return locations_[static_cast<size_t>(id)].at(0);
  return strided_location(id);
}

Compiler::Location Compiler::strided_location(TensorId id) {
  const PlanTensor& held = tensor(id);
  if (held.is_constant()) return constant_location(held.constant);
  if (held.base == id) {
    for (const Location& location : locations_[static_cast<size_t>(id)]) {
      if (is_strided(location.desc)) return location;
    }
    return plain_location(id);
  }
  Location base = plain_location(held.base);
  base.part.offset += held.offset * static_cast<int64_t>(sizeof(float));
  base.desc = strided(held.dims, held.strides);
  return base;
}

// In the strides of plain execution.
Compiler::Location Compiler::plain_location(TensorId base) {
  const PlanTensor& held = tensor(base);
  return in_layout(base, strided(held.dims, held.strides));
}

Compiler::Location Compiler::rows_location(TensorId id) {
  const Location location = strided_location(id);
  const Dims& dims = tensor(id).dims;
  const bool has_rows = dims.back() == 1 || location.desc.get_strides().back() == 1;
  return has_rows ? location : in_layout(id, plain(dims));
}

Dims Compiler::broadcast_strides(TensorId id, const Location& location, size_t rank) const {
  const Dims& dims = tensor(id).dims;
  const Dims strides = location.desc.get_strides();
  Dims result(rank, 0);
  for (size_t d = 0; d < dims.size(); ++d) {
    if (dims[d] != 1) result[rank - dims.size() + d] = strides[d];
  }
  return result;
}

Compiler::Location Compiler::in_layout(TensorId id, const MemoryDesc& desc) {
  const PlanTensor& held = tensor(id);
  if (held.is_constant()) return packed(held, constant_location(held.constant).desc, desc);
  if (held.base != id) {
    const Location window = strided_location(id);
    if (same_memory(window.desc, desc)) return {window.part, desc};
    const Location copy{{new_buffer(Buffer::Kind::kArena, -1, desc.get_size()), 0}, desc};
    emit_reorder(window, copy);
    return copy;
  }
  auto& known = locations_[static_cast<size_t>(id)];
  for (const Location& location : known) {
    if (same_memory(location.desc, desc)) return {location.part, desc};
  }
  const Location from = known.at(0);
  const Location to = new_location(id, desc);
  emit_reorder(from, to);
  return to;
}

Compiler::Location Compiler::packed(const PlanTensor& held, const MemoryDesc& as, const MemoryDesc& desc) {
  const at::Tensor& constant = held.constant;
  const at::Tensor& scale = held.scale;
  if (as == desc && !scale.defined()) return {constant_location(constant).part, desc};
  const std::string name = absl::StrCat("packed:", layout_key(as), ":", layout_key(desc));
  const at::Tensor bytes = constants_.get(
      name, held.sources(),
      [&] {
        const at::Tensor made = constants_.new_bytes(static_cast<int64_t>(desc.get_size()));
        dnnl::primitive_attr attr;
        std::unordered_map<int, dnnl::memory> arguments = {
            {DNNL_ARG_FROM, {as, cpu_engine(), const_cast<void*>(constant.const_data_ptr())}},
            {DNNL_ARG_TO, {desc, cpu_engine(), made.mutable_data_ptr()}}};
        if (scale.defined()) {
          // Of the groups and what each gives, or of the results alone: the first dimensions.
          const bool by_group = as.get_dims()[0] != scale.numel();
          attr.set_scales_mask(DNNL_ARG_FROM, by_group ? 3 : 1);
          arguments.emplace(
              DNNL_ARG_ATTR_SCALES | DNNL_ARG_FROM,
              dnnl::memory(plain({scale.numel()}), cpu_engine(), const_cast<void*>(scale.const_data_ptr())));
        }
        const dnnl::reorder reorder(dnnl::reorder::primitive_desc(cpu_engine(), as, cpu_engine(), desc, attr));
        dnnl::stream stream(cpu_engine());
        reorder.execute(stream, arguments);
        stream.wait();
        // Plans for other sizes, plain execution and who saves the module get them from the file again.
        leave_to_file(constant);
        return made;
      },
      DerivedConstants::Form{at::kByte, {static_cast<int64_t>(desc.get_size())}});
  Location location = constant_location(bytes);
  location.desc = desc;
  return location;
}

Compiler::Location Compiler::new_location(TensorId id, const MemoryDesc& desc) {
  Location location{{-1, 0}, desc};
  auto result = result_buffer_.find(id);
  auto& known = locations_[static_cast<size_t>(id)];
  if (result != result_buffer_.end() && same_memory(desc, strided(tensor(id).dims, tensor(id).strides))) {
    location.part.buffer = result->second;
  } else {
    location.part.buffer = new_buffer(Buffer::Kind::kArena, -1, desc.get_size());
  }
  known.push_back(location);
  return location;
}

}  // namespace vesta::runtime::plan
