#pragma once

// A Python value as plain data: what torch.save writes and torch.load gives, without Python. Nothing in it can be
// executed; an object of a class that is not known here is its class's name and its fields.
//
//   absl::StatusOr<vesta::PyValue> state = checkpoint->at("optimizer.state.0.exp_avg");
//   absl::StatusOr<double> loss = value.get<double>("loss");        // "expected float at 'loss', got Tensor"
//   vesta::PyValue dict = vesta::PyValue::dict();
//   dict.set("epoch", 12);
//   dict.set("weights", vesta::PyValue::list({tensor_a, tensor_b}));

#include <complex>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <c10/core/Device.h>
#include <c10/core/Layout.h>
#include <c10/core/ScalarType.h>
#include <c10/util/complex.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace vesta {

struct PyBody;
class PyValue;
using PyEntry = std::pair<PyValue, PyValue>;

// As in Python, None, bools, numbers, strings, bytes, dtypes, devices and layouts are values, and everything else is a
// reference: copies of a PyValue that holds a list are the same list. A value must not hold itself.
//
// Thread-safe as far as nobody changes the value meanwhile.
class __attribute__((visibility("default"))) PyValue {
 public:
  enum class Kind {
    kNone,
    kBool,
    kInt,     // of 64 bits
    kBigInt,  // any other int
    kFloat,
    kComplex,
    kString,
    kBytes,    // bytes, bytearray
    kTensor,   // torch.Tensor, torch.nn.Parameter
    kStorage,  // a storage by itself
    kArray,    // numpy.ndarray, and numpy's scalars as arrays without dimensions
    kDtype,
    kDevice,
    kLayout,
    kList,
    kTuple,   // tuple, torch.Size, torch.return_types.*
    kDict,    // dict, OrderedDict, defaultdict, Counter
    kSet,     // set, frozenset
    kGlobal,  // a class or function, by its name
    kObject,  // an object of any other class; inert
  };

  PyValue() = default;
  PyValue(std::nullptr_t) {}
  PyValue(std::same_as<bool> auto value) : value_(value) {}
  // REQUIRES: at most INT64_MAX.
  template <std::integral T>
  requires(!std::same_as<T, bool>) PyValue(T value) : value_(static_cast<int64_t>(value)) {}
  PyValue(std::floating_point auto value) : value_(static_cast<double>(value)) {}
  PyValue(c10::complex<double> value) : value_(value) {}
  PyValue(const char* text);
  PyValue(std::string text);
  PyValue(std::string_view text);
  PyValue(at::Tensor tensor);
  PyValue(c10::Device device) : value_(device) {}
  PyValue(c10::ScalarType dtype) : value_(dtype) {}
  PyValue(c10::Layout layout) : value_(layout) {}

  static PyValue bytes(std::string raw, std::string class_name = "bytes");
  // An int of any size: two's complement, little endian.
  static PyValue big_int(std::string little_endian);
  // torch.nn.Parameter.
  static PyValue parameter(at::Tensor tensor);
  // A storage by itself; `dtype` nullopt: UntypedStorage.
  static PyValue storage(c10::Storage storage, std::optional<c10::ScalarType> dtype);
  // numpy.ndarray of a dense CPU tensor.
  static PyValue array(at::Tensor tensor);
  static PyValue list(std::vector<PyValue> items = {});
  // `class_name`: "tuple", "torch.Size", ...
  static PyValue tuple(std::vector<PyValue> items = {}, std::string class_name = "tuple");
  static PyValue size(c10::IntArrayRef sizes);
  static PyValue set(std::vector<PyValue> items, std::string class_name = "set");
  // `class_name`: "dict", "collections.OrderedDict", "collections.defaultdict", "collections.Counter".
  static PyValue dict(std::vector<PyEntry> entries = {}, std::string class_name = "dict");
  static PyValue ordered_dict(std::vector<PyEntry> entries = {});
  static PyValue global(std::string module, std::string name);
  // An object of a class, made without a call of its constructor.
  static PyValue object(std::string module, std::string name);

  Kind kind() const;
  bool is_none() const { return kind() == Kind::kNone; }
  bool is_tensor() const { return kind() == Kind::kTensor; }
  bool is_dict() const { return kind() == Kind::kDict; }
  // What Python calls its type: "int", "Tensor", "torch.nn.parameter.Parameter", "collections.OrderedDict",
  // "models.Net" for an object; the class or function itself for kGlobal.
  std::string class_name() const;

  // --- Typed access.
  // The value as a T, or InvalidArgument "expected T at 'path', got ...". T: bool, int, int64_t, double (ints too),
  // c10::complex<double>, std::string (str, bytes), at::Tensor, c10::Device, c10::ScalarType, c10::Layout, PyValue, and
  // std::optional (None), std::vector (of a list or tuple) and std::map<std::string, T> (of a dict) of them. numpy's
  // scalars are numbers too.
  template <class T>
  absl::StatusOr<T> get() const {
    return get<T>(std::string_view());
  }
  template <class T>
  absl::StatusOr<T> get(std::string_view path) const;

  // What lies at "optimizer.state.0.exp_avg": keys of dicts (str, int, bool, None), positions in lists, tuples and
  // sets, and fields of objects, joined by dots. Keys may hold dots themselves; the longest key that leads on is taken.
  // The empty path is the value itself. NotFound says how far the path leads and what is there.
  absl::StatusOr<PyValue> at(std::string_view path) const;
  bool has(std::string_view path) const { return at(path).ok(); }

  // --- Walking. Each is empty for a value of another kind.
  // Of a list, tuple, set; of an object that is a list too.
  const std::vector<PyValue>& items() const;
  // Of a dict, in its order; of an object that is a dict too.
  const std::vector<PyEntry>& entries() const;
  // Python attributes: fields of an object, `_metadata` of an OrderedDict, what was put on a Parameter. An object whose
  // state is not made of named fields has it as `__setstate__`.
  const std::vector<PyEntry>& attributes() const;
  // What an object was made with: of a NamedTuple its fields, of an enum its value.
  const std::vector<PyValue>& arguments() const;
  // Everything that it holds directly, with the step of the path that leads there; tensors and other plain values hold
  // nothing but attributes.
  std::vector<std::pair<std::string, PyValue>> children() const;
  // Calls visit(path, value) for this value and all in it, depth first, in order; what is shared is visited each time.
  // A false result leaves out what the value holds. Stops at a depth of 1,000.
  void walk(const std::function<bool(const std::string& path, const PyValue& value)>& visit) const;

  // --- Kinds without a C++ type of their own.
  // kTensor, and kArray where numpy's dtype is one of torch's: undefined for any other.
  at::Tensor tensor() const;
  // kString, kBytes: its bytes. kBigInt: decimal digits. kArray: numpy's dtype ("<f4", "|S5"). Else empty.
  std::string text() const;
  // kBigInt as bytes, see big_int(). Raw contents of a kArray without a tensor.
  std::string_view raw() const;
  // kArray: its sizes, as numpy has them. kTensor: the tensor's.
  std::vector<int64_t> shape() const;
  // kStorage.
  c10::Storage storage() const;
  // Module and name of a kGlobal, kObject.
  std::string module_name() const;
  std::string name() const;
  // kObject: whether a function or class was to be called to make it, which did not happen.
  bool is_call() const;

  // --- Changing. InvalidArgument where the kind does not allow it.
  // dict[key] = value; keeps the place of a key that is there.
  absl::Status set(PyValue key, PyValue value);
  absl::Status erase(const PyValue& key);
  // list.append, set.add
  absl::Status append(PyValue value);
  // value.name = attribute
  absl::Status set_attribute(std::string name, PyValue value);

  // The same object (or equal plain values).
  bool is(const PyValue& other) const;
  // Parameters and buffers by name: of a dict of tensors, its entries; of a pickled nn.Module, what its state_dict()
  // gives (fields `_parameters`, `_buffers`, `_modules`; buffers that are not persistent are left out). Entries that
  // are no tensors (`_extra_state`) are left out too. InvalidArgument where there is no tensor to give; it names the
  // dicts in the value that look like state dicts.
  absl::StatusOr<std::vector<std::pair<std::string, at::Tensor>>> state_dict() const;

  // Several lines: containers nested, tensors as "Tensor float32 [3, 4]", their values left out.
  std::string to_string(int64_t max_items = 100) const;
  // One line for this value alone: "dict of 3", "Tensor float32 [3, 4]", "'text'".
  std::string summary() const;

  // From and to the values of TorchScript programs. Classes get lost (OrderedDict, Size, Parameter become dict, tuple,
  // Tensor), dtypes and layouts become ints. InvalidArgument for what has no such form, with its path.
  static absl::StatusOr<PyValue> from_ivalue(const c10::IValue& value);
  absl::StatusOr<c10::IValue> to_ivalue() const;

  // For readers and writers.
  const std::shared_ptr<PyBody>& body() const;
  explicit PyValue(std::shared_ptr<PyBody> body) : value_(std::move(body)) {}

 private:
  const PyValue* find_entry(std::string_view step) const;
  const PyValue* find_child(std::string_view step) const;
  bool follow(std::string_view path, PyValue& found, std::string& reached, std::string& rest) const;

  std::variant<std::monostate, bool, int64_t, double, c10::complex<double>, c10::Device, c10::ScalarType, c10::Layout,
               std::shared_ptr<PyBody>>
      value_;
};

// What a PyValue that is no plain number refers to. For readers and writers; others use PyValue.
struct PyBody {
  PyValue::Kind kind = PyValue::Kind::kNone;
  std::string module;      // kObject, kGlobal
  std::string class_name;  // kObject, kGlobal: the name in the module; else as class_name() gives it
  std::string text;        // kString, kBytes, kBigInt: contents; kArray: numpy's dtype
  std::string raw;         // kArray without a tensor: contents
  at::Tensor tensor;
  c10::Storage storage;
  std::optional<c10::ScalarType> dtype;  // kStorage
  std::vector<int64_t> shape;            // kArray
  std::vector<PyValue> arguments;
  std::vector<PyValue> items;
  std::vector<PyEntry> entries;
  std::vector<PyEntry> attributes;
  PyValue factory;       // defaultdict
  bool is_call = false;  // kObject
  bool keyword = false;  // kObject: the last argument is a dict of keyword arguments (NEWOBJ_EX)
  // Positions of entries by find_entry's steps; kept by PyValue.
  std::map<std::string, size_t, std::less<>> index;
};

// "torch.float32", "torch.sparse_coo": Python's names.
__attribute__((visibility("default"))) std::string python_name(c10::ScalarType dtype);
__attribute__((visibility("default"))) std::string python_name(c10::Layout layout);

namespace internal {

__attribute__((visibility("default"))) absl::Status wrong_py_type(std::string_view expected, std::string_view path,
                                                                  const PyValue& value);
__attribute__((visibility("default"))) bool convert_py(const PyValue& value, bool& to);
__attribute__((visibility("default"))) bool convert_py(const PyValue& value, int& to);
__attribute__((visibility("default"))) bool convert_py(const PyValue& value, int64_t& to);
__attribute__((visibility("default"))) bool convert_py(const PyValue& value, double& to);
__attribute__((visibility("default"))) bool convert_py(const PyValue& value, c10::complex<double>& to);
__attribute__((visibility("default"))) bool convert_py(const PyValue& value, std::string& to);
__attribute__((visibility("default"))) bool convert_py(const PyValue& value, at::Tensor& to);
__attribute__((visibility("default"))) bool convert_py(const PyValue& value, c10::Device& to);
__attribute__((visibility("default"))) bool convert_py(const PyValue& value, c10::ScalarType& to);
__attribute__((visibility("default"))) bool convert_py(const PyValue& value, c10::Layout& to);

template <class T>
struct PyTypeName;
#define VESTA_PY_TYPE(type, text)              \
  template <>                                  \
  struct PyTypeName<type> {                    \
    static std::string name() { return text; } \
    static type empty() { return type(); }     \
  };
VESTA_PY_TYPE(bool, "bool")
VESTA_PY_TYPE(int, "int of 32 bits")
VESTA_PY_TYPE(int64_t, "int")
VESTA_PY_TYPE(double, "float")
VESTA_PY_TYPE(c10::complex<double>, "complex")
VESTA_PY_TYPE(std::string, "str")
VESTA_PY_TYPE(at::Tensor, "Tensor")
VESTA_PY_TYPE(c10::ScalarType, "dtype")
VESTA_PY_TYPE(c10::Layout, "layout")
#undef VESTA_PY_TYPE
template <>
struct PyTypeName<c10::Device> {
  static std::string name() { return "device"; }
  static c10::Device empty() { return c10::Device(c10::kCPU); }
};

inline std::string py_path(std::string_view path, std::string_view step) {
  return path.empty() ? std::string(step) : std::string(path) + "." + std::string(step);
}

template <class T>
struct PyGetter {
  static std::string name() { return PyTypeName<T>::name(); }
  static absl::StatusOr<T> get(const PyValue& value, std::string_view path) {
    T result = PyTypeName<T>::empty();
    if (!convert_py(value, result)) return wrong_py_type(name(), path, value);
    return result;
  }
};

template <>
struct PyGetter<PyValue> {
  static std::string name() { return "any value"; }
  static absl::StatusOr<PyValue> get(const PyValue& value, std::string_view) { return value; }
};

template <class T>
struct PyGetter<std::optional<T>> {
  static std::string name() { return "Optional[" + PyGetter<T>::name() + "]"; }
  static absl::StatusOr<std::optional<T>> get(const PyValue& value, std::string_view path) {
    if (value.is_none()) return std::optional<T>();
    absl::StatusOr<T> inner = PyGetter<T>::get(value, path);
    if (!inner.ok()) return inner.status();
    return std::optional<T>(*std::move(inner));
  }
};

template <class T>
struct PyGetter<std::vector<T>> {
  static std::string name() { return "List[" + PyGetter<T>::name() + "]"; }
  static absl::StatusOr<std::vector<T>> get(const PyValue& value, std::string_view path) {
    if (value.kind() != PyValue::Kind::kList && value.kind() != PyValue::Kind::kTuple) {
      return wrong_py_type(name(), path, value);
    }
    std::vector<T> result;
    for (size_t i = 0; i < value.items().size(); ++i) {
      absl::StatusOr<T> item = PyGetter<T>::get(value.items()[i], py_path(path, std::to_string(i)));
      if (!item.ok()) return item.status();
      result.push_back(*std::move(item));
    }
    return result;
  }
};

template <class T>
struct PyGetter<std::map<std::string, T>> {
  static std::string name() { return "Dict[str, " + PyGetter<T>::name() + "]"; }
  static absl::StatusOr<std::map<std::string, T>> get(const PyValue& value, std::string_view path) {
    if (value.kind() != PyValue::Kind::kDict) return wrong_py_type(name(), path, value);
    std::map<std::string, T> result;
    for (const PyEntry& entry : value.entries()) {
      if (entry.first.kind() != PyValue::Kind::kString) return wrong_py_type(name(), path, value);
      absl::StatusOr<T> item = PyGetter<T>::get(entry.second, py_path(path, entry.first.text()));
      if (!item.ok()) return item.status();
      result.emplace(entry.first.text(), *std::move(item));
    }
    return result;
  }
};

}  // namespace internal

template <class T>
absl::StatusOr<T> PyValue::get(std::string_view path) const {
  absl::StatusOr<PyValue> found = at(path);
  if (!found.ok()) return found.status();
  return internal::PyGetter<T>::get(*found, path);
}

}  // namespace vesta
