// A copy is remembered under the original's address before its parts are copied, which is what makes cycles and sharing
// work. Tensors over one storage become tensors over one new storage: the storage is copied whole, then looked at with
// the same sizes, strides and offset.

#include "runtime/api/deep_copy.h"

#include <utility>
#include <vector>

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include "ir/value_type.h"
#include "runtime/api/context.h"
#include "runtime/api/guard.h"
#include "runtime/api/module_tree.h"

namespace vesta::internal {
namespace {

constexpr size_t kMaxDepth = 4096;

bool has_plain_storage(const at::Tensor& tensor) {
  return tensor.layout() == c10::kStrided && tensor.has_storage() && !tensor.is_quantized() && !tensor.is_meta() &&
         !tensor.is_nested() && !tensor.is_conj() && !tensor.is_neg() && tensor.storage().data() != nullptr;
}

}  // namespace

absl::StatusOr<c10::IValue> DeepCopier::copy(const c10::IValue& value) {
  return guard([&] {
    const at::NoGradGuard no_grad;
    if (options_.share_tensors) share_first(value);
    return any(value);
  });
}

// What is shared under one name is shared under all.
void DeepCopier::share_first(const c10::IValue& root) {
  if (!root.isObject() || !root.toObjectRef().type()->is_module()) return;
  for_each_module(root.toObject(), [&](const ObjectPtr& module) {
    walk(*module, false, [&](const TreeSlot& slot) {
      if (!slot.value.isTensor() || !options_.share_tensors(slot.type, slot.index)) return;
      const at::Tensor& tensor = slot.value.toTensor();
      copies_.emplace(tensor.unsafeGetTensorImpl(), slot.value);
      if (has_plain_storage(tensor)) storages_.emplace(tensor.storage().unsafeGetStorageImpl(), tensor.storage());
    });
  });
}

c10::IValue DeepCopier::any(const c10::IValue& value) {
  if (value.isTensor()) return tensor(value.toTensor());
  const bool copied = value.isList() || value.isGenericDict() || value.isTuple() || value.isObject();
  if (!copied) return value;
  const void* address = value.internalToPointer();
  const auto it = copies_.find(address);
  if (it != copies_.end()) return it->second;
  TORCH_CHECK_WITH(OutOfMemoryError, ++depth_ <= kMaxDepth, "values nest deeper than ", kMaxDepth);
  c10::IValue result = value.isObject() ? object(value) : container(value);
  --depth_;
  return result;
}

c10::IValue DeepCopier::container(const c10::IValue& value) {
  const void* address = value.internalToPointer();
  if (value.isList()) {
    const c10::impl::GenericList original = value.toList();
    c10::impl::GenericList list(original.elementType());
    copies_.emplace(address, list);
    list.reserve(original.size());
    for (const c10::IValue& item : value.toListRef()) list.push_back(any(item));
    return list;
  }
  if (value.isGenericDict()) {
    const c10::impl::GenericDict original = value.toGenericDict();
    c10::impl::GenericDict dict(original.keyType(), original.valueType());
    copies_.emplace(address, dict);
    dict.reserve(original.size());
    for (const auto& entry : original) dict.insert(any(entry.key()), any(entry.value()));
    return dict;
  }
  // A tuple cannot hold itself but through a container, which is remembered.
  std::vector<c10::IValue> items;
  for (const c10::IValue& item : value.toTupleRef().elements()) items.push_back(any(item));
  const auto type = ir::type_of(value)->expect<c10::TupleType>();
  c10::IValue tuple = type->schema() == nullptr ? c10::ivalue::Tuple::create(std::move(items))
                                                : c10::ivalue::Tuple::createNamed(std::move(items), type);
  copies_.emplace(address, tuple);
  return tuple;
}

c10::IValue DeepCopier::object(const c10::IValue& value) {
  const c10::ivalue::Object& original = value.toObjectRef();
  const std::shared_ptr<c10::ClassType> type = original.type();
  ObjectPtr result =
      c10::ivalue::Object::create(c10::StrongTypePtr(compilation_unit(original), type), type->numAttributes());
  copies_.emplace(value.internalToPointer(), result);
  const bool outer = sharing_;
  for (size_t i = 0; i < type->numAttributes(); ++i) {
    // Below a module's attribute the attribute decides, whatever classes its value is made of.
    if (type->is_module()) sharing_ = options_.share_tensors && options_.share_tensors(*type, i);
    result->setSlot(i, any(slot(original, i)));
  }
  sharing_ = outer;
  return result;
}

at::Tensor DeepCopier::tensor(const at::Tensor& original) {
  if (!original.defined()) return original;
  const void* address = original.unsafeGetTensorImpl();
  const auto it = copies_.find(address);
  if (it != copies_.end()) return it->second.toTensor();
  at::Tensor result = original;
  if (options_.takes && options_.takes(original)) {
    if (!options_.keep_requires_grad && original.requires_grad()) result.set_requires_grad(false);
  } else if (!sharing_) {
    result = has_plain_storage(original) ? strided(original) : original.detach().clone();
    if (options_.device.has_value()) result = result.to(*options_.device);
    if (options_.keep_requires_grad && original.requires_grad()) result.set_requires_grad(true);
  }
  copies_.emplace(address, result);
  return result;
}

at::Tensor DeepCopier::strided(const at::Tensor& original) {
  const c10::Storage& storage = original.storage();
  auto it = storages_.find(storage.unsafeGetStorageImpl());
  if (it == storages_.end()) {
    const int64_t bytes = static_cast<int64_t>(storage.nbytes());
    at::Tensor all = at::empty({0}, original.options().dtype(at::kByte).requires_grad(false));
    all.set_(storage, 0, {bytes}, {1});
    if (options_.device.has_value())
      all = all.to(*options_.device, at::kByte, /*non_blocking=*/false, /*copy=*/true);
    else
      all = all.clone();
    it = storages_.emplace(storage.unsafeGetStorageImpl(), all.storage()).first;
  }
  const c10::Device device = it->second.device();
  at::Tensor result = at::empty({0}, original.options().device(device).requires_grad(false));
  result.set_(it->second, original.storage_offset(), original.sizes(), original.strides());
  return result;
}

}  // namespace vesta::internal
