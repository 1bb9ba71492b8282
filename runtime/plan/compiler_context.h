#pragma once

// State of compiling one plan; private to compile*.cc. Steps are taken in order. For each tensor the compiler knows in
// which layouts it lies where; a step asks for what its primitive prefers and gets a reorder where that is new.

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "runtime/plan/plan_impl.h"

namespace vesta::runtime::plan {

// Elements up to which loops of our own copy and join, rather than primitives.
inline constexpr int64_t kSmallCopy = int64_t{1} << 14;

// Where each matrix of a batch starts, in elements, in tensors of such strides. `dims` are those of the batch.
template <size_t N>
std::vector<std::array<int64_t, N>> batch_offsets(const Dims& dims, const std::array<Dims, N>& strides) {
  std::vector<std::array<int64_t, N>> offsets = {{}};
  for (size_t d = 0; d < dims.size(); ++d) {
    std::vector<std::array<int64_t, N>> more;
    for (const std::array<int64_t, N>& start : offsets) {
      for (int64_t k = 0; k < dims[d]; ++k) {
        more.push_back(start);
        for (size_t i = 0; i < N; ++i) more.back()[i] += k * strides[i][d];
      }
    }
    offsets = std::move(more);
  }
  return offsets;
}

class Compiler {
 public:
  Compiler(const PlanGraph& graph, DerivedConstants& constants, const ConvolutionLayouts& layouts, PlanImpl& impl)
      : graph_(graph),
        constants_(constants),
        impl_(impl),
        layouts_(layouts.empty() ? layouts_by_rule(graph) : layouts),
        locations_(graph.tensors.size()) {}
  absl::Status run();

  // compile_steps.cc
  // Whether convolutions can have their channels in blocks at all.
  static bool may_take_blocks(const PlanGraph& graph);
  static ConvolutionLayouts layouts_by_rule(const PlanGraph& graph);

 private:
  struct Location {
    BufferPart part;
    MemoryDesc desc;
  };
  using Arguments = std::vector<std::pair<int, Location>>;

  // compiler.cc
  void place_inputs_and_results();
  void finish_results();
  absl::Status compile_step(const Step& step);
  const PlanTensor& tensor(TensorId id) const { return graph_.tensor(id); }
  int32_t new_buffer(Buffer::Kind kind, int32_t index, size_t bytes);
  void use(BufferPart part);
  // Appends an operation; its user scratchpad, if any, is taken from the arena.
  void emit(std::string label, const dnnl::primitive& primitive, Arguments arguments, const MemoryDesc& scratchpad);
  void emit_reorder(const Location& from, const Location& to);
  // Appends a kernel of our own.
  void emit(std::string label, std::unique_ptr<Kernel> kernel, std::vector<BufferPart> inputs,
            std::vector<BufferPart> outputs);
  Location constant_location(const at::Tensor& constant);
  // Where the tensor lies: as it was made, or for views the window on their base.
  Location located(TensorId id);
  // In strides.
  Location strided_location(TensorId id);
  Location plain_location(TensorId base);
  // In strides of which the last is 1: as it lies, or else plain.
  Location rows_location(TensorId id);
  // Strides of the tensor, which lies there, broadcast to `rank` dimensions.
  Dims broadcast_strides(TensorId id, const Location& location, size_t rank) const;
  Location in_layout(TensorId id, const MemoryDesc& desc);
  // The constant, scaled where it has a scale, in that layout, `as` being its own; made once for all plans.
  Location packed(const PlanTensor& held, const MemoryDesc& as, const MemoryDesc& desc);
  // A place for a tensor that is about to be made: the fresh result itself where the layout is that of the result.
  Location new_location(TensorId id, const MemoryDesc& desc);

  // compile_steps.cc
  absl::Status convolution(const Step& step, const ConvParams& params);
  absl::Status matmul(const Step& step, const MatmulParams& params);
  absl::Status pool(const Step& step, const PoolParams& params);
  absl::Status softmax(const Step& step, const SoftmaxParams& params);
  absl::Status copy(const Step& step);
  // Of a kernel of our own whose images' channels lie together: the images, the weights made for it, the bias where
  // there is one, and what post-ops read.
  std::vector<BufferPart> channels_last_inputs(const Step& step, const ConvParams& params, const at::Tensor& weights);
  static dnnl::primitive_attr attributes(const Step& step, const std::vector<MemoryDesc>& binary_descs);
  void add_post_op_arguments(const Step& step, const dnnl::primitive_desc_base& pd, const Dims& dims,
                             Arguments& arguments);

  // compile_panels.cc
  bool takes_panels(const Step& step, const MatmulParams& params) const;
  absl::Status panel_product(const Step& step, const MatmulParams& params);
  bool takes_panels(const Step& step, const ConvParams& params) const;
  absl::Status panel_convolution(const Step& step, const ConvParams& params);
  bool takes_pixel_panels(const Step& step, const ConvParams& params) const;
  absl::Status pixel_panels(const Step& step, const ConvParams& params);
  bool takes_strided_panels(const Step& step, const MatmulParams& params) const;
  absl::Status strided_panel_product(const Step& step, const MatmulParams& params);

  // compile_winograd.cc
  bool takes_winograd(const Step& step, const ConvParams& params) const;
  absl::Status winograd(const Step& step, const ConvParams& params);

  // compile_attention.cc
  absl::Status attention(const Step& step, const AttentionParams& params);

  // compile_norm.cc
  absl::Status layer_norm(const Step& step, const LayerNormParams& params);
  absl::Status sum(const Step& step, const SumParams& params);

  // compile_copies.cc
  static bool copies_itself(const MemoryDesc& from, const MemoryDesc& to);
  void emit_copy(const Location& from, const Location& to);

  // compile_concat.cc
  // Concatenations that lie in the memory of the last of them.
  struct Growth {
    Dims dims;             // Of the last.
    bool refused = false;  // Each is made by itself.
    int32_t buffer = -1;
    size_t operands = 0;   // That are in place already,
    int64_t channels = 0;  // and their channels.
  };
  void find_growing_concats();
  bool grow(const Step& step);
  absl::Status concat(const Step& step, const ConcatParams& params);
  absl::Status join(const Step& step, const ConcatParams& params, const std::vector<Location>& sources);

  // compile_indexing.cc
  absl::Status gather(const Step& step, const GatherParams& params);
  absl::Status bag(const Step& step, const BagParams& params);
  absl::Status argmax(const Step& step, const ArgmaxParams& params);
  // Where int64 elements lie.
  BufferPart integers(TensorId id);

  // compile_pointwise.cc
  bool takes_padding(const Step& step, const PointwiseParams& params, const MemoryDesc& layout) const;
  std::optional<MemoryDesc> kept_layout(const Step& step, const PointwiseParams& params);
  absl::Status pointwise(const Step& step, const PointwiseParams& params);

  const PlanGraph& graph_;
  DerivedConstants& constants_;
  PlanImpl& impl_;
  const ConvolutionLayouts layouts_;
  size_t convolutions_ = 0;                               // That were compiled.
  std::vector<std::vector<Location>> locations_;          // By tensor; the first is as it was made.
  absl::flat_hash_map<TensorId, int32_t> result_buffer_;  // Of tensors that are fresh results.
  absl::flat_hash_map<const void*, Location> constant_locations_;
  absl::flat_hash_map<TensorId, std::shared_ptr<Growth>> growths_;  // By the concatenations' results.
};

}  // namespace vesta::runtime::plan
