// Between a PyValue and the values of programs. What a value holds twice is converted once, so sharing is kept.

#include "serialization/python_value.h"

#include <map>

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/core/ivalue.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/python_value_parts.h"

namespace vesta {

using internal::in_quotes;
using internal::kMaxPyDepth;
using internal::py_step;
using Kind = PyValue::Kind;

namespace {

using IValues = std::vector<c10::IValue>;

class ToIValue {
 public:
  absl::StatusOr<c10::IValue> convert(const PyValue& value, const std::string& path) {
    if (path_depth_ > kMaxPyDepth) return absl::InvalidArgumentError("a value nests deeper than 1000");
    const auto found = value.body() == nullptr ? made_.end() : made_.find(value.body().get());
    if (found != made_.end()) return found->second;
    ++path_depth_;
    absl::StatusOr<c10::IValue> result = make(value, path);
    --path_depth_;
    if (result.ok() && value.body() != nullptr) made_.emplace(value.body().get(), *result);
    return result;
  }

 private:
  absl::StatusOr<IValues> all(const std::vector<PyValue>& items, const std::string& path) {
    IValues result;
    for (size_t i = 0; i < items.size(); ++i) {
      VESTA_ASSIGN_OR_RETURN(c10::IValue item, convert(items[i], internal::py_path(path, absl::StrCat(i))));
      result.push_back(std::move(item));
    }
    return result;
  }

  absl::StatusOr<c10::IValue> make(const PyValue& value, const std::string& path) {
    switch (value.kind()) {
      case Kind::kString:
        return c10::IValue(value.text());
      case Kind::kTensor:
        return c10::IValue(value.tensor());
      case Kind::kList: {
        VESTA_ASSIGN_OR_RETURN(IValues items, all(value.items(), path));
        c10::impl::GenericList list(c10::AnyType::get());
        for (c10::IValue& item : items) list.push_back(std::move(item));
        return c10::IValue(std::move(list));
      }
      case Kind::kTuple: {
        VESTA_ASSIGN_OR_RETURN(IValues items, all(value.items(), path));
        return c10::IValue(c10::ivalue::Tuple::create(std::move(items)));
      }
      case Kind::kDict:
        return dict(value, path);
      default:
        break;
    }
    absl::StatusOr<c10::IValue> plain = value.to_ivalue();
    if (plain.ok()) return plain;
    return absl::InvalidArgumentError(absl::StrCat(path.empty() ? std::string("the value") : in_quotes(path), " is ",
                                                   value.summary(),
                                                   ", which is no value of a program (those are tensors, numbers, str, "
                                                   "devices, and lists, tuples and dicts of them)"));
  }

  absl::StatusOr<c10::IValue> dict(const PyValue& value, const std::string& path) {
    c10::impl::GenericDict result(c10::AnyType::get(), c10::AnyType::get());
    for (const PyEntry& entry : value.entries()) {
      const std::string below = internal::py_path(path, py_step(entry.first).value_or(entry.first.summary()));
      VESTA_ASSIGN_OR_RETURN(c10::IValue key, convert(entry.first, below));
      if (!key.isString() && !key.isInt() && !key.isDouble() && !key.isBool() && !key.isComplexDouble() &&
          !key.isTensor() && !key.isDevice()) {
        return absl::InvalidArgumentError(
            absl::StrCat("the key of ", in_quotes(below), " is ", entry.first.summary(),
                         "; keys of a program's dicts are str, int, float, bool, complex, "
                         "tensors and devices"));
      }
      VESTA_ASSIGN_OR_RETURN(c10::IValue item, convert(entry.second, below));
      result.insert_or_assign(std::move(key), std::move(item));
    }
    return c10::IValue(std::move(result));
  }

  std::map<const PyBody*, c10::IValue> made_;
  int path_depth_ = 0;
};

class FromIValue {
 public:
  absl::StatusOr<PyValue> convert(const c10::IValue& value, int depth) {
    if (depth > kMaxPyDepth / 2) return absl::InvalidArgumentError("a value that nests deeper than 500");
    if (value.isNone()) return PyValue();
    if (value.isBool()) return PyValue(value.toBool());
    if (value.isInt()) return PyValue(value.toInt());
    if (value.isDouble()) return PyValue(value.toDouble());
    if (value.isComplexDouble()) return PyValue(value.toComplexDouble());
    if (value.isDevice()) return PyValue(value.toDevice());
    if (value.isString()) return PyValue(value.toStringRef());
    const void* identity = value.isTensor()        ? static_cast<const void*>(value.toTensor().unsafeGetTensorImpl())
                           : value.isList()        ? value.internalToPointer()
                           : value.isTuple()       ? value.internalToPointer()
                           : value.isGenericDict() ? value.internalToPointer()
                                                   : nullptr;
    if (identity == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrFormat("a value of kind %s cannot be written to such a file", value.tagKind()));
    }
    if (const auto found = made_.find(identity); found != made_.end()) return found->second;
    VESTA_ASSIGN_OR_RETURN(PyValue result, container(value, depth));
    made_.emplace(identity, result);
    return result;
  }

 private:
  absl::StatusOr<PyValue> container(const c10::IValue& value, int depth) {
    if (value.isTensor()) return PyValue(value.toTensor());
    PyValue result = value.isList() ? PyValue::list() : value.isTuple() ? PyValue::tuple() : PyValue::dict();
    if (value.isGenericDict()) {
      for (const auto& item : value.toGenericDict()) {
        VESTA_ASSIGN_OR_RETURN(PyValue key, convert(item.key(), depth + 1));
        VESTA_ASSIGN_OR_RETURN(PyValue held, convert(item.value(), depth + 1));
        VESTA_RETURN_IF_ERROR(result.set(std::move(key), std::move(held)));
      }
      return result;
    }
    const c10::ArrayRef<c10::IValue> elements =
        value.isTuple() ? value.toTupleRef().elements().asArrayRef() : value.toListRef();
    for (const c10::IValue& element : elements) {
      VESTA_ASSIGN_OR_RETURN(PyValue item, convert(element, depth + 1));
      result.body()->items.push_back(std::move(item));
    }
    return result;
  }

  std::map<const void*, PyValue> made_;
};

}  // namespace

absl::StatusOr<c10::IValue> PyValue::to_ivalue() const {
  switch (kind()) {
    case Kind::kNone:
      return c10::IValue();
    case Kind::kBool:
      return c10::IValue(std::get<bool>(value_));
    case Kind::kInt:
      return c10::IValue(std::get<int64_t>(value_));
    case Kind::kFloat:
      return c10::IValue(std::get<double>(value_));
    case Kind::kComplex:
      return c10::IValue(std::get<c10::complex<double>>(value_));
    case Kind::kDevice:
      return c10::IValue(std::get<c10::Device>(value_));
    case Kind::kDtype:
      return c10::IValue(static_cast<int64_t>(std::get<c10::ScalarType>(value_)));
    case Kind::kLayout:
      return c10::IValue(static_cast<int64_t>(std::get<c10::Layout>(value_)));
    case Kind::kString:
    case Kind::kTensor:
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kDict:
      return ToIValue().convert(*this, "");
    default:
      return absl::InvalidArgumentError(absl::StrCat("the value is ", summary(), ", which is no value of a program"));
  }
}

absl::StatusOr<PyValue> PyValue::from_ivalue(const c10::IValue& value) { return FromIValue().convert(value, 0); }

}  // namespace vesta
