#include "tests/differential/builtin_values.h"

#include <cmath>
#include <limits>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/enum_type.h>
#include <ATen/core/qualified_name.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include "absl/strings/str_cat.h"

namespace vesta::test {
namespace {

using c10::IValue;
using c10::TypeKind;

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
const std::vector<int64_t> kInts = {
    0, 1, -1, 2, 3, -2, 5, 7, -7, 10, 31, 63, 64, 97, 1000, kMax, kMin, kMax - 1, int64_t{1} << 53};
const std::vector<int64_t> kSmallInts = {0, 1, -1, 2, 3, -2, 4, 5, 6, -5};
const std::vector<double> kFloats = {0.0,     -0.0,  1.0,  -1.0, 0.5,   -0.5,  1.5,      2.5,       -2.5,
                                     3.14159, -7.25, 1e-3, 1e10, 1e300, -1e19, INFINITY, -INFINITY, NAN};
const std::vector<std::string> kStrings = {"",
                                           "a",
                                           "b",
                                           "abc",
                                           "Hello World",
                                           "  x y ",
                                           "1",
                                           "-12",
                                           "3.5",
                                           " 7",
                                           "inf",
                                           "nan",
                                           "aXbXc",
                                           "ab\tc\nd\r\ne",
                                           "abcabc",
                                           "%d {} %s %%",
                                           "{}-{}-{0}",
                                           "A1b",
                                           "hELLO wORLD",
                                           "x",
                                           " ",
                                           "\xc3\xa9t\xc3\xa9",
                                           "\xe2\x82\xac\xc2\xb5",
                                           "1e5",
                                           "0x10",
                                           "it's",
                                           "99999999999999999999"};
const std::vector<std::string> kDevices = {"cpu", "cuda", "cuda:1", "meta", "bogus", "", "cpu:0", "cuda:x"};

c10::EnumTypePtr color_type() {
  static const c10::EnumTypePtr type = c10::EnumType::create(c10::QualifiedName("__torch__.Color"), c10::IntType::get(),
                                                             {{"RED", IValue(1)}, {"GREEN", IValue(2)}}, {});
  return type;
}

bool same_float(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
}

std::string tensor_difference(const at::Tensor& a, const at::Tensor& b) {
  if (a.defined() != b.defined()) return "one tensor is undefined";
  if (!a.defined()) return "";
  if (a.scalar_type() != b.scalar_type())
    return absl::StrCat("dtype ", c10::toString(a.scalar_type()), " and ", c10::toString(b.scalar_type()));
  if (a.sizes() != b.sizes() || a.strides() != b.strides()) return "shape or strides";
  if (a.requires_grad() != b.requires_grad()) return "requires_grad";
  if (a.device() != b.device()) return "device";
  if (a.is_meta()) return "";
  const at::Tensor left = a.detach().contiguous(), right = b.detach().contiguous();
  return left.equal(right) || left.nan_to_num(12345).equal(right.nan_to_num(12345)) ? "" : "elements";
}

std::string sequence_difference(c10::ArrayRef<IValue> a, c10::ArrayRef<IValue> b) {
  if (a.size() != b.size()) return absl::StrCat("lengths ", a.size(), " and ", b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    const std::string difference = exact_difference(a[i], b[i]);
    if (!difference.empty()) return absl::StrCat("[", i, "]: ", difference);
  }
  return "";
}

std::string dict_difference(const c10::impl::GenericDict& a, const c10::impl::GenericDict& b) {
  if (*a.keyType() != *b.keyType() || *a.valueType() != *b.valueType()) return "types of the dict";
  std::vector<IValue> left, right;
  for (const auto& entry : a) left.insert(left.end(), {entry.key(), entry.value()});
  for (const auto& entry : b) right.insert(right.end(), {entry.key(), entry.value()});
  return sequence_difference(left, right);
}

}  // namespace

std::string exact_difference(const IValue& a, const IValue& b) {
  if (a.tagKind() != b.tagKind()) return absl::StrCat(a.tagKind(), " and ", b.tagKind());
  if (a.isTensor()) return tensor_difference(a.toTensor(), b.toTensor());
  if (a.isDouble())
    return same_float(a.toDouble(), b.toDouble()) ? "" : absl::StrCat(a.toDouble(), " and ", b.toDouble());
  if (a.isComplexDouble()) {
    const auto x = a.toComplexDouble(), y = b.toComplexDouble();
    return same_float(x.real(), y.real()) && same_float(x.imag(), y.imag())
               ? ""
               : absl::StrCat(x.real(), "+", x.imag(), "j and ", y.real(), "+", y.imag(), "j");
  }
  if (a.isInt()) return a.toInt() == b.toInt() ? "" : absl::StrCat(a.toInt(), " and ", b.toInt());
  if (a.isString())
    return a.toStringRef() == b.toStringRef() ? ""
                                              : absl::StrCat("'", a.toStringRef(), "' and '", b.toStringRef(), "'");
  if (a.isList()) {
    if (*a.toList().elementType() != *b.toList().elementType()) {
      return absl::StrCat("List[", a.toList().elementType()->repr_str(), "] and List[",
                          b.toList().elementType()->repr_str(), "]");
    }
    return sequence_difference(a.toListRef(), b.toListRef());
  }
  if (a.isTuple()) return sequence_difference(a.toTupleRef().elements(), b.toTupleRef().elements());
  if (a.isGenericDict()) return dict_difference(a.toGenericDict(), b.toGenericDict());
  if (a.isBool()) return a.toBool() == b.toBool() ? "" : "bools";
  if (a.isDevice()) return a.toDevice() == b.toDevice() ? "" : "devices";
  if (a.isEnum()) return a.toEnumHolder()->name() == b.toEnumHolder()->name() ? "" : "enums";
  if (a.isGenerator()) return a.toGenerator().current_seed() == b.toGenerator().current_seed() ? "" : "seeds";
  if (a.isFuture()) return exact_difference(a.toFuture()->value(), b.toFuture()->value());
  if (a.isAwait()) return exact_difference(a.toAwait()->wait(), b.toAwait()->wait());
  return a.isNone() ? "" : absl::StrCat("no way to compare ", a.tagKind());
}

at::Tensor ArgumentMaker::tensor() {
  static const std::vector<std::vector<int64_t>> kShapes = {{},     {0},       {1},          {3},
                                                            {2, 3}, {1, 1, 4}, {1, 2, 3, 4}, {1, 1, 2, 3, 2}};
  const std::vector<int64_t>& shape = kShapes[below(kShapes.size())];
  at::manual_seed(below(1000));
  switch (below(7)) {
    case 0:
      return at::randint(-3, 4, shape, at::TensorOptions().dtype(at::kLong));
    case 1:
      return at::randint(0, 2, shape, at::TensorOptions().dtype(at::kBool));
    case 2:
      return at::randn(shape, at::TensorOptions().dtype(at::kDouble));
    case 3:
      return at::randn(shape, at::TensorOptions().dtype(at::kComplexDouble));
    case 4:
      return at::randn(shape).requires_grad_();
    case 5:
      return shape.size() > 1 ? at::randn(shape).transpose(0, 1) : at::randn(shape);
    default:
      return at::randn(shape);
  }
}

c10::TypePtr ArgumentMaker::resolve(const c10::TypePtr& type) {
  if (type->kind() != TypeKind::VarType) return type;
  static const std::vector<c10::TypePtr> kChoices = {
      c10::IntType::get(),
      c10::FloatType::get(),
      c10::StringType::get(),
      c10::TensorType::get(),
      c10::ListType::ofInts(),
      c10::ListType::create(c10::ListType::ofFloats()),
      c10::TupleType::create({c10::IntType::get(), c10::StringType::get()}),
      c10::BoolType::get(),
      c10::ComplexType::get(),
      c10::DictType::create(c10::StringType::get(), c10::IntType::get())};
  auto [entry, fresh] = bindings_.try_emplace(type->annotation_str());
  if (fresh) entry->second = kChoices[below(kChoices.size())];
  return entry->second;
}

std::optional<IValue> ArgumentMaker::value(const c10::TypePtr& wanted, const c10::Type& declared) {
  const c10::TypePtr type = resolve(wanted);
  switch (declared.kind()) {  // Ints that are not just numbers.
    case TypeKind::ScalarTypeType: {
      const at::ScalarType types[] = {at::kFloat, at::kDouble, at::kLong,        at::kInt,
                                      at::kBool,  at::kHalf,   at::kComplexFloat};
      return IValue(types[below(7)]);
    }
    case TypeKind::MemoryFormatType:
      return IValue(std::vector{at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast,
                                at::MemoryFormat::ChannelsLast3d}[below(3)]);
    default:
      break;
  }
  switch (type->kind()) {
    case TypeKind::IntType:
      return small_ints_ ? kSmallInts[below(kSmallInts.size())] : kInts[below(kInts.size())];
    case TypeKind::FloatType:
      return small_ints_ ? 0.25 * static_cast<double>(below(13)) : kFloats[below(kFloats.size())];
    case TypeKind::BoolType:
      return below(2) == 0;
    case TypeKind::ComplexType:
      return c10::complex<double>(kFloats[below(kFloats.size())], kFloats[below(kFloats.size())]);
    case TypeKind::StringType:
      return kStrings[below(kStrings.size())];
    case TypeKind::NumberType:
      return below(2) == 0 ? value(c10::IntType::get(), *c10::IntType::get())
                           : value(c10::FloatType::get(), *c10::FloatType::get());
    case TypeKind::TensorType:
      return tensor();
    case TypeKind::NoneType:
      return IValue();
    case TypeKind::DeviceObjType:
      return at::Device(below(2) == 0 ? at::kCPU : at::kMeta);
    case TypeKind::GeneratorType: {
      at::Generator generator = at::make_generator<at::CPUGeneratorImpl>();
      generator.set_current_seed(below(100));
      return IValue(generator);
    }
    case TypeKind::AnyEnumType:
      return IValue(
          c10::make_intrusive<c10::ivalue::EnumHolder>(color_type(), below(2) == 0 ? "RED" : "GREEN", IValue(1)));
    case TypeKind::OptionalType: {
      const c10::TypePtr inner = type->castRaw<c10::OptionalType>()->getElementType();
      const auto* declared_optional = declared.castRaw<c10::OptionalType>();
      const c10::Type& declared_inner = declared_optional != nullptr ? *declared_optional->getElementType() : *inner;
      return below(3) == 0 ? std::optional<IValue>(IValue()) : value(inner, declared_inner);
    }
    case TypeKind::ListType: {
      const c10::TypePtr element = resolve(type->castRaw<c10::ListType>()->getElementType());
      c10::impl::GenericList list(element);
      const size_t length = below(5);
      for (size_t i = 0; i < length; ++i) {
        std::optional<IValue> each = value(element, *element);
        if (!each.has_value()) return std::nullopt;
        list.push_back(*std::move(each));
      }
      return IValue(list);
    }
    case TypeKind::DictType: {
      const auto& dict_type = type->expectRef<c10::DictType>();
      const c10::TypePtr key_type = resolve(dict_type.getKeyType()), value_type = resolve(dict_type.getValueType());
      c10::impl::GenericDict dict(key_type, value_type);
      const size_t length = below(5);
      for (size_t i = 0; i < length; ++i) {
        std::optional<IValue> key = value(key_type, *key_type), each = value(value_type, *value_type);
        if (!key.has_value() || !each.has_value()) return std::nullopt;
        dict.insert_or_assign(*std::move(key), *std::move(each));
      }
      return IValue(dict);
    }
    case TypeKind::TupleType: {
      std::vector<IValue> elements;
      for (const c10::TypePtr& element : type->castRaw<c10::TupleType>()->elements()) {
        std::optional<IValue> each = value(element, *element);
        if (!each.has_value()) return std::nullopt;
        elements.push_back(*std::move(each));
      }
      return IValue(c10::ivalue::Tuple::create(std::move(elements)));
    }
    case TypeKind::FutureType: {
      const c10::TypePtr inner = resolve(type->castRaw<c10::FutureType>()->getElementType());
      std::optional<IValue> each = value(inner, *inner);
      if (!each.has_value()) return std::nullopt;
      auto future = c10::make_intrusive<c10::ivalue::Future>(inner);
      future->markCompleted(*std::move(each));
      return IValue(future);
    }
    case TypeKind::AnyType:
      return below(2) == 0 ? IValue(tensor()) : IValue(kSmallInts[below(kSmallInts.size())]);
    default:
      return std::nullopt;
  }
}

std::optional<std::vector<IValue>> ArgumentMaker::arguments(const c10::FunctionSchema& schema, bool small_ints) {
  small_ints_ = small_ints;
  bindings_.clear();
  std::vector<IValue> result;
  for (const c10::Argument& argument : schema.arguments()) {
    std::optional<IValue> each = value(argument.type(), *argument.real_type());
    // Names of devices and modes are words of their own.
    if (argument.type()->kind() == TypeKind::StringType) {
      if (schema.name() == "aten::device" || schema.name() == "aten::get_autocast_dtype")
        each = kDevices[below(kDevices.size())];
      if (argument.name() == "mode") {
        each = std::vector<std::string>{
            "nearest", "linear", "bilinear", "bicubic", "trilinear", "area", "bogus"}[below(7)];
      }
      if (argument.name() == "fillchar" && below(5) != 0) each = "*";
    }
    if (!each.has_value()) return std::nullopt;
    if (argument.name() == "dtype" && !each->isNone()) each = value(argument.type(), *c10::ScalarTypeType::get());
    result.push_back(*std::move(each));
  }
  return result;
}

}  // namespace vesta::test
