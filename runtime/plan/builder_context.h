#pragma once

// State of building one PlanGraph; private to build*.cc.
//
// A failure is noted once (refuse()) and what follows is harmless: accessors then give empty values. A tensor of the
// program is a cell that names the plan's tensor, so that an operator that writes in place moves all its readers on.

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "ir/graph.h"
#include "runtime/plan/builder.h"
#include "runtime/plan/derived_constants.h"
#include "runtime/plan/plan_graph.h"

namespace vesta::runtime::plan {

struct Abstract {
  enum class Kind : uint8_t { kConstant, kTensor, kList };
  Kind kind = Kind::kConstant;
  c10::IValue constant;
  size_t cell = 0;
  std::vector<Abstract> elements;  // Of a list or tuple that holds tensors.
};

class Builder {
 public:
  Builder(PlanGraph& plan, DerivedConstants& constants) : plan_(plan), constants_(constants) {}
  absl::Status run(const ir::Graph& subgraph, std::span<const PlanInput> inputs);
  // After a failure: where it was.
  const ir::Node* refused() const { return refused_; }

  using Node = ir::Node;
  using Handler = void (Builder::*)(const Node&);
  static const absl::flat_hash_map<c10::Symbol, Handler>& handlers();

 private:
  // builder.cc
  void run_block(const ir::Block& block);
  void run_node(const Node& node);
  void run_if(const Node& node);
  void run_constant_node(const Node& node);
  void refuse(std::string_view what);
  bool failed() const { return !status_.ok(); }
  bool all_constant(const Node& node) const;
  bool shares_constant() const;

  const Abstract& value(const ir::Value* value);
  void bind(const ir::Value* value, Abstract abstract) { environment_[value] = std::move(abstract); }
  void bind(const ir::Value* value, TensorId tensor) { environment_[value] = tensor_value(tensor); }
  void bind_constant(const ir::Value* value, c10::IValue constant);
  Abstract tensor_value(TensorId tensor);
  // Whether input `i` is a tensor of the plan (no constant).
  bool is_tensor(const Node& node, size_t i);
  TensorId tensor_of(const Abstract& abstract);
  TensorId tensor(const Node& node, size_t i) { return tensor_of(value(node.input(i))); }
  TensorId constant_tensor(const at::Tensor& constant);
  // The tensor's value; undefined (and a refusal) where it is not constant.
  at::Tensor constant_of(const Node& node, size_t i);
  bool is_none(const Node& node, size_t i);
  int64_t integer(const Node& node, size_t i);
  bool boolean(const Node& node, size_t i);
  double number(const Node& node, size_t i);
  Dims integers(const Node& node, size_t i);
  // A list for `count` dimensions; one number stands for all.
  Dims integers(const Node& node, size_t i, size_t count);

  const PlanTensor& at(TensorId id) const { return plan_.tensor(id); }
  const Dims& dims(TensorId id) const { return plan_.tensor(id).dims; }
  TensorId new_tensor(Dims dims);
  TensorId new_tensor(Dims dims, Dims strides);
  Step& new_step(StepParams params, std::vector<TensorId> inputs, TensorId output);
  at::Tensor meta_of(TensorId id) const;
  TensorId view_of(TensorId id, const at::Tensor& meta);
  // The tensor itself where it is contiguous, else a copy that is.
  TensorId contiguous(TensorId id);
  TensorId plain(TensorId id);
  TensorId reshaped(TensorId id, const Dims& dims);
  int64_t wrap(int64_t dim, size_t rank);

  // build_convolution.cc
  void convolution(const Node& node);
  void any_convolution(const Node& node);
  void transposed_convolution(const Node& node);
  void emit_convolution(const Node& node, ConvParams params, const Dims& output_padding);
  void batch_norm(const Node& node);
  void max_pool(const Node& node);
  void average_pool(const Node& node);
  void adaptive_average_pool(const Node& node);
  void emit_pool(const Node& node, PoolParams params, bool ceil_mode);

  // build_reductions.cc
  size_t reduced_dimensions(const Node& node);
  void sum(const Node& node);
  void mean(const Node& node);
  void emit_sum(const Node& node, size_t over, bool mean);

  // build_matmul.cc
  void linear(const Node& node);
  void addmm(const Node& node);
  void matmul(const Node& node);
  TensorId emit_rows(TensorId a, TensorId b, TensorId bias);
  TensorId emit_matmul(TensorId a, TensorId b, TensorId bias);
  void softmax(const Node& node);
  void layer_norm(const Node& node);
  void attention(const Node& node);
  TensorId emit_attention(TensorId query, TensorId keys, TensorId values, TensorId mask, AttentionParams params);
  TensorId emit_softmax(TensorId input, int64_t axis, bool logarithm);

  // build_pointwise.cc
  struct Operand {
    TensorId tensor = kNoTensor;
    double number = 0;
    bool is_mask = false;
  };
  Operand operand(const Node& node, size_t i);
  TensorId emit_point(PointOp op, std::span<const Operand> operands, bool mask = false);
  void bind_point(const Node& node, PointOp op, std::initializer_list<Operand> operands, bool mask = false);
  void unary(const Node& node);
  void binary(const Node& node);
  void comparison(const Node& node);
  void add_or_subtract(const Node& node);
  void divide(const Node& node);
  void power(const Node& node);
  void clamp(const Node& node);
  void gelu(const Node& node);
  void leaky_relu(const Node& node);
  void elu(const Node& node);
  void softplus(const Node& node);
  void where(const Node& node);
  void masked_fill(const Node& node);

  // build_views.cc
  void view(const Node& node);
  void reshape(const Node& node);
  void flatten(const Node& node);
  std::optional<c10::IValue> on_meta(const Node& node, TensorId input);
  void any_view(const Node& node);
  void split(const Node& node);
  void identity(const Node& node);
  void contiguous_copy(const Node& node);
  void concatenate(const Node& node);
  void stack(const Node& node);
  void dropout(const Node& node);
  void geometry(const Node& node);

  // build_indexing.cc
  // A tensor of int64, constant or not; kNoTensor and a refusal where it is none.
  TensorId indices(const Node& node, size_t i);
  TensorId constant_indices(const at::Tensor& constant);
  // Reads int64 in its further inputs.
  Step& new_indexing_step(StepParams params, std::vector<TensorId> inputs, TensorId output);
  TensorId emit_gather(TensorId source, TensorId index, GatherParams params, Dims dims);
  void embedding(const Node& node);
  void embedding_bag(const Node& node);
  void index_select(const Node& node);
  void select(const Node& node);
  void argmax(const Node& node);
  void pad(const Node& node);
  void to(const Node& node);
  void facts(const Node& node);
  void zeros(const Node& node);
  void contains(const Node& node);

  // build_cells.cc
  TensorId emit_linear(TensorId input, const at::Tensor& weight, const at::Tensor& bias);
  TensorId emit_layer_norm(TensorId input, const at::Tensor& scale, const at::Tensor& shift, double epsilon);
  TensorId emit_binary(PointOp op, TensorId a, TensorId b);
  TensorId emit_unary(PointOp op, TensorId a);
  TensorId columns(TensorId id, int64_t first, int64_t count);
  TensorId emit_self_attention(TensorId input, int64_t heads, const at::Tensor& weight, const at::Tensor& bias,
                               const at::Tensor& out_weight, const at::Tensor& out_bias);
  void encoder_layer(const Node& node);
  void native_attention(const Node& node);
  void gru_cell(const Node& node);
  void lstm_cell(const Node& node);
  void filled(const Node& node);

  // builder.cc: lists and tuples
  void construct(const Node& node);
  void unpack(const Node& node);
  void element(const Node& node);
  void length(const Node& node);
  void none_test(const Node& node);
  void cast(const Node& node);

  // Results of operators that write into their first argument.
  void bind_written(const Node& node, TensorId result);

  PlanGraph& plan_;
  DerivedConstants& constants_;
  absl::Status status_;
  const ir::Node* refused_ = nullptr;
  absl::flat_hash_map<const ir::Value*, Abstract> environment_;
  std::vector<TensorId> cells_;
  absl::flat_hash_set<TensorId> viewed_;  // Bases that have views.
  absl::flat_hash_set<TensorId> given_;   // Inputs of the group.
  absl::flat_hash_set<TensorId> copied_;  // Copies of what are views in plain execution: no results.
  absl::flat_hash_map<const void*, TensorId> constant_tensors_;
};

// Whether the operator writes into its first argument: its name ends in an underscore.
bool writes_in_place(c10::Symbol kind);

}  // namespace vesta::runtime::plan
