#include "ir/type_cycles.h"

#include <vector>

#include "absl/container/flat_hash_set.h"

namespace vesta::ir {

bool leads_to(const c10::FunctionSchema& method, const c10::InterfaceType& type) {
  absl::flat_hash_set<const c10::Type*> seen;
  std::vector<const c10::Type*> pending;
  const auto add = [&](const c10::FunctionSchema& schema) {
    for (const auto* arguments : {&schema.arguments(), &schema.returns()}) {
      for (const c10::Argument& argument : *arguments) pending.push_back(argument.type().get());
    }
  };
  add(method);
  while (!pending.empty()) {
    const c10::Type* const next = pending.back();
    pending.pop_back();
    if (next == &type) return true;
    if (!seen.insert(next).second) continue;
    if (const auto* other = next->castRaw<c10::InterfaceType>()) {
      for (const c10::FunctionSchema& schema : other->methods()) add(schema);
    } else if (next->kind() != c10::TypeKind::ClassType) {  // classes are compared by identity
      for (const c10::TypePtr& part : next->containedTypes()) pending.push_back(part.get());
    }
  }
  return false;
}

bool leads_to(const c10::Type& attribute, const c10::ClassType& type) {
  absl::flat_hash_set<const c10::Type*> seen;
  std::vector<const c10::Type*> pending = {&attribute};
  while (!pending.empty()) {
    const c10::Type* const next = pending.back();
    pending.pop_back();
    if (next == &type) return true;
    if (!seen.insert(next).second) continue;
    for (const c10::TypePtr& part : next->containedTypes()) pending.push_back(part.get());
  }
  return false;
}

}  // namespace vesta::ir
