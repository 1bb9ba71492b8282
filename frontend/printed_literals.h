#pragma once

// Constants as source text.

#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/ivalue.h>

#include "frontend/printed_names.h"

namespace vesta::frontend {

// What source refers to as CONSTANTS.c0, CONSTANTS.c1, ...: tensors, objects, text that is not ASCII, numbers that no
// literal gives. A value that is there already (the same object) is not added twice.
class ConstantTable {
 public:
  size_t index_of(const c10::IValue& value);
  const std::vector<c10::IValue>& values() const { return values_; }

 private:
  std::vector<c10::IValue> values_;
};

// "1", "0.5", "\"text\"", "[1, 2]", "annotate(List[int], [])", "CONSTANTS.c0": text that compiles to a value equal to
// `value` in every place. `type`, if not null, is what the place wants.
std::string literal(const c10::IValue& value, const c10::TypePtr& type, ProgramNames& names, ConstantTable& constants);

// Text in double quotes. REQUIRES: is_printable_text(text).
std::string string_literal(std::string_view text);
bool is_printable_text(std::string_view text);

// Whether both are the same plain constant (None, numbers, text, devices, lists of numbers).
bool same_plain_constant(const c10::IValue& a, const c10::IValue& b);

}  // namespace vesta::frontend
