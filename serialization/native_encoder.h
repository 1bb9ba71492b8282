#pragma once

// A program and its values as the tables of native_format.fbs; private to native_*.cc. What is reachable from the
// values, types and functions that are named gets a number when it is met first, so the same module gives the same
// tables.

#include <string>
#include <vector>

#include <ATen/core/class_type.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "frontend/printed_names.h"
#include "ir/program.h"
#include "serialization/native_format_generated.h"
#include "serialization/torch_values.h"

namespace vesta::serialization {

// Of values within each other.
inline constexpr int kMaxValueDepth = 200;

class NativeEncoder {
 public:
  // `run` runs `__getstate__`; may be empty. Must outlive the encoder.
  explicit NativeEncoder(const RunMethod& run) : run_(run) { out_.names.emplace_back(); }

  // Numbers in the tables. What they lead to is written by finish().
  absl::StatusOr<uint32_t> value(const c10::IValue& value);
  absl::StatusOr<uint32_t> tensor(const at::Tensor& tensor);
  absl::StatusOr<uint32_t> type(const c10::TypePtr& type);
  absl::StatusOr<uint32_t> function(torch::jit::Function& function);
  absl::StatusOr<std::unique_ptr<native::GraphT>> graph(const ir::Graph& graph);

  // Writes what was named and is not written yet.
  absl::Status finish();
  native::ProgramT& program() { return out_; }
  // By number; they live as long as the encoder.
  const std::vector<c10::Storage>& storages() const { return storages_; }

 private:
  friend class NativeGraphEncoder;

  // native_encode_values.cc
  absl::StatusOr<uint32_t> shared_value(const c10::IValue& value);
  absl::Status fill(native::ValueT& out, const c10::IValue& value);
  absl::Status fill_object(native::ValueT& out, const c10::IValue& value);
  absl::Status fill_dense(native::TensorT& out, const at::Tensor& tensor);
  absl::Status fill_quantizer(native::TensorT& out, const at::Tensor& tensor);
  absl::Status elements(std::vector<uint32_t>& out, c10::ArrayRef<c10::IValue> values);
  uint32_t storage(const c10::Storage& storage);
  std::string path() const;

  // native_encode_types.cc
  absl::Status fill_type(native::TypeT& out, const c10::TypePtr& type);
  uint32_t declaration(const c10::NamedTypePtr& type);
  absl::Status write_declaration(uint32_t number);
  absl::Status fill_class(native::DeclarationT& out, const c10::ClassType& type);
  absl::Status fill_schema(native::SchemaT& out, const c10::FunctionSchema& schema);
  absl::StatusOr<std::unique_ptr<native::ArgumentT>> argument(const c10::Argument& argument);
  absl::Status write_function(uint32_t number);
  uint32_t name(std::string_view text);
  native::Range range(const support::SourceRange& range);
  uint32_t operator_number(const ir::Operator& op);

  const RunMethod& run_;
  native::ProgramT out_;
  frontend::ProgramNames names_;

  std::vector<c10::TypePtr> kept_types_;  // Their addresses are keys.
  absl::flat_hash_map<const c10::Type*, uint32_t> types_;
  absl::flat_hash_map<std::string, uint32_t> types_by_content_;
  std::vector<c10::NamedTypePtr> declared_;
  absl::flat_hash_map<const c10::NamedType*, uint32_t> declarations_;
  size_t written_declarations_ = 0;
  std::vector<const ir::Function*> functions_in_order_;
  absl::flat_hash_map<const torch::jit::Function*, uint32_t> functions_;
  size_t written_functions_ = 0;
  absl::flat_hash_map<std::string, uint32_t> names_in_table_;
  absl::flat_hash_map<const support::Source*, uint32_t> sources_;
  std::vector<std::shared_ptr<const support::Source>> kept_sources_;
  absl::flat_hash_map<const ir::Operator*, uint32_t> operators_;

  absl::flat_hash_map<const void*, uint32_t> shared_;
  absl::flat_hash_set<const void*> open_;
  absl::flat_hash_map<std::string, uint32_t> scalars_;
  std::vector<c10::IValue> kept_;  // Their addresses are keys.
  absl::flat_hash_map<const c10::TensorImpl*, uint32_t> tensors_;
  std::vector<at::Tensor> kept_tensors_;
  absl::flat_hash_map<const c10::StorageImpl*, uint32_t> storage_numbers_;
  std::vector<c10::Storage> storages_;
  std::vector<std::string> path_;
  int depth_ = 0;
};

}  // namespace vesta::serialization
