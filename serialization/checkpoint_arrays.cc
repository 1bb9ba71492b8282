// What NumPy's pickles hold:
//   dtype    numpy.dtype(code, align, copy), state (version, byte order, subarray, names, fields, size, alignment,
//   flags) array    numpy.core.multiarray._reconstruct(class, (0,), b"b"), state (version, sizes, dtype, Fortran order,
//   contents);
//            contents of a dtype of objects are a list
//   array    numpy.core.numeric._frombuffer(contents, dtype, sizes, order), protocol 5
//   scalar   numpy.core.multiarray.scalar(dtype, contents)
// Source: numpy/_core/src/multiarray (array_reduce, arraydescr_reduce), pickles of NumPy 1 and 2.

#include "serialization/checkpoint_arrays.h"

#include <algorithm>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "ir/support/status.h"
#include "serialization/npy.h"
#include "serialization/tensor_builder.h"

namespace vesta::serialization {

using c10::IValue;
using Kind = PickleObject::Kind;

namespace {

// The characters of a string as bytes; nullopt where one is above 255.
std::optional<std::string> latin1(std::string_view utf8) {
  std::string result;
  result.reserve(utf8.size());
  for (size_t i = 0; i < utf8.size(); ++i) {
    const auto byte = static_cast<uint8_t>(utf8[i]);
    if (byte < 0x80) {
      result += utf8[i];
    } else if ((byte == 0xc2 || byte == 0xc3) && i + 1 < utf8.size()) {
      result += static_cast<char>((byte & 3) << 6 | (static_cast<uint8_t>(utf8[++i]) & 0x3f));
    } else {
      return std::nullopt;
    }
  }
  return result;
}

std::optional<std::vector<int64_t>> sizes_of(const IValue& value) {
  std::vector<int64_t> sizes;
  if (value.isInt()) sizes.push_back(value.toInt());
  if (!value.isInt() && !value.isTuple() && !value.isList()) return std::nullopt;
  for (const IValue& size : elements_of(value)) {
    if (!size.isInt()) return std::nullopt;
    sizes.push_back(size.toInt());
  }
  for (const int64_t size : sizes) {
    if (size < 0) return std::nullopt;
  }
  return sizes;
}

// "float32" -> "numpy.float32": how NumPy calls the class of its scalars.
std::string scalar_class(c10::ScalarType type) {
  return absl::StrCat("numpy.", std::string(scalar_type_name(type)), type == c10::ScalarType::Bool ? "_" : "");
}

absl::StatusOr<PyValue> make_value(const std::string& code, const std::string& class_name, std::vector<int64_t> sizes,
                                   std::string contents, bool fortran_order) {
  const bool marked = !code.empty() && (code[0] == '<' || code[0] == '>' || code[0] == '|' || code[0] == '=');
  const std::optional<c10::ScalarType> type = numpy_scalar_type(std::string_view(code).substr(marked ? 1 : 0));
  if (type) {
    VESTA_ASSIGN_OR_RETURN(at::Tensor tensor, make_array(contents, *type, sizes, fortran_order, code[0] == '>'));
    PyValue result = PyValue::array(std::move(tensor));
    result.body()->text = code;
    result.body()->class_name = class_name.empty() ? scalar_class(*type) : class_name;
    return result;
  }
  // Strings, dates, structures: as bytes, which have to be as many as the sizes say.
  const int64_t item = marked && code.size() > 2 ? std::atoll(code.c_str() + 2) * (code[1] == 'U' ? 4 : 1) : 0;
  int64_t expected = item;
  bool overflow = false;
  for (const int64_t size : sizes) overflow = overflow || __builtin_mul_overflow(expected, size, &expected);
  if (overflow || expected != static_cast<int64_t>(contents.size())) {
    return absl::DataLossError(absl::StrCat("an array of dtype '", code, "' has ", contents.size(), " bytes"));
  }
  auto body = std::make_shared<PyBody>();
  body->kind = PyValue::Kind::kArray;
  body->class_name = class_name.empty() ? "numpy.generic" : class_name;
  body->text = code;
  body->shape = std::move(sizes);
  body->raw = std::move(contents);
  return PyValue(std::move(body));
}

absl::StatusOr<PyValue> make_object_array(std::vector<int64_t> sizes, c10::ArrayRef<IValue> contents,
                                          const ConvertElement& element) {
  int64_t count = 1;
  bool overflow = false;
  for (const int64_t size : sizes) overflow = overflow || __builtin_mul_overflow(count, size, &count);
  if (overflow || count != static_cast<int64_t>(contents.size())) {
    return absl::DataLossError(absl::StrCat("an array of objects has ", contents.size(), " elements"));
  }
  auto body = std::make_shared<PyBody>();
  body->kind = PyValue::Kind::kArray;
  body->class_name = "numpy.ndarray";
  body->text = "|O";
  body->shape = std::move(sizes);
  for (const IValue& value : contents) {
    VESTA_ASSIGN_OR_RETURN(PyValue made, element(value));
    body->items.push_back(std::move(made));
  }
  return PyValue(std::move(body));
}

}  // namespace

PickleObject* as_object(const IValue& value) {
  PickleObject* object = PickleObject::from(value);
  return object != nullptr && object->kind == Kind::kObject ? object : nullptr;
}

c10::ArrayRef<IValue> elements_of(const IValue& value) {
  if (value.isTuple()) return value.toTupleRef().elements().asArrayRef();
  if (value.isList()) return value.toListRef();
  return {};
}

std::optional<std::string> raw_bytes(const PickleObject& object) {
  if (object.kind == Kind::kBytes) return object.bytes;
  if (object.kind != Kind::kObject) return std::nullopt;
  const auto arguments = elements_of(object.items[kArguments]);
  const bool encode = object.module == "_codecs" && object.name == "encode";
  const bool constructor = object.module == "builtins" && (object.name == "bytes" || object.name == "bytearray");
  if (!encode && !constructor) return std::nullopt;
  if (constructor && arguments.empty()) return std::string();
  if (constructor && arguments.size() == 1) return arguments[0].isString() ? std::nullopt : raw_bytes(arguments[0]);
  if (arguments.size() != 2 || !arguments[0].isString() || !arguments[1].isString()) return std::nullopt;
  const std::string& codec = arguments[1].toStringRef();
  if (codec != "latin1" && codec != "latin-1") return std::nullopt;
  return latin1(arguments[0].toStringRef());
}

std::optional<std::string> raw_bytes(const IValue& value) {
  if (value.isString()) return value.toStringRef();
  const PickleObject* object = PickleObject::from(value);
  // A call inside a call, as bytearray(encode(...)), goes one level down.
  return object == nullptr ? std::nullopt : raw_bytes(*object);
}

std::string numpy_dtype_code(const PickleObject& dtype) {
  if (dtype.kind != Kind::kObject || dtype.module != "numpy" || dtype.name != "dtype") return "";
  const auto arguments = elements_of(dtype.items[kArguments]);
  if (arguments.empty()) return "";
  const std::optional<std::string> code = raw_bytes(arguments[0]);
  if (!code) return "";
  const auto is_order = [](char c) { return c == '<' || c == '>' || c == '|' || c == '='; };
  // "V12", "S5" and "U5" carry their size in the code, "M8[ns]" its unit.
  const bool marked = !code->empty() && is_order((*code)[0]);
  const std::string_view kind = std::string_view(*code).substr(marked ? 1 : 0);
  const auto fits = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '?' || c == '[' || c == ']';
  };
  if (kind.empty() || !std::all_of(kind.begin(), kind.end(), fits)) return "";
  if (marked) return *code;
  std::string order = "|";
  const auto state = elements_of(dtype.items[kState]);
  if (state.size() > 1) {
    const std::optional<std::string> written = raw_bytes(state[1]);
    if (!written || written->size() != 1 || !is_order((*written)[0])) return "";
    order = *written;
  }
  return absl::StrCat(order, *code);
}

absl::StatusOr<PyValue> make_numpy_value(const PickleObject& object, const ConvertElement& element) {
  const auto arguments = elements_of(object.items[kArguments]);
  const auto state = elements_of(object.items[kState]);
  const bool scalar = object.name == "scalar";
  const bool buffer = object.name == "_frombuffer";
  const IValue* dtype = nullptr;
  const IValue* contents = nullptr;
  std::vector<int64_t> sizes;
  bool fortran_order = false;
  std::string class_name = "numpy.ndarray";
  if (scalar && arguments.size() == 2) {
    dtype = &arguments[0];
    contents = &arguments[1];
    class_name.clear();
  } else if (buffer && arguments.size() == 4) {
    const std::optional<std::vector<int64_t>> given = sizes_of(arguments[2]);
    if (!given) return PyValue();
    sizes = *given;
    dtype = &arguments[1];
    contents = &arguments[0];
    fortran_order = arguments[3].isString() && arguments[3].toStringRef() == "F";
  } else if (state.size() == 5) {
    const std::optional<std::vector<int64_t>> given = sizes_of(state[1]);
    if (!given || !state[3].isBool()) {
      // NumPy 1 wrote the order as a number.
      if (!given || !state[3].isInt()) return PyValue();
    }
    sizes = *given;
    fortran_order = state[3].isBool() ? state[3].toBool() : state[3].toInt() != 0;
    dtype = &state[2];
    contents = &state[4];
  } else {
    return PyValue();
  }
  const PickleObject* described = as_object(*dtype);
  const std::string code = described == nullptr ? "" : numpy_dtype_code(*described);
  if (code.empty()) return PyValue();
  if (contents->isList()) return make_object_array(std::move(sizes), elements_of(*contents), element);
  std::optional<std::string> raw = raw_bytes(*contents);
  if (!raw) return PyValue();
  return make_value(code, class_name, std::move(sizes), *std::move(raw), fortran_order);
}

}  // namespace vesta::serialization
