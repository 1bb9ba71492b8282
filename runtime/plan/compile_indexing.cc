// Kernels that read or write int64: rows chosen by indices, sums of such rows, where a maximum is. Each checks its
// indices before it writes: what is out of range is an error that plain execution tells.

#include <algorithm>
#include <cmath>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "runtime/plan/compiler_context.h"

namespace vesta::runtime::plan {
namespace {

const int64_t* as_integers(const float* pointer) {
  return reinterpret_cast<const int64_t*>(pointer);  // NOLINT: what it points to was made as int64.
}

// Slices of [outer, size, inner].
class GatherKernel : public Kernel {
 public:
  GatherKernel(int64_t outer, int64_t size, int64_t inner, int64_t count, bool wraps)
      : outer_(outer), size_(size), inner_(inner), count_(count), wraps_(wraps) {}

  bool run(const float* const* inputs, float* const* outputs) const override {
    const int64_t* const index = as_integers(inputs[1]);
    const int64_t least = wraps_ ? -size_ : 0;
    for (int64_t k = 0; k < count_; ++k) {
      if (index[k] < least || index[k] >= size_) return false;
    }
    float* to = outputs[0];
    for (int64_t o = 0; o < outer_; ++o) {
      const float* const from = inputs[0] + o * size_ * inner_;
      if (inner_ == 1) {
        for (int64_t k = 0; k < count_; ++k) to[k] = from[index[k] < 0 ? index[k] + size_ : index[k]];
        to += count_;
        continue;
      }
      for (int64_t k = 0; k < count_; ++k, to += inner_) {
        const int64_t chosen = index[k] < 0 ? index[k] + size_ : index[k];
        std::memcpy(to, from + chosen * inner_, static_cast<size_t>(inner_) * sizeof(float));
      }
    }
    return true;
  }

 private:
  int64_t outer_, size_, inner_, count_;
  bool wraps_;
};

class BagKernel : public Kernel {
 public:
  BagKernel(int64_t rows, int64_t width, int64_t count, int64_t bags, bool mean, bool has_end)
      : rows_(rows), width_(width), count_(count), bags_(bags), mean_(mean), has_end_(has_end) {}

  bool run(const float* const* inputs, float* const* outputs) const override {
    const int64_t* const index = as_integers(inputs[1]);
    const int64_t* const offsets = as_integers(inputs[2]);
    for (int64_t k = 0; k < count_; ++k) {
      if (index[k] < 0 || index[k] >= rows_) return false;
    }
    const auto end_of = [&](int64_t bag) { return bag + 1 < bags_ || has_end_ ? offsets[bag + 1] : count_; };
    if (offsets[0] != 0 || end_of(bags_ - 1) != count_) return false;
    for (int64_t bag = 0; bag < bags_; ++bag) {
      if (offsets[bag] > end_of(bag)) return false;
    }
    for (int64_t bag = 0; bag < bags_; ++bag) {
      float* const to = outputs[0] + bag * width_;
      std::memset(to, 0, static_cast<size_t>(width_) * sizeof(float));
      const int64_t end = end_of(bag);
      for (int64_t k = offsets[bag]; k < end; ++k) {
        const float* const row = inputs[0] + index[k] * width_;
        for (int64_t i = 0; i < width_; ++i) to[i] += row[i];
      }
      const int64_t size = end - offsets[bag];
      if (!mean_ || size == 0) continue;
      for (int64_t i = 0; i < width_; ++i) to[i] /= static_cast<float>(size);
    }
    return true;
  }

 private:
  int64_t rows_, width_, count_, bags_;
  bool mean_, has_end_;
};

// The first of the largest; NaN is larger than all numbers.
int64_t place_of_largest(const float* values, int64_t count, int64_t stride) {
  // Several at once, so that comparisons do not wait for each other.
  constexpr int64_t kLanes = 8;
  float best[kLanes];
  bool is_nan = false;
  for (int64_t lane = 0; lane < kLanes; ++lane) best[lane] = values[0];
  int64_t k = 0;
  for (; k + kLanes <= count; k += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      const float value = values[(k + lane) * stride];
      best[lane] = value > best[lane] ? value : best[lane];
      is_nan |= value != value;
    }
  }
  for (; k < count; ++k) {
    const float value = values[k * stride];
    best[0] = value > best[0] ? value : best[0];
    is_nan |= value != value;
  }
  const float largest = *std::max_element(best, best + kLanes);
  for (k = 0; k < count; ++k) {
    const float value = values[k * stride];
    if (is_nan ? value != value : value == largest) break;
  }
  return k;
}

// Along the middle of [outer, size, inner].
class ArgmaxKernel : public Kernel {
 public:
  ArgmaxKernel(int64_t outer, int64_t size, int64_t inner) : outer_(outer), size_(size), inner_(inner) {}

  bool run(const float* const* inputs, float* const* outputs) const override {
    auto* const to = reinterpret_cast<int64_t*>(outputs[0]);  // NOLINT: a buffer of int64.
    for (int64_t o = 0; o < outer_; ++o) {
      for (int64_t i = 0; i < inner_; ++i)
        to[o * inner_ + i] = place_of_largest(inputs[0] + o * size_ * inner_ + i, size_, inner_);
    }
    return true;
  }

 private:
  int64_t outer_, size_, inner_;
};

struct Slices {
  int64_t outer = 1, size = 1, inner = 1;
};
Slices slices(const Dims& dims, int64_t axis) {
  Slices result;
  for (size_t i = 0; i < dims.size(); ++i) {
    int64_t& part = static_cast<int64_t>(i) < axis    ? result.outer
                    : static_cast<int64_t>(i) == axis ? result.size
                                                      : result.inner;
    part *= dims[i];
  }
  return result;
}

}  // namespace

BufferPart Compiler::integers(TensorId id) {
  const PlanTensor& held = tensor(id);
  if (held.is_constant()) return constant_location(held.constant).part;
  BufferPart part = locations_[static_cast<size_t>(held.base)].at(0).part;
  part.offset += held.offset * static_cast<int64_t>(sizeof(int64_t));
  return part;
}

absl::Status Compiler::gather(const Step& step, const GatherParams& params) {
  const PlanTensor& source = tensor(step.inputs[0]);
  const PlanTensor& output = tensor(step.outputs[0]);
  const Slices parts = slices(source.dims, params.axis);
  const int64_t count = tensor(step.inputs[1]).numel();
  std::vector<BufferPart> inputs = {in_layout(step.inputs[0], plain(source.dims)).part, integers(step.inputs[1])};
  emit(absl::StrCat("gather ", count, " of ", parts.size),
       std::make_unique<GatherKernel>(parts.outer, parts.size, parts.inner, count, params.wraps), std::move(inputs),
       {new_location(step.outputs[0], plain(output.dims)).part});
  return absl::OkStatus();
}

absl::Status Compiler::bag(const Step& step, const BagParams& params) {
  const PlanTensor& table = tensor(step.inputs[0]);
  const PlanTensor& output = tensor(step.outputs[0]);
  const int64_t count = tensor(step.inputs[1]).numel();
  std::vector<BufferPart> inputs = {in_layout(step.inputs[0], plain(table.dims)).part, integers(step.inputs[1]),
                                    integers(step.inputs[2])};
  emit(absl::StrCat("bags of ", table.dims[0]),
       std::make_unique<BagKernel>(table.dims[0], table.dims[1], count, output.dims[0], params.mean, params.has_end),
       std::move(inputs), {new_location(step.outputs[0], plain(output.dims)).part});
  return absl::OkStatus();
}

absl::Status Compiler::argmax(const Step& step, const ArgmaxParams& params) {
  const PlanTensor& input = tensor(step.inputs[0]);
  const PlanTensor& output = tensor(step.outputs[0]);
  const Slices parts = slices(input.dims, params.axis);
  std::vector<BufferPart> inputs = {in_layout(step.inputs[0], plain(input.dims)).part};
  // Where it is no result it lies in the arena, twice as large as floats would be.
  Location made = new_location(step.outputs[0], plain(output.dims));
  Buffer& buffer = impl_.buffers[static_cast<size_t>(made.part.buffer)];
  if (buffer.kind == Buffer::Kind::kArena) buffer.bytes = static_cast<size_t>(output.numel()) * sizeof(int64_t);
  emit(absl::StrCat("argmax of ", parts.size), std::make_unique<ArgmaxKernel>(parts.outer, parts.size, parts.inner),
       std::move(inputs), {made.part});
  return absl::OkStatus();
}

}  // namespace vesta::runtime::plan
