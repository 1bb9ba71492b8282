#include "ir/value_type.h"

#include <vector>

namespace vesta::ir {

c10::TypePtr type_of(const c10::IValue& value) {
  if (value.isTensor() && !value.toTensor().defined()) return c10::TensorType::get();
  if (!value.isTuple()) return value.type();
  // A NamedTuple has its type with it, whatever it holds; which tuple is one, c10 does not tell.
  try {
    return value.type();
  } catch (const c10::Error&) {
    std::vector<c10::TypePtr> elements;
    for (const c10::IValue& element : value.toTupleRef().elements()) elements.push_back(type_of(element));
    return c10::TupleType::create(std::move(elements));
  }
}

}  // namespace vesta::ir
