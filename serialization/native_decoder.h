#pragma once

// The tables of native_format.fbs as a program and its values; private to native_*.cc. Tables are decoded when
// something asks for them; each element becomes one object, so what was shared stays shared.

#include <cstring>
#include <string>
#include <vector>

#include <ATen/core/class_type.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "serialization/native_format_generated.h"
#include "serialization/native_reader.h"
#include "serialization/tensor_builder.h"
#include "serialization/torch_values.h"

namespace vesta::serialization {

// Elements of a vector that need not be there.
template <class Vector>
uint32_t size_of(const Vector* vector) {
  return vector == nullptr ? 0 : vector->size();
}

// A vector's elements. Not by its iterators: flatbuffers' verifier lets them lie unaligned.
inline std::vector<int64_t> ints(const flatbuffers::Vector<int64_t>* vector) {
  std::vector<int64_t> elements(size_of(vector));
  if (!elements.empty()) std::memcpy(elements.data(), vector->Data(), elements.size() * sizeof(int64_t));
  return elements;
}
inline std::string_view text_of(const flatbuffers::String* text) {
  return text == nullptr ? std::string_view() : std::string_view(text->c_str(), text->size());
}
inline std::string string_of(const flatbuffers::String* text) { return std::string(text_of(text)); }

class NativeDecoder {
 public:
  // `program` has passed flatbuffers' verifier. All must outlive the decoder.
  NativeDecoder(const native::Program& program, uint64_t program_size, SharedBytes file, const std::string& target,
                const ReadOptions& options);

  // May throw c10::Error where c10's types refuse what the tables say.
  absl::StatusOr<LoadedNative> read();

 private:
  friend class NativeGraphDecoder;

  // native_decode_types.cc
  absl::StatusOr<c10::TypePtr> type(uint32_t number);
  absl::StatusOr<c10::TypePtr> make_type(const native::Type& in);
  absl::StatusOr<c10::TypePtr> make_tuple_type(const native::Type& in);
  absl::StatusOr<std::vector<c10::TypePtr>> types(const flatbuffers::Vector<uint32_t>* numbers);
  absl::StatusOr<c10::NamedTypePtr> declaration(uint32_t number);
  absl::StatusOr<c10::NamedTypePtr> make_declaration(const native::Declaration& in);
  absl::StatusOr<c10::ClassTypePtr> class_type(uint32_t type_number);
  absl::Status declare_all();
  absl::Status make_functions();
  absl::Status fill_class(c10::ClassType& type, const native::Declaration& in);
  absl::Status check_owner(const ir::Function& function, const c10::ClassType& owner) const;
  absl::Status fill_interface(c10::InterfaceType& type, const native::Declaration& in);
  absl::StatusOr<c10::Argument> argument(const native::Argument& in);
  absl::StatusOr<c10::FunctionSchema> schema(const native::Schema* in);
  absl::StatusOr<ir::Function*> function(uint32_t number) const;

  // native_decode_values.cc
  absl::StatusOr<c10::IValue> value(uint32_t number);
  absl::StatusOr<c10::IValue> make_value(const native::Value& in, uint32_t number);
  absl::StatusOr<c10::IValue> make_container(const native::Value& in, std::vector<c10::IValue> elements);
  absl::StatusOr<c10::IValue> make_object(const native::Value& in, std::vector<c10::IValue> elements);
  absl::StatusOr<c10::IValue> make_enum(const native::Value& in);
  absl::StatusOr<at::Tensor> tensor(uint32_t number);
  absl::StatusOr<at::Tensor> make_tensor(const native::Tensor& in, uint32_t number);
  absl::StatusOr<at::Tensor> make_quantized(const native::Tensor& in, uint32_t number, c10::IValue storage);
  absl::StatusOr<at::Tensor> make_sparse(const native::Tensor& in, uint32_t number);
  absl::StatusOr<std::vector<at::Tensor>> parts(const native::Tensor& in, uint32_t number, size_t count);
  absl::Status check_storages();
  absl::StatusOr<c10::Storage> storage(uint32_t number);

  // native_decode_graph.cc
  absl::Status make_bodies();
  // In an optimized body, an input of type None stands for an optional argument that is absent.
  enum class BodyKind : uint8_t { kPortable, kOptimized };
  absl::StatusOr<std::shared_ptr<ir::Graph>> graph(const native::Graph* in, const ir::Function* function,
                                                   BodyKind kind);
  absl::StatusOr<const ir::Operator*> find_operator(uint32_t number);
  absl::StatusOr<support::SourceRange> range(const native::Range* in);
  absl::StatusOr<c10::Symbol> symbol(uint32_t number, bool qualified);

  // native_reader.cc
  absl::StatusOr<NativeOptimization> optimization(const native::Optimization& in);
  absl::StatusOr<OptimizedMethod> optimized_method(const native::OptimizedMethod& in);

  const native::Program& in_;
  const uint64_t program_size_;
  SharedBytes file_;
  const std::string& target_;
  const ReadOptions& options_;
  std::shared_ptr<ir::Program> program_;
  ScriptContext context_;
  TensorBuilder tensor_builder_;
  bool bodies_are_made_ = false;
  bool classes_are_filled_ = false;

  // By number; null or false: not made yet.
  std::vector<c10::TypePtr> types_;
  std::vector<c10::NamedTypePtr> declarations_;
  std::vector<char> declarations_in_work_;
  std::vector<ir::Function*> functions_;
  std::vector<c10::IValue> values_;
  std::vector<char> values_made_;
  std::vector<at::Tensor> tensors_;
  std::vector<c10::Storage> storages_;
  std::vector<char> storages_made_;
  std::vector<std::shared_ptr<const support::Source>> sources_;
  std::vector<const ir::Operator*> operators_;
  std::vector<std::pair<c10::Symbol, c10::Symbol>> symbols_;  // Qualified; of attributes.
  std::vector<frontend::MissingOperator> missing_;
  int type_depth_ = 0;
  int value_depth_ = 0;
  int tensor_depth_ = 0;
};

// An error of the file's contents.
absl::Status damaged(std::string_view what);

}  // namespace vesta::serialization
