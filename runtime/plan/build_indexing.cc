// Operators that choose elements by int64 indices, and those that say what a tensor is. Indices are constants, inputs
// of the group, or results of the plan; whether they are in range shows when the plan runs.

#include <algorithm>

#include <ATen/EmptyTensor.h>

#include "absl/strings/str_cat.h"
#include "ir/operator.h"
#include "runtime/plan/builder_context.h"

namespace vesta::runtime::plan {

TensorId Builder::indices(const Node& node, size_t i) {
  const Abstract& held = value(node.input(i));
  if (held.kind == Abstract::Kind::kTensor) {
    const TensorId id = cells_[held.cell];
    if (at(id).integers && is_contiguous(at(id))) return id;
  } else if (held.kind == Abstract::Kind::kConstant && held.constant.isTensor()) {
    return constant_indices(held.constant.toTensor());
  }
  refuse("takes indices of another type");
  return kNoTensor;
}

TensorId Builder::constant_indices(const at::Tensor& constant) {
  const bool usable = constant.defined() && constant.layout() == c10::kStrided && constant.device().is_cpu() &&
                      constant.scalar_type() == at::kLong && constant.numel() != 0;
  if (!usable) {
    refuse("takes indices of another type");
    return kNoTensor;
  }
  PlanTensor tensor;
  tensor.constant = constant.contiguous();
  tensor.dims = tensor.constant.sizes().vec();
  tensor.strides = tensor.constant.strides().vec();
  tensor.mask = true;
  tensor.integers = true;
  return plan_.add(std::move(tensor));
}

TensorId Builder::emit_gather(TensorId source, TensorId index, GatherParams params, Dims dims) {
  if (failed()) return source;
  if (at(source).mask) refuse("chooses from another type");
  const TensorId output = new_tensor(std::move(dims));
  new_indexing_step(params, {source, index}, output);
  return output;
}

// embedding(weight, indices, padding_idx, scale_grad_by_freq, sparse)
void Builder::embedding(const Node& node) {
  const TensorId table = tensor(node, 0);
  const TensorId index = indices(node, 1);
  if (failed()) return;
  if (dims(table).size() != 2) return refuse("takes a matrix");
  Dims out = dims(index);
  out.push_back(dims(table)[1]);
  const TensorId rows = emit_gather(table, index, GatherParams{0}, std::move(out));
  if (!failed()) bind(node.output(), rows);
}

// embedding_bag(weight, indices, offsets, scale_grad_by_freq, mode, sparse, per_sample_weights, include_last_offset,
//   (padding_idx))
void Builder::embedding_bag(const Node& node) {
  const TensorId table = tensor(node, 0);
  const TensorId index = indices(node, 1);
  const TensorId offsets = indices(node, 2);
  const int64_t mode = integer(node, 4);
  const bool has_end = boolean(node, 7);
  if (!is_none(node, 6)) return refuse("takes weights for each row");
  if (node.inputs().size() > 8 && !is_none(node, 8) && integer(node, 8) >= 0) return refuse("leaves a row out");
  for (size_t i = 1; i < node.outputs().size(); ++i) {
    if (node.output(i)->has_uses()) return refuse("gives what only gradients need");
  }
  if (failed()) return;
  if (mode != 0 && mode != 1) return refuse("takes maxima");
  if (dims(table).size() != 2 || dims(index).size() != 1 || dims(offsets).size() != 1 || at(table).mask)
    return refuse("takes operands of another rank");
  const int64_t bags = dims(offsets)[0] - (has_end ? 1 : 0);
  if (bags < 1) return refuse("takes no bag");
  const TensorId output = new_tensor({bags, dims(table)[1]});
  new_indexing_step(BagParams{mode == 1, has_end}, {table, index, offsets}, output);
  bind(node.output(0), output);
}

// index_select(self, dim, index)
void Builder::index_select(const Node& node) {
  const TensorId source = tensor(node, 0);
  const TensorId index = indices(node, 2);
  const int64_t axis = wrap(integer(node, 1), dims(source).size());
  if (failed()) return;
  if (dims(source).empty() || dims(index).size() > 1) return refuse("takes operands of another rank");
  Dims out = dims(source);
  out[static_cast<size_t>(axis)] = at(index).numel();
  const TensorId chosen = emit_gather(source, index, GatherParams{axis}, std::move(out));
  if (!failed()) bind(node.output(), chosen);
}

// select.int(self, dim, index): a view where the index is known, else a copy that stays inside.
void Builder::select(const Node& node) {
  if (value(node.input(2)).kind == Abstract::Kind::kConstant) return any_view(node);
  const TensorId source = tensor(node, 0);
  const TensorId index = indices(node, 2);
  const int64_t axis = wrap(integer(node, 1), dims(source).size());
  if (failed()) return;
  if (dims(source).empty() || !dims(index).empty()) return refuse("takes operands of another rank");
  Dims out = dims(source);
  out.erase(out.begin() + axis);
  const TensorId chosen = emit_gather(source, index, GatherParams{axis, true}, std::move(out));
  if (failed()) return;
  viewed_.insert(plan_.base(source));
  copied_.insert(chosen);
  bind(node.output(), chosen);
}

// argmax(self, dim, keepdim)
void Builder::argmax(const Node& node) {
  const TensorId given = contiguous(tensor(node, 0));
  const bool keeps = boolean(node, 2);
  if (failed()) return;
  if (at(given).mask) return refuse("takes numbers");
  const bool whole = is_none(node, 1);
  const TensorId input = whole ? reshaped(given, {at(given).numel()}) : given;
  const auto axis = static_cast<size_t>(whole ? 0 : wrap(integer(node, 1), dims(input).size()));
  if (failed()) return;
  if (dims(input).empty()) return refuse("takes a number");
  Dims out = dims(input);
  if (keeps && !whole) {
    out[axis] = 1;
  } else {
    out.erase(out.begin() + static_cast<std::ptrdiff_t>(axis));
  }
  if (keeps && whole) out.assign(dims(given).size(), 1);
  const TensorId output = new_tensor(std::move(out));
  plan_.tensor(output).mask = true;
  plan_.tensor(output).integers = true;
  new_step(ArgmaxParams{static_cast<int64_t>(axis)}, {input}, output);
  bind(node.output(), output);
}

// pad(self, pad, mode, value): the last dimension, mirrored at its ends.
void Builder::pad(const Node& node) {
  const TensorId input = tensor(node, 0);
  const Dims widths = integers(node, 1);
  const Abstract& mode = value(node.input(2));
  if (failed()) return;
  if (mode.kind != Abstract::Kind::kConstant || !mode.constant.isString() || mode.constant.toStringRef() != "reflect")
    return refuse("pads in another way");
  const size_t rank = dims(input).size();
  if (widths.size() != 2 || rank < 2 || rank > 3) return refuse("pads other dimensions");
  const int64_t size = dims(input).back();
  const int64_t longest = std::max(widths[0], widths[1]);
  if (std::min(widths[0], widths[1]) < 0 || longest >= size) return refuse("pads by another width");
  const at::Tensor index = constants_.get(absl::StrCat("mirrored:", size, ":", widths[0], ":", widths[1]), {}, [&] {
    const int64_t count = size + widths[0] + widths[1];
    const at::Tensor made(at::detail::empty_cpu({count}, at::kLong));
    int64_t* const order = made.mutable_data_ptr<int64_t>();
    for (int64_t k = 0; k < count; ++k) {
      const int64_t from = k - widths[0];
      order[k] = from < 0 ? -from : from >= size ? 2 * (size - 1) - from : from;
    }
    return made;
  });
  Dims out = dims(input);
  out.back() += widths[0] + widths[1];
  const TensorId padded =
      emit_gather(input, constant_indices(index), GatherParams{static_cast<int64_t>(rank) - 1}, std::move(out));
  if (!failed()) bind(node.output(), padded);
}

// to(self, ...), where it changes nothing.
void Builder::to(const Node& node) {
  const TensorId input = tensor(node, 0);
  if (failed() || node.op() == nullptr) return refuse("takes a tensor");
  const auto& arguments = node.op()->schema.arguments();
  const int64_t type = static_cast<int64_t>(at(input).integers ? at::kLong : at::kFloat);
  if (at(input).mask && !at(input).integers) return refuse("takes another type");
  for (size_t i = 1; i < node.inputs().size(); ++i) {
    const Abstract& held = value(node.input(i));
    if (held.kind != Abstract::Kind::kConstant || i >= arguments.size()) return refuse("takes known numbers");
    const std::string& name = arguments[i].name();
    const bool same = held.constant.isNone() || name == "non_blocking" ||
                      (name == "dtype" && integer(node, i) == type) ||
                      (name == "device" && held.constant.isDevice() && held.constant.toDevice().is_cpu()) ||
                      (name == "copy" && !boolean(node, i));
    if (!same || failed()) return refuse("changes the tensor");
  }
  identity(node);
}

// prim::dtype, prim::device
void Builder::facts(const Node& node) {
  const TensorId input = tensor(node, 0);
  if (failed()) return;
  if (at(input).mask && !at(input).integers) return refuse("asks for another type");
  if (node.kind() == c10::prim::device) return bind_constant(node.output(), c10::Device(c10::kCPU));
  bind_constant(node.output(), static_cast<int64_t>(at(input).integers ? at::kLong : at::kFloat));
}

// With known sizes they are constants, and executed while the plan is made.
void Builder::zeros(const Node&) { refuse("takes sizes that are not known"); }
void Builder::contains(const Node&) { refuse("looks for what is not known"); }

}  // namespace vesta::runtime::plan
