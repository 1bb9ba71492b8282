// Views are geometry: the operator runs on a tensor without data (the meta device), which gives sizes, strides and the
// errors that plain execution would give.

#include <ATen/ops/as_strided.h>
#include <ATen/ops/empty_strided.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ir/operator.h"
#include "runtime/plan/builder_context.h"

namespace vesta::runtime::plan {

// As plain execution's tensor: a window on its base.
at::Tensor Builder::meta_of(TensorId id) const {
  const PlanTensor& tensor = at(id);
  const PlanTensor& base = at(tensor.base);
  const at::Tensor whole = at::empty_strided(base.dims, base.strides, at::TensorOptions(at::kFloat).device(at::kMeta));
  return tensor.base == id ? whole : at::as_strided(whole, tensor.dims, tensor.strides, tensor.offset);
}

// A view of what `id` is a view of.
TensorId Builder::view_of(TensorId id, const at::Tensor& meta) {
  if (at(id).mask && !at(id).integers) refuse("looks at a bool tensor");
  PlanTensor view;
  view.mask = at(id).mask;
  view.integers = at(id).integers;
  view.dims = meta.sizes().vec();
  view.strides = meta.strides().vec();
  view.offset = meta.storage_offset();
  for (int64_t size : view.dims) {
    if (size <= 0) refuse("has an empty tensor");
  }
  if (at(id).is_constant()) {
    // The constants' own views keep their data.
    const std::string name =
        absl::StrCat("view:", absl::StrJoin(view.dims, ","), ":", absl::StrJoin(view.strides, ","), ":", view.offset);
    return constant_tensor(constants_.get(name, {at(id).constant}, [&] {
      return at::as_strided(at(id).constant, view.dims, view.strides, at(id).constant.storage_offset() + view.offset);
    }));
  }
  view.base = plan_.base(id);
  viewed_.insert(view.base);
  return plan_.add(std::move(view));
}

TensorId Builder::contiguous(TensorId id) {
  if (failed() || is_contiguous(at(id))) return id;
  const TensorId copy = new_tensor(dims(id));
  new_step(CopyParams{}, {id}, copy);
  return copy;
}

TensorId Builder::reshaped(TensorId id, const Dims& dims) {
  if (failed()) return id;
  return view_of(id, meta_of(id).view(dims));
}

// For operators whose result follows the memory format of their input: only the plain one is planned.
TensorId Builder::plain(TensorId id) {
  if (!failed() && dims(id).size() > 3 && !is_contiguous(at(id))) refuse("takes another memory format");
  return contiguous(id);
}

void Builder::view(const Node& node) {
  const TensorId input = tensor(node, 0);
  const Dims sizes = integers(node, 1);
  if (failed()) return;
  bind(node.output(), view_of(input, meta_of(input).view(sizes)));
}

// reshape(self, shape): a view where one is possible, else a copy.
void Builder::reshape(const Node& node) {
  const TensorId input = tensor(node, 0);
  const Dims sizes = integers(node, 1);
  if (failed()) return;
  const at::Tensor before = meta_of(input);
  const at::Tensor after = before.reshape(sizes);
  if (after.storage().unsafeGetStorageImpl() == before.storage().unsafeGetStorageImpl())
    return bind(node.output(), view_of(input, after));
  bind(node.output(), reshaped(contiguous(input), sizes));
}

// flatten.using_ints(self, start_dim, end_dim)
void Builder::flatten(const Node& node) {
  const TensorId input = tensor(node, 0);
  const int64_t start = integer(node, 1);
  const int64_t end = integer(node, 2);
  if (failed()) return;
  const at::Tensor before = meta_of(input);
  const at::Tensor after = before.flatten(start, end);
  if (after.storage().unsafeGetStorageImpl() == before.storage().unsafeGetStorageImpl())
    return bind(node.output(), view_of(input, after));
  bind(node.output(), reshaped(contiguous(input), after.sizes().vec()));
}

// Calls an operator of one tensor and known numbers on a tensor without memory: what it gives shows the views.
std::optional<c10::IValue> Builder::on_meta(const Node& node, TensorId input) {
  std::vector<c10::IValue> stack = {meta_of(input)};
  for (size_t i = 1; i < node.inputs().size(); ++i) {
    const Abstract& held = value(node.input(i));
    if (held.kind != Abstract::Kind::kConstant) {
      refuse("takes known numbers");
      return std::nullopt;
    }
    stack.push_back(held.constant);
  }
  if (node.op() == nullptr || !node.op()->handle.has_value()) {
    refuse("is no operator of the dispatcher");
    return std::nullopt;
  }
  node.op()->handle->callBoxed(stack);
  return std::move(stack.at(0));
}

// Operators with one tensor and known numbers that always give a view.
void Builder::any_view(const Node& node) {
  const TensorId input = tensor(node, 0);
  if (failed()) return;
  const std::optional<c10::IValue> view = on_meta(node, input);
  if (view.has_value()) bind(node.output(), view_of(input, view->toTensor()));
}

// chunk, split, unbind: lists of views.
void Builder::split(const Node& node) {
  const TensorId input = tensor(node, 0);
  if (failed()) return;
  const std::optional<c10::IValue> parts = on_meta(node, input);
  if (!parts.has_value()) return;
  Abstract list;
  list.kind = Abstract::Kind::kList;
  for (const at::Tensor& part : parts->toTensorVector()) list.elements.push_back(tensor_value(view_of(input, part)));
  bind(node.output(), std::move(list));
}

// What returns its first argument.
void Builder::identity(const Node& node) { bind(node.output(), Abstract(value(node.input(0)))); }

// dropout(input, p, train)
void Builder::dropout(const Node& node) {
  if (boolean(node, 2)) return refuse("drops at random");
  identity(node);
}

// contiguous(self, memory_format)
void Builder::contiguous_copy(const Node& node) {
  const TensorId input = tensor(node, 0);
  if (integer(node, 1) != static_cast<int64_t>(c10::MemoryFormat::Contiguous)) return refuse("asks for another layout");
  if (failed()) return;
  if (is_contiguous(at(input))) return identity(node);
  bind(node.output(), contiguous(input));
}

// size(self), size.int(self, dim), dim, numel
void Builder::geometry(const Node& node) {
  const TensorId input = tensor(node, 0);
  if (failed()) return;
  const Dims& sizes = dims(input);
  if (node.kind() == c10::aten::dim) return bind_constant(node.output(), static_cast<int64_t>(sizes.size()));
  if (node.kind() == c10::Symbol::aten("numel")) return bind_constant(node.output(), at(input).numel());
  if (node.inputs().size() == 1) return bind_constant(node.output(), sizes);
  const int64_t dim = wrap(integer(node, 1), sizes.size());
  if (failed() || sizes.empty()) return refuse("asks for a dimension that does not exist");
  bind_constant(node.output(), sizes[static_cast<size_t>(dim)]);
}

// cat(tensors, dim)
void Builder::concatenate(const Node& node) {
  const Abstract list = value(node.input(0));
  const int64_t given = integer(node, 1);
  if (failed() || list.kind != Abstract::Kind::kList || list.elements.empty()) return refuse("joins an unknown list");
  std::vector<TensorId> parts;
  for (const Abstract& element : list.elements) parts.push_back(plain(tensor_of(element)));
  if (failed()) return;
  Dims out = dims(parts[0]);
  const auto axis = static_cast<size_t>(wrap(given, out.size()));
  if (out.empty()) return refuse("joins numbers");
  out[axis] = 0;
  for (TensorId part : parts) {
    if (dims(part).size() != out.size() || at(part).mask) return refuse("joins tensors of other sizes");
    for (size_t i = 0; i < out.size(); ++i) {
      if (i != axis && dims(part)[i] != out[i]) return refuse("joins tensors of other sizes");
    }
    out[axis] += dims(part)[axis];
  }
  const TensorId output = new_tensor(std::move(out));
  new_step(ConcatParams{static_cast<int64_t>(axis)}, std::move(parts), output);
  bind(node.output(), output);
}

// stack(tensors, dim)
void Builder::stack(const Node& node) {
  const Abstract list = value(node.input(0));
  const int64_t given = integer(node, 1);
  if (failed() || list.kind != Abstract::Kind::kList || list.elements.empty()) return refuse("joins an unknown list");
  std::vector<TensorId> parts;
  const Dims first = dims(tensor_of(list.elements[0]));
  const int64_t axis = wrap(given, first.size() + 1);
  Dims out = first;
  out.insert(out.begin() + axis, static_cast<int64_t>(list.elements.size()));
  for (const Abstract& element : list.elements) {
    const TensorId part = contiguous(tensor_of(element));
    if (failed() || dims(part) != first) return refuse("joins tensors of other sizes");
    parts.push_back(view_of(part, meta_of(part).unsqueeze(axis)));
  }
  const TensorId output = new_tensor(std::move(out));
  if (failed()) return;
  new_step(ConcatParams{axis}, std::move(parts), output);
  bind(node.output(), output);
}

}  // namespace vesta::runtime::plan
