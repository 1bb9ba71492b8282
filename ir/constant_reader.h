#pragma once

// Constants as the printer writes them (ir/printer.h: print_constant), read back by their type.

#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include "absl/status/statusor.h"
#include "ir/text_reader.h"

namespace vesta::ir {

// Whether c10 can hash this value: a key of type Any may be a value that it cannot.
bool can_be_dict_key(const c10::IValue& value);

class ConstantReader {
 public:
  using MakeTensor = std::function<at::Tensor(c10::ScalarType type, const std::vector<int64_t>& sizes)>;

  // Both must outlive the reader. An empty `make_tensor` refuses tensors.
  ConstantReader(TextReader& text, const MakeTensor& make_tensor)
      : text_(text), make_tensor_(make_tensor), attempts_left_(text.text().size() * kAttemptsPerByte) {}

  // The constant at the cursor, which has to be a value of `type`. Nesting is bounded by the type's.
  absl::StatusOr<c10::IValue> read(const c10::TypePtr& type);

 private:
  absl::StatusOr<c10::IValue> read_kind(const c10::TypePtr& type);
  absl::StatusOr<c10::IValue> read_plain();
  absl::StatusOr<c10::IValue> read_number();
  absl::StatusOr<c10::IValue> read_device();
  absl::StatusOr<c10::IValue> read_complex();
  absl::StatusOr<c10::IValue> read_tensor();
  absl::StatusOr<c10::IValue> read_list(const c10::ListType& type);
  absl::StatusOr<c10::IValue> read_tuple(const c10::TupleTypePtr& type);
  absl::StatusOr<c10::IValue> read_dict(const c10::DictType& type);
  absl::StatusOr<c10::IValue> read_enum(const c10::TypePtr& type);
  absl::StatusOr<c10::IValue> read_member(const c10::UnionType& type);

  // Unions of unions are read by trying their members, which must not take forever.
  static constexpr size_t kAttemptsPerByte = 8;

  TextReader& text_;
  const MakeTensor& make_tensor_;
  size_t attempts_left_;
};

}  // namespace vesta::ir
