#include "passes/calculator.h"

#include "passes/rewrite.h"

namespace vesta::passes {

c10::IValue Calculator::call(std::string_view name, std::string_view overload, std::vector<c10::IValue> arguments) {
  const ir::Operator* op = ok_ && context_.evaluate ? operator_named(name, overload) : nullptr;
  ok_ = op != nullptr;
  if (!ok_) return {};
  const auto& formal = op->schema.arguments();
  for (size_t i = arguments.size(); i < formal.size(); ++i) {
    ok_ = ok_ && formal[i].default_value().has_value();
    if (ok_) arguments.push_back(*formal[i].default_value());
  }
  if (!ok_) return {};
  absl::StatusOr<std::vector<c10::IValue>> results = context_.evaluate(*op, std::move(arguments));
  ok_ = results.ok() && results->size() == 1;
  return ok_ ? std::move(results->front()) : c10::IValue();
}

std::optional<at::Tensor> constant_tensor(const ir::Value* value) {
  const c10::IValue* constant = constant_of(value);
  if (constant == nullptr || !constant->isTensor()) return std::nullopt;
  const at::Tensor& tensor = constant->toTensor();
  if (!tensor.defined() || tensor.layout() != c10::kStrided || tensor.requires_grad()) return std::nullopt;
  return tensor;
}

}  // namespace vesta::passes
