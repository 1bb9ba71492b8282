#include "runtime/autocast.h"

#include <string>
#include <string_view>
#include <unordered_map>

#include <ATen/core/class_type.h>
#include <ATen/ops/_autocast_to_full_precision_ops.h>
#include <ATen/ops/_autocast_to_reduced_precision_ops.h>

namespace vesta::runtime {
namespace {

constexpr std::string_view kClass = "amp.autocast_mode.autocast";

constexpr const char* kReducedNames[] = {"_convolution",
                                         "_convolution_nogroup",
                                         "conv1d",
                                         "conv2d",
                                         "conv3d",
                                         "conv_tbc",
                                         "conv_transpose1d",
                                         "convolution",
                                         "cudnn_convolution",
                                         "cudnn_convolution_transpose",
                                         "prelu",
                                         "addmm",
                                         "addmv",
                                         "addr",
                                         "matmul",
                                         "mm",
                                         "mv",
                                         "linear",
                                         "addbmm",
                                         "baddbmm",
                                         "bmm",
                                         "chain_matmul",
                                         "_thnn_fused_lstm_cell",
                                         "_thnn_fused_gru_cell",
                                         "lstm_cell",
                                         "gru_cell",
                                         "rnn_tanh_cell",
                                         "rnn_relu_cell"};

// The last two lines: operators that promote to the widest of their types, which is not known before a program runs.
constexpr const char* kFullNames[] = {"native_layer_norm",
                                      "acos",
                                      "asin",
                                      "cosh",
                                      "erfinv",
                                      "exp",
                                      "expm1",
                                      "log",
                                      "log10",
                                      "log2",
                                      "log1p",
                                      "reciprocal",
                                      "rsqrt",
                                      "sinh",
                                      "tan",
                                      "pow",
                                      "softplus",
                                      "gelu",
                                      "layer_norm",
                                      "group_norm",
                                      "frobenius_norm",
                                      "nuclear_norm",
                                      "cosine_similarity",
                                      "cosine_embedding_loss",
                                      "nll_loss",
                                      "nll_loss2d",
                                      "hinge_embedding_loss",
                                      "kl_div",
                                      "l1_loss",
                                      "smooth_l1_loss",
                                      "mse_loss",
                                      "margin_ranking_loss",
                                      "multilabel_margin_loss",
                                      "soft_margin_loss",
                                      "triplet_margin_loss",
                                      "multi_margin_loss",
                                      "binary_cross_entropy_with_logits",
                                      "dist",
                                      "pdist",
                                      "cdist",
                                      "renorm",
                                      "prod",
                                      "log_softmax",
                                      "cumprod",
                                      "cumsum",
                                      "sum",
                                      "addcdiv",
                                      "addcmul",
                                      "atan2",
                                      "bilinear",
                                      "cat",
                                      "_cat",
                                      "cross",
                                      "dot",
                                      "equal",
                                      "index_put",
                                      "stack",
                                      "tensordot",
                                      "add",
                                      "sub",
                                      "mul",
                                      "div"};

constexpr const char* kUnlessDtypeNames[] = {"prod", "softmax", "log_softmax", "cumprod", "cumsum", "sum"};

const std::unordered_map<std::string_view, AutocastPolicy>& policies() {
  static const auto* const table = [] {
    auto* t = new std::unordered_map<std::string_view, AutocastPolicy>;
    for (const char* name : kReducedNames) t->emplace(name, AutocastPolicy::kReduced);
    for (const char* name : kFullNames) t->emplace(name, AutocastPolicy::kFull);
    t->emplace("is_autocast_enabled", AutocastPolicy::kAskCuda);
    t->emplace("is_autocast_cpu_enabled", AutocastPolicy::kAskCpu);
    return t;
  }();
  return *table;
}

c10::IValue attribute(const c10::ivalue::Object& object, const char* name) {
  const std::optional<size_t> slot = object.type()->findAttributeSlot(name);
  return slot.has_value() && *slot < object.slots().size() ? object.getSlot(*slot) : c10::IValue();
}

}  // namespace

bool uses_autocast(const ir::Program& program) {
  for (const c10::NamedTypePtr& type : program.types()) {
    if (type->name()->qualifiedName().ends_with(kClass)) return true;
  }
  return false;
}

AutocastPolicy autocast_policy(const ir::Operator& op, bool dtype_given) {
  constexpr std::string_view kNamespace = "aten::";
  const std::string& name = op.schema.name();
  if (!name.starts_with(kNamespace) || op.schema.is_mutable()) return AutocastPolicy::kNone;
  const std::string_view short_name = std::string_view(name).substr(kNamespace.size());
  const auto it = policies().find(short_name);
  if (it == policies().end()) return AutocastPolicy::kNone;
  if (dtype_given) {
    for (const char* unless : kUnlessDtypeNames) {
      if (short_name == unless) return AutocastPolicy::kNone;
    }
  }
  return it->second;
}

AutocastContext autocast_entered(const c10::IValue& object, const AutocastContext& outer) {
  if (!object.isObject() || !object.toObjectRef().type()->name()->qualifiedName().ends_with(kClass)) return outer;
  const c10::IValue device = attribute(object.toObjectRef(), "device");
  const c10::IValue enabled = attribute(object.toObjectRef(), "_enabled");
  const c10::IValue dtype = attribute(object.toObjectRef(), "fast_dtype");
  if (!device.isString() || !enabled.isBool()) return outer;
  AutocastContext inner = outer;
  const bool cuda = device.toStringRef() == "cuda";
  if (!cuda && device.toStringRef() != "cpu") return outer;
  (cuda ? inner.cuda : inner.cpu) = enabled.toBool();
  if (dtype.isInt() &&
      (dtype.toInt() == static_cast<int64_t>(c10::kHalf) || dtype.toInt() == static_cast<int64_t>(c10::kBFloat16))) {
    (cuda ? inner.cuda_dtype : inner.cpu_dtype) = static_cast<c10::ScalarType>(dtype.toInt());
  }
  return inner;
}

void autocast_arguments(AutocastPolicy policy, const AutocastContext& context, ir::Stack& stack, size_t count) {
  for (size_t i = stack.size() - count; i < stack.size(); ++i) {
    if (!stack[i].isTensor() || !stack[i].toTensor().defined()) continue;
    stack[i] = policy == AutocastPolicy::kReduced
                   ? at::_ops::_autocast_to_reduced_precision::call(stack[i].toTensor(), context.cuda, context.cpu,
                                                                    context.cuda_dtype, context.cpu_dtype)
                   : at::_ops::_autocast_to_full_precision::call(stack[i].toTensor(), context.cuda, context.cpu);
  }
}

}  // namespace vesta::runtime
