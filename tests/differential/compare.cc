#include "tests/differential/compare.h"

#include <cmath>
#include <functional>
#include <sstream>

#include <ATen/ATen.h>
#include <ATen/core/class_type.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/grad_mode.h>

namespace vesta::test {
namespace {

std::string line(const std::string& where, const std::string& what) { return where + ": " + what + "\n"; }

template <class T>
std::string unequal(const std::string& where, const std::string& what, const T& ours, const T& theirs) {
  if (ours == theirs) return {};
  std::ostringstream out;
  out << what << " " << ours << ", torch::jit " << theirs;
  return line(where, out.str());
}

std::string compare_elements(const at::Tensor& ours, const at::Tensor& theirs, const Tolerance& tolerance,
                             const std::string& where) {
  if (ours.numel() == 0) return {};
  at::NoGradGuard no_grad;
  double rtol = tolerance.rtol;
  double atol = tolerance.atol;
  if (!tolerance.fixed && (ours.scalar_type() == at::kHalf || ours.scalar_type() == at::kBFloat16)) rtol = atol = 1e-2;
  const bool floating = ours.is_floating_point() || ours.is_complex();
  const at::ScalarType wide = ours.is_complex() ? at::kComplexDouble : at::kDouble;
  const at::Tensor a = floating ? ours.detach().to(wide) : ours.detach();
  const at::Tensor b = floating ? theirs.detach().to(wide) : theirs.detach();
  if (floating && tolerance.of_largest) {
    const double largest = at::nan_to_num(b.abs(), 0, 0, 0).max().item<double>();
    atol += rtol * largest;
  }
  const bool equal = floating ? at::allclose(a, b, rtol, atol, /*equal_nan=*/true) : at::equal(a, b);
  if (equal) return {};
  std::ostringstream out;
  out << "elements differ";
  if (floating) {
    const at::Tensor gap = (a - b).abs();
    out << ", largest difference " << gap.max().item<double>() << " against magnitude " << b.abs().max().item<double>();
  }
  if (ours.numel() <= 16) out << "\n  ours " << ours.reshape({-1}) << "\n  torch::jit " << theirs.reshape({-1});
  return line(where, out.str());
}

std::string compare_tensors(const at::Tensor& ours, const at::Tensor& theirs, const Tolerance& tolerance,
                            const std::string& where) {
  if (ours.defined() != theirs.defined()) return line(where, "one is undefined");
  if (!ours.defined()) return {};
  std::string result;
  result += unequal(where, "dtype", ours.scalar_type(), theirs.scalar_type());
  result += unequal(where, "sizes", ours.sizes(), theirs.sizes());
  result += unequal(where, "layout", ours.layout(), theirs.layout());
  result += unequal(where, "device", ours.device(), theirs.device());
  result += unequal(where, "requires_grad", ours.requires_grad(), theirs.requires_grad());
  result += unequal(where, "quantized", ours.is_quantized(), theirs.is_quantized());
  if (!result.empty()) return result;
  if (ours.layout() == at::kStrided) {
    result += unequal(where, "strides", ours.strides(), theirs.strides());
    result += unequal(where, "storage offset", ours.storage_offset(), theirs.storage_offset());
    result += unequal(where, "conjugate", ours.is_conj(), theirs.is_conj());
    result += unequal(where, "negative", ours.is_neg(), theirs.is_neg());
  }
  if (ours.is_quantized()) return result + compare_elements(ours.dequantize(), theirs.dequantize(), tolerance, where);
  if (ours.layout() != at::kStrided)
    return result + compare_elements(ours.to_dense(), theirs.to_dense(), tolerance, where);
  return result +
         compare_elements(ours.resolve_conj().resolve_neg(), theirs.resolve_conj().resolve_neg(), tolerance, where);
}

std::string compare_doubles(double ours, double theirs, const Tolerance& tolerance, const std::string& where) {
  if (std::isnan(ours) && std::isnan(theirs)) return {};
  if (ours == theirs || std::abs(ours - theirs) <= tolerance.atol + tolerance.rtol * std::abs(theirs)) return {};
  return unequal(where, "float", ours, theirs);
}

std::string compare_dicts(const c10::IValue& ours, const c10::IValue& theirs, const Tolerance& tolerance,
                          const std::string& where) {
  const auto a = ours.toGenericDict();
  const auto b = theirs.toGenericDict();
  std::string result = unequal(where, "dict size", a.size(), b.size());
  if (!result.empty()) return result;
  auto other = b.begin();
  size_t i = 0;
  for (auto it = a.begin(); it != a.end(); ++it, ++other, ++i) {
    const std::string at = where + "{" + std::to_string(i) + "}";
    result += difference(it->key(), other->key(), tolerance, at + ".key");
    result += difference(it->value(), other->value(), tolerance, at + ".value");
  }
  return result;
}

std::string compare_objects(const c10::IValue& ours, const c10::IValue& theirs, const Tolerance& tolerance,
                            const std::string& where) {
  const auto a = ours.toObject();
  const auto b = theirs.toObject();
  std::string result = unequal(where, "attributes", a->type()->numAttributes(), b->type()->numAttributes());
  if (!result.empty()) return result;
  for (size_t i = 0; i < a->type()->numAttributes(); ++i) {
    const std::string name = a->type()->getAttributeName(i);
    if (!b->type()->hasAttribute(name)) return line(where, "torch::jit has no attribute " + name);
    const c10::IValue theirs_attribute = b->getAttr(name);
    if (theirs_attribute.isCapsule()) continue;
    result += difference(a->getSlot(i), theirs_attribute, tolerance, where + "." + name);
  }
  return result;
}

template <class A, class B>
std::string compare_sequences(const A& ours, const B& theirs, const Tolerance& tolerance, const std::string& where) {
  std::string result = unequal(where, "length", ours.size(), theirs.size());
  if (!result.empty()) return result;
  for (size_t i = 0; i < ours.size(); ++i) {
    result += difference(ours[i], theirs[i], tolerance, where + "[" + std::to_string(i) + "]");
  }
  return result;
}

void walk(const c10::IValue& value, const std::string& path,
          const std::function<void(const at::Tensor&, const std::string&)>& visit) {
  if (value.isTensor()) {
    if (value.toTensor().defined()) visit(value.toTensor(), path);
  } else if (value.isList()) {
    const auto list = value.toListRef();
    for (size_t i = 0; i < list.size(); ++i) walk(list[i], path + "[" + std::to_string(i) + "]", visit);
  } else if (value.isTuple()) {
    const auto& elements = value.toTupleRef().elements();
    for (size_t i = 0; i < elements.size(); ++i) walk(elements[i], path + "[" + std::to_string(i) + "]", visit);
  } else if (value.isGenericDict()) {
    size_t i = 0;
    for (const auto& entry : value.toGenericDict()) walk(entry.value(), path + "{" + std::to_string(i++) + "}", visit);
  } else if (value.isObject() && !value.toObject()->type()->is_module()) {
    const auto object = value.toObject();
    for (size_t i = 0; i < object->type()->numAttributes(); ++i) {
      walk(object->getSlot(i), path + "." + object->type()->getAttributeName(i), visit);
    }
  }
}

const void* storage_of(const at::Tensor& tensor) {
  return tensor.has_storage() ? tensor.storage().unsafeGetStorageImpl() : nullptr;
}

}  // namespace

std::string difference(const c10::IValue& ours, const c10::IValue& theirs, const Tolerance& tolerance,
                       const std::string& where) {
  if (ours.tagKind() != theirs.tagKind())
    return line(where, "is a " + ours.tagKind() + ", torch::jit's a " + theirs.tagKind());
  if (ours.isTensor()) return compare_tensors(ours.toTensor(), theirs.toTensor(), tolerance, where);
  if (ours.isDouble()) return compare_doubles(ours.toDouble(), theirs.toDouble(), tolerance, where);
  if (ours.isInt()) return unequal(where, "int", ours.toInt(), theirs.toInt());
  if (ours.isBool()) return unequal(where, "bool", ours.toBool(), theirs.toBool());
  if (ours.isComplexDouble()) {
    return compare_doubles(ours.toComplexDouble().real(), theirs.toComplexDouble().real(), tolerance, where + ".real") +
           compare_doubles(ours.toComplexDouble().imag(), theirs.toComplexDouble().imag(), tolerance, where + ".imag");
  }
  if (ours.isString()) return unequal(where, "str", ours.toStringRef(), theirs.toStringRef());
  if (ours.isNone()) return {};
  if (ours.isDevice()) return unequal(where, "device", ours.toDevice(), theirs.toDevice());
  if (ours.isEnum()) return unequal(where, "enum", ours.toEnumHolder()->name(), theirs.toEnumHolder()->name());
  if (ours.isList()) {
    const auto a = ours.toListRef();
    const auto b = theirs.toListRef();
    return compare_sequences(a, b, tolerance, where);
  }
  if (ours.isTuple()) {
    const auto named = [](const c10::IValue& value) {
      const auto type = value.type();
      const auto& schema = type->expectRef<c10::TupleType>().schema();
      return schema ? schema->name() : std::string();
    };
    // torch::jit forgets the names of a NamedTuple that it reads from a pickle; Vesta does not.
    return (named(theirs).empty() ? "" : unequal(where, "NamedTuple", named(ours), named(theirs))) +
           compare_sequences(ours.toTupleRef().elements(), theirs.toTupleRef().elements(), tolerance, where);
  }
  if (ours.isGenericDict()) return compare_dicts(ours, theirs, tolerance, where);
  if (ours.isObject()) return compare_objects(ours, theirs, tolerance, where);
  if (ours.isFuture()) return difference(ours.toFuture()->value(), theirs.toFuture()->value(), tolerance, where);
  return line(where, "a " + ours.tagKind() + " is not compared by this test");
}

void StorageNames::add(const c10::IValue& value, const std::string& label) {
  walk(value, label, [&](const at::Tensor& tensor, const std::string& path) {
    if (const void* storage = storage_of(tensor)) {
      names_.emplace(storage, path);
      kept_.push_back(tensor.storage());
    }
  });
}

std::string StorageNames::describe(const c10::IValue& value, const std::string& label) {
  std::string text;
  walk(value, label, [&](const at::Tensor& tensor, const std::string& path) {
    const void* storage = storage_of(tensor);
    text += path + " shares " + (storage ? names_.emplace(storage, path).first->second : "nothing") + "\n";
  });
  return text;
}

}  // namespace vesta::test
