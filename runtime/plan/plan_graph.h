#pragma once

// What a plan computes: tensors of known shapes and the steps that make one from another.
//
// The builder makes it from a subgraph and the inputs' sizes (builder.h), the rewrites shorten it (rewrites.h), the
// compiler chooses layouts and primitives for it (compiler.h). Nothing of it is left at run time.
//
// Tensors are float32 in logical dimensions; how they lie in memory is the compiler's choice, but each knows the
// strides that plain execution would give it. A view (base != itself) is a part of its base, in the base's plain
// strides.

#include <algorithm>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include <ATen/core/Tensor.h>

namespace vesta::runtime::plan {

using Dims = std::vector<int64_t>;
inline bool all_are(const Dims& values, int64_t value) {
  return std::all_of(values.begin(), values.end(), [=](int64_t one) { return one == value; });
}
using TensorId = int32_t;
inline constexpr TensorId kNoTensor = -1;

struct PlanTensor {
  Dims dims;
  Dims strides;        // As plain execution gives them, in elements.
  int64_t offset = 0;  // Of a view, in elements of its base.
  TensorId base = kNoTensor;
  at::Tensor constant;    // Defined: the value is known. Any strides; float32, CPU.
  at::Tensor scale;       // Of a convolution's weights: what those of each result are multiplied with when packed.
  bool mask = false;      // Stands for a bool tensor: 0 or 1. Lives inside of pointwise programs only.
  bool integers = false;  // int64: an input, a view of one, or a result. Only steps that ask for it read it.

  bool is_constant() const { return constant.defined(); }
  // What is packed is derived from these.
  std::vector<at::Tensor> sources() const {
    return scale.defined() ? std::vector<at::Tensor>{constant, scale} : std::vector<at::Tensor>{constant};
  }
  int64_t numel() const {
    int64_t count = 1;
    for (int64_t size : dims) count *= size;
    return count;
  }
};

// Operations on numbers, element by element (pointwise_ops.def).
enum class PointOp : uint8_t {
#define VESTA_POINT_OP(name, arity) k_##name,
#include "runtime/plan/pointwise_ops.def"
#undef VESTA_POINT_OP
};
int point_op_arity(PointOp op);

// A value of a pointwise program: one of the step's inputs, a number, or the result of an earlier instruction.
struct PointValue {
  enum class Kind : uint8_t { kInput, kNumber, kResult };
  Kind kind = Kind::kNumber;
  int32_t index = 0;
  float number = 0;
  bool operator==(const PointValue&) const = default;
};
struct PointInstruction {
  PointOp op;
  PointValue args[3];
};

struct ConvParams {
  bool transposed = false;
  bool has_bias = false;
  int64_t groups = 1;
  Dims stride, padding_before, padding_after, dilation;  // dilation as ATen counts it: 1 is none.
};
// inputs: a, b, (bias); batches broadcast.
struct MatmulParams {
  bool has_bias = false;
  bool rows = false;  // a is contiguous, with any number of dimensions before the last, and b a constant matrix.
};
struct PoolParams {
  enum class Kind : uint8_t { kMax, kAverage, kAverageWithPadding };
  Kind kind = Kind::kMax;
  Dims kernel, stride, padding_before, padding_after, dilation;
};
struct SoftmaxParams {
  int64_t axis = 0;
  bool logarithm = false;
};
// softmax(scale * query * keys' + mask) * values; inputs: [..., rows, depth], [..., keys, depth], [..., keys, columns]
// and maybe what broadcasts to [..., rows, keys]; batches broadcast.
struct AttentionParams {
  float scale = 1;
  bool causal = false;  // Row i reads the keys up to i.
  bool safe = false;    // A row that may read no key at all is 0 rather than NaN.
  bool has_mask = false;
  Dims out_strides;  // Of [..., rows, columns] in the result, whose own dims may be in another order.
};
// Over the last dimension; inputs: x, scale, shift (both constants).
struct LayerNormParams {
  float epsilon = 0;
};
// The sum over the last dimension times `factor`.
struct SumParams {
  double factor = 1;
};
struct ConcatParams {
  int64_t axis = 0;
};
// The input's elements in the output's dims and plain strides.
struct CopyParams {};
// Slices of the first input along `axis`, chosen by the second, which holds int64. Fails (Kernel::run) for an index
// that is not there; `wraps`: negative ones count from the end.
struct GatherParams {
  int64_t axis = 0;
  bool wraps = false;
};
// Sums or means of a matrix's rows; inputs: matrix, rows, where each bag of them begins (both int64).
struct BagParams {
  bool mean = false;
  bool has_end = false;  // The last offset is the end of the last bag.
};
// Where the largest element along `axis` is, as int64.
struct ArgmaxParams {
  int64_t axis = 0;
};
// All inputs broadcast to `dims`.
struct PointwiseParams {
  Dims dims;
  std::vector<PointInstruction> program;
  std::vector<int32_t> results;  // For each of the step's outputs: the instruction.
};
using StepParams =
    std::variant<ConvParams, MatmulParams, AttentionParams, PoolParams, SoftmaxParams, LayerNormParams, SumParams,
                 ConcatParams, CopyParams, GatherParams, BagParams, ArgmaxParams, PointwiseParams>;

// What follows in the same primitive. Binary ones read the step's input number `input`.
struct PostOp {
  PointOp op;
  float alpha = 0;
  float beta = 0;
  int32_t input = -1;
};

struct Step {
  StepParams params;
  std::vector<TensorId> inputs;
  std::vector<TensorId> outputs;
  std::vector<PostOp> post_ops;

  template <class T>
  const T* as() const {
    return std::get_if<T>(&params);
  }
  template <class T>
  T* as() {
    return std::get_if<T>(&params);
  }
};

struct PlanGraph {
  std::vector<PlanTensor> tensors;
  std::vector<Step> steps;       // In an order that can be executed.
  std::vector<TensorId> inputs;  // By the group's input; kNoTensor where nobody reads it.
  std::vector<TensorId> outputs;

  PlanTensor& tensor(TensorId id) { return tensors[static_cast<size_t>(id)]; }
  const PlanTensor& tensor(TensorId id) const { return tensors[static_cast<size_t>(id)]; }
  TensorId base(TensorId id) const { return tensor(id).base; }
  TensorId add(PlanTensor tensor) {
    const TensorId id = static_cast<TensorId>(tensors.size());
    if (tensor.base == kNoTensor) tensor.base = id;
    tensors.push_back(std::move(tensor));
    return id;
  }
};

Dims contiguous_strides(const Dims& dims);
// Whether the elements lie as at::Tensor::is_contiguous() has it (strides of dimensions of size 1 do not count).
bool is_contiguous(const PlanTensor& tensor);

// For tests and for looking.
std::string to_string(const PlanGraph& graph);

}  // namespace vesta::runtime::plan
