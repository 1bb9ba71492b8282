// A PyValue is a plain value or a pointer to a body. Dicts keep an index of their keys' texts ("s:name", "i:3"), so
// that looking up by name takes no walk. Paths are resolved with backtracking, longest key first: keys of state dicts
// hold dots.

#include "serialization/python_value.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/core/ivalue.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "ir/support/status.h"
#include "serialization/tensor_builder.h"
#include "serialization/utf8.h"

namespace vesta {

using serialization::printable;
using Kind = PyValue::Kind;
using BodyPtr = std::shared_ptr<PyBody>;

namespace {

constexpr int kMaxDepth = 1000;

BodyPtr make_body(Kind kind, std::string class_name) {
  auto body = std::make_shared<PyBody>();
  body->kind = kind;
  body->class_name = std::move(class_name);
  return body;
}

const PyBody& empty_body() {
  static const PyBody kEmpty;
  return kEmpty;
}

// Divides a number of decimal digits in place; for printing big ints.
std::string decimal(std::string_view little_endian) {
  if (little_endian.empty()) return "0";
  const bool negative = (static_cast<uint8_t>(little_endian.back()) & 0x80) != 0;
  std::vector<uint8_t> digits(little_endian.begin(), little_endian.end());
  if (negative) {
    int carry = 1;
    for (uint8_t& digit : digits) {
      carry += static_cast<uint8_t>(~digit);
      digit = static_cast<uint8_t>(carry);
      carry >>= 8;
    }
  }
  if (digits.size() > 4096) return absl::StrCat(negative ? "-" : "", "<int of ", digits.size(), " bytes>");
  std::string text;
  while (!digits.empty()) {
    int remainder = 0;
    for (size_t i = digits.size(); i-- > 0;) {
      const int value = remainder * 256 + digits[i];
      digits[i] = static_cast<uint8_t>(value / 10);
      remainder = value % 10;
    }
    text += static_cast<char>('0' + remainder);
    while (!digits.empty() && digits.back() == 0) digits.pop_back();
  }
  if (negative) text += '-';
  return std::string(text.rbegin(), text.rend());
}

// As Python's repr has it: the shortest digits that read back.
std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::string text;
  for (int digits = 1; digits <= 17; ++digits) {
    text = absl::StrFormat("%.*g", digits, value);
    if (std::strtod(text.c_str(), nullptr) == value) break;
  }
  if (text.find_first_of(".en") == text.npos) text += ".0";
  return text;
}

std::string in_quotes(std::string_view text) { return absl::StrCat("'", printable(text), "'"); }

std::string shape_text(const std::vector<int64_t>& shape) { return absl::StrCat("[", absl::StrJoin(shape, ", "), "]"); }

// How a key is written in a path; nullopt for keys that have no such form.
std::optional<std::string> step_of(const PyValue& key) {
  switch (key.kind()) {
    case Kind::kString:
    case Kind::kBytes:
    case Kind::kBigInt:
      return key.text();
    case Kind::kNone:
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kFloat:
    case Kind::kDtype:
    case Kind::kDevice:
    case Kind::kLayout:
      return key.summary();
    case Kind::kGlobal:
      return key.class_name();
    default:
      return std::nullopt;
  }
}

// Distinguishes 3, "3" and True, as a dict of Python does.
std::optional<std::string> index_key(const PyValue& key) {
  const std::optional<std::string> step = step_of(key);
  if (!step) return std::nullopt;
  const char kind = key.kind() == Kind::kString ? 's' : key.kind() == Kind::kInt ? 'i' : 'o';
  return absl::StrCat(std::string(1, kind), ":", key.kind() == Kind::kBytes ? "b" : "", *step);
}

const PyValue* attribute_of(const PyValue& value, std::string_view name) {
  for (const PyEntry& entry : value.attributes()) {
    if (entry.first.kind() == Kind::kString && entry.first.body()->text == name) return &entry.second;
  }
  return nullptr;
}

}  // namespace

PyValue::PyValue(const char* text) : PyValue(std::string(text)) {}
PyValue::PyValue(std::string_view text) : PyValue(std::string(text)) {}
PyValue::PyValue(std::string text) {
  BodyPtr body = make_body(Kind::kString, "str");
  body->text = std::move(text);
  value_ = std::move(body);
}
PyValue::PyValue(at::Tensor tensor) {
  if (!tensor.defined()) return;
  BodyPtr body = make_body(Kind::kTensor, "torch.Tensor");
  body->tensor = std::move(tensor);
  value_ = std::move(body);
}

PyValue PyValue::bytes(std::string raw, std::string class_name) {
  BodyPtr body = make_body(Kind::kBytes, std::move(class_name));
  body->text = std::move(raw);
  return PyValue(std::move(body));
}

PyValue PyValue::big_int(std::string little_endian) {
  while (little_endian.size() > 1) {
    const auto last = static_cast<uint8_t>(little_endian.back());
    const bool negative = (static_cast<uint8_t>(little_endian[little_endian.size() - 2]) & 0x80) != 0;
    if (last != (negative ? 0xff : 0x00)) break;
    little_endian.pop_back();
  }
  if (little_endian.size() <= 8) {
    uint64_t number = !little_endian.empty() && (static_cast<uint8_t>(little_endian.back()) & 0x80) != 0 ? ~0ULL : 0;
    std::memcpy(&number, little_endian.data(), little_endian.size());
    return PyValue(static_cast<int64_t>(number));
  }
  BodyPtr body = make_body(Kind::kBigInt, "int");
  body->text = std::move(little_endian);
  return PyValue(std::move(body));
}

PyValue PyValue::parameter(at::Tensor tensor) {
  PyValue value(std::move(tensor));
  if (value.is_tensor()) value.body()->class_name = "torch.nn.parameter.Parameter";
  return value;
}

PyValue PyValue::storage(c10::Storage storage, std::optional<c10::ScalarType> dtype) {
  BodyPtr body = make_body(Kind::kStorage, dtype ? "torch.storage.TypedStorage" : "torch.storage.UntypedStorage");
  body->storage = std::move(storage);
  body->dtype = dtype;
  return PyValue(std::move(body));
}

PyValue PyValue::array(at::Tensor tensor) {
  BodyPtr body = make_body(Kind::kArray, "numpy.ndarray");
  body->shape = tensor.sizes().vec();
  body->tensor = std::move(tensor);
  return PyValue(std::move(body));
}

PyValue PyValue::list(std::vector<PyValue> items) {
  BodyPtr body = make_body(Kind::kList, "list");
  body->items = std::move(items);
  return PyValue(std::move(body));
}

PyValue PyValue::tuple(std::vector<PyValue> items, std::string class_name) {
  BodyPtr body = make_body(Kind::kTuple, std::move(class_name));
  body->items = std::move(items);
  return PyValue(std::move(body));
}

PyValue PyValue::size(c10::IntArrayRef sizes) {
  return tuple(std::vector<PyValue>(sizes.begin(), sizes.end()), "torch.Size");
}

PyValue PyValue::set(std::vector<PyValue> items, std::string class_name) {
  BodyPtr body = make_body(Kind::kSet, std::move(class_name));
  body->items = std::move(items);
  return PyValue(std::move(body));
}

PyValue PyValue::dict(std::vector<PyEntry> entries, std::string class_name) {
  PyValue result(make_body(Kind::kDict, std::move(class_name)));
  for (PyEntry& entry : entries) (void)result.set(std::move(entry.first), std::move(entry.second));
  return result;
}

PyValue PyValue::ordered_dict(std::vector<PyEntry> entries) {
  return dict(std::move(entries), "collections.OrderedDict");
}

PyValue PyValue::global(std::string module, std::string name) {
  BodyPtr body = make_body(Kind::kGlobal, std::move(name));
  body->module = std::move(module);
  return PyValue(std::move(body));
}

PyValue PyValue::object(std::string module, std::string name) {
  BodyPtr body = make_body(Kind::kObject, std::move(name));
  body->module = std::move(module);
  return PyValue(std::move(body));
}

const BodyPtr& PyValue::body() const {
  static const BodyPtr kNone;
  const auto* body = std::get_if<BodyPtr>(&value_);
  return body == nullptr ? kNone : *body;
}

Kind PyValue::kind() const {
  static constexpr std::array kPlain = {Kind::kNone,    Kind::kBool,   Kind::kInt,   Kind::kFloat,
                                        Kind::kComplex, Kind::kDevice, Kind::kDtype, Kind::kLayout};
  const BodyPtr& pointer = body();
  return pointer == nullptr ? kPlain[value_.index()] : pointer->kind;
}

std::string PyValue::class_name() const {
  switch (kind()) {
    case Kind::kNone:
      return "None";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kFloat:
      return "float";
    case Kind::kComplex:
      return "complex";
    case Kind::kDevice:
      return "torch.device";
    case Kind::kDtype:
      return "torch.dtype";
    case Kind::kLayout:
      return "torch.layout";
    case Kind::kObject:
    case Kind::kGlobal:
      return body()->module.empty() ? body()->class_name : absl::StrCat(body()->module, ".", body()->class_name);
    default:
      return body()->class_name;
  }
}

const std::vector<PyValue>& PyValue::items() const { return (body() ? *body() : empty_body()).items; }
const std::vector<PyEntry>& PyValue::entries() const { return (body() ? *body() : empty_body()).entries; }
const std::vector<PyEntry>& PyValue::attributes() const { return (body() ? *body() : empty_body()).attributes; }
const std::vector<PyValue>& PyValue::arguments() const { return (body() ? *body() : empty_body()).arguments; }
at::Tensor PyValue::tensor() const { return body() ? body()->tensor : at::Tensor(); }
std::string_view PyValue::raw() const {
  const PyBody& from = body() ? *body() : empty_body();
  return kind() == Kind::kBigInt ? from.text : from.raw;
}
std::string PyValue::text() const {
  if (kind() == Kind::kBigInt) return decimal(body()->text);
  return body() ? body()->text : std::string();
}
std::vector<int64_t> PyValue::shape() const {
  if (kind() == Kind::kTensor) return tensor().sizes().vec();
  return body() ? body()->shape : std::vector<int64_t>();
}
c10::Storage PyValue::storage() const { return body() ? body()->storage : c10::Storage(); }
std::string PyValue::module_name() const { return body() ? body()->module : std::string(); }
std::string PyValue::name() const {
  return kind() == Kind::kObject || kind() == Kind::kGlobal ? body()->class_name : std::string();
}
bool PyValue::is_call() const { return body() && body()->is_call; }

bool PyValue::is(const PyValue& other) const {
  if (kind() != other.kind()) return false;
  if (body() == nullptr) return value_ == other.value_;
  if (kind() == Kind::kString || kind() == Kind::kBytes || kind() == Kind::kBigInt) {
    return body()->text == other.body()->text;
  }
  if (kind() == Kind::kGlobal) return class_name() == other.class_name();
  return body() == other.body();
}

// ---- walking

std::vector<std::pair<std::string, PyValue>> PyValue::children() const {
  std::vector<std::pair<std::string, PyValue>> result;
  if (body() == nullptr) return result;
  const PyBody& from = *body();
  for (size_t i = 0; i < from.items.size(); ++i) result.emplace_back(absl::StrCat(i), from.items[i]);
  for (size_t i = 0; i < from.entries.size(); ++i) {
    const PyEntry& entry = from.entries[i];
    result.emplace_back(step_of(entry.first).value_or(absl::StrCat("<key ", i, ": ", entry.first.summary(), ">")),
                        entry.second);
  }
  if (from.kind == Kind::kObject) {
    for (size_t i = 0; i < from.arguments.size(); ++i) {
      result.emplace_back(absl::StrCat("<argument ", i, ">"), from.arguments[i]);
    }
  }
  for (const PyEntry& entry : from.attributes) {
    result.emplace_back(step_of(entry.first).value_or(entry.first.summary()), entry.second);
  }
  return result;
}

namespace {

void walk_below(const PyValue& value, const std::string& path, int depth,
                const std::function<bool(const std::string&, const PyValue&)>& visit) {
  if (!visit(path, value) || depth >= kMaxDepth) return;
  for (const auto& [step, child] : value.children()) {
    walk_below(child, internal::py_path(path, step), depth + 1, visit);
  }
}

}  // namespace

void PyValue::walk(const std::function<bool(const std::string& path, const PyValue& value)>& visit) const {
  walk_below(*this, "", 0, visit);
}

const PyValue* PyValue::find_entry(std::string_view step) const {
  const BodyPtr& from = body();
  for (const char kind : {'s', 'i', 'o'}) {
    const std::string key = absl::StrCat(std::string(1, kind), ":", std::string(step));
    if (const auto found = from->index.find(key); found != from->index.end())
      return &from->entries[found->second].second;
  }
  return nullptr;
}

const PyValue* PyValue::find_child(std::string_view step) const {
  if (body() == nullptr) return nullptr;
  const PyBody& from = *body();
  if (const PyValue* entry = find_entry(step); entry != nullptr) return entry;
  const auto position = [&](const std::vector<PyValue>& in, std::string_view digits) -> const PyValue* {
    if (digits.empty() || digits.size() > 9 || digits.find_first_not_of("0123456789") != digits.npos) return nullptr;
    size_t index = 0;
    for (const char digit : digits) index = index * 10 + static_cast<size_t>(digit - '0');
    return index < in.size() ? &in[index] : nullptr;
  };
  if (const PyValue* item = position(from.items, step); item != nullptr) return item;
  if (const PyValue* attribute = attribute_of(*this, step); attribute != nullptr) return attribute;
  if (from.kind != Kind::kObject) return nullptr;
  if (step.starts_with("<argument ") && step.ends_with(">")) {
    return position(from.arguments, step.substr(10, step.size() - 11));
  }
  // As nn.Module's attribute access does.
  for (const char* holder : {"_parameters", "_buffers", "_modules"}) {
    const PyValue* held = attribute_of(*this, holder);
    if (held == nullptr || !held->is_dict()) continue;
    if (const PyValue* found = held->find_entry(step); found != nullptr) return found;
  }
  // A NamedTuple's fields have no names in a pickle: positions.
  return position(from.arguments, step);
}

bool PyValue::follow(std::string_view path, PyValue& found, std::string& reached, std::string& rest) const {
  if (path.empty()) {
    found = *this;
    return true;
  }
  bool led_on = false;
  for (size_t end = path.size(); end != path.npos && end > 0; end = path.rfind('.', end - 1)) {
    const PyValue* child = find_child(path.substr(0, end));
    if (child == nullptr) continue;
    const std::string_view below = end == path.size() ? std::string_view() : path.substr(end + 1);
    const std::string before = reached;
    reached = internal::py_path(reached, path.substr(0, end));
    if (child->follow(below, found, reached, rest)) return true;
    if (led_on) reached = before;
    led_on = true;
  }
  if (!led_on) {
    found = *this;
    rest = path;
  }
  return false;
}

absl::StatusOr<PyValue> PyValue::at(std::string_view path) const {
  PyValue found;
  std::string reached;
  std::string rest;
  if (follow(path, found, reached, rest)) return found;
  std::vector<std::string> names;
  for (const auto& [step, child] : found.children()) {
    if (names.size() == 10) {
      names.push_back("...");
      break;
    }
    names.push_back(in_quotes(step));
  }
  return absl::NotFoundError(absl::StrFormat("there is nothing at %s: %s is %s%s", in_quotes(path),
                                             reached.empty() ? "the value" : in_quotes(reached), found.summary(),
                                             names.empty() ? "" : absl::StrCat(" with ", absl::StrJoin(names, ", "))));
}

// ---- changing

absl::Status PyValue::set(PyValue key, PyValue value) {
  if (kind() != Kind::kDict && kind() != Kind::kObject) {
    return absl::InvalidArgumentError(absl::StrCat("a key cannot be set: expected a dict, got ", summary()));
  }
  PyBody& target = *body();
  const std::optional<std::string> index = index_key(key);
  if (index) {
    if (const auto found = target.index.find(*index); found != target.index.end()) {
      target.entries[found->second].second = std::move(value);
      return absl::OkStatus();
    }
    target.index.emplace(*index, target.entries.size());
  }
  target.entries.emplace_back(std::move(key), std::move(value));
  return absl::OkStatus();
}

absl::Status PyValue::erase(const PyValue& key) {
  const std::optional<std::string> index = index_key(key);
  if (body() == nullptr || !index) return absl::NotFoundError(absl::StrCat("no key ", key.summary()));
  PyBody& target = *body();
  const auto found = target.index.find(*index);
  if (found == target.index.end()) return absl::NotFoundError(absl::StrCat("no key ", key.summary()));
  const size_t position = found->second;
  target.entries.erase(target.entries.begin() + static_cast<std::ptrdiff_t>(position));
  target.index.erase(found);
  for (auto& [name, place] : target.index) place -= place > position ? 1 : 0;
  return absl::OkStatus();
}

absl::Status PyValue::append(PyValue value) {
  if (kind() != Kind::kList && kind() != Kind::kSet && kind() != Kind::kObject) {
    return absl::InvalidArgumentError(absl::StrCat("nothing can be appended: expected a list or set, got ", summary()));
  }
  body()->items.push_back(std::move(value));
  return absl::OkStatus();
}

absl::Status PyValue::set_attribute(std::string name, PyValue value) {
  if (body() == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("an attribute cannot be set on ", summary()));
  }
  for (PyEntry& entry : body()->attributes) {
    if (entry.first.kind() != Kind::kString || entry.first.text() != name) continue;
    entry.second = std::move(value);
    return absl::OkStatus();
  }
  body()->attributes.emplace_back(PyValue(std::move(name)), std::move(value));
  return absl::OkStatus();
}

// ---- text

std::string python_name(c10::ScalarType dtype) {
  return absl::StrCat("torch.", std::string(serialization::scalar_type_name(dtype)));
}

std::string python_name(c10::Layout layout) {
  switch (layout) {
    case c10::Layout::Strided:
      return "torch.strided";
    case c10::Layout::Sparse:
      return "torch.sparse_coo";
    case c10::Layout::SparseCsr:
      return "torch.sparse_csr";
    case c10::Layout::SparseCsc:
      return "torch.sparse_csc";
    case c10::Layout::SparseBsr:
      return "torch.sparse_bsr";
    case c10::Layout::SparseBsc:
      return "torch.sparse_bsc";
    case c10::Layout::Mkldnn:
      return "torch._mkldnn";
    default:
      return "torch.jagged";
  }
}

namespace {

std::string tensor_summary(const PyValue& value) {
  const at::Tensor tensor = value.tensor();
  const bool parameter = value.class_name() == "torch.nn.parameter.Parameter";
  std::string text = absl::StrCat(parameter ? "Parameter " : "Tensor ",
                                  std::string(serialization::scalar_type_name(tensor.scalar_type())), " ",
                                  shape_text(tensor.sizes().vec()));
  if (tensor.layout() != c10::kStrided) absl::StrAppend(&text, " ", python_name(tensor.layout()).substr(6));
  if (!tensor.device().is_cpu()) absl::StrAppend(&text, " on ", tensor.device().str());
  if (tensor.requires_grad() && !parameter) text += " requires_grad";
  return text;
}

std::string counted(const PyValue& value, size_t count) {
  const std::string name = value.class_name();
  const size_t dot = name.rfind('.');
  return absl::StrCat(dot == name.npos ? name : name.substr(dot + 1), " of ", count);
}

std::string object_summary(const PyValue& value) {
  const std::string name = printable(value.class_name());
  if (value.is_call()) return absl::StrCat("call of '", name, "', not made");
  return absl::StrCat("object of class '", name, "'");
}

}  // namespace

std::string PyValue::summary() const {
  switch (kind()) {
    case Kind::kNone:
      return "None";
    case Kind::kBool:
      return std::get<bool>(value_) ? "True" : "False";
    case Kind::kInt:
      return absl::StrCat(std::get<int64_t>(value_));
    case Kind::kBigInt:
      return text();
    case Kind::kFloat:
      return float_text(std::get<double>(value_));
    case Kind::kComplex: {
      const auto number = std::get<c10::complex<double>>(value_);
      return absl::StrCat("(", float_text(number.real()), number.imag() < 0 ? "" : "+", float_text(number.imag()),
                          "j)");
    }
    case Kind::kString:
      return in_quotes(body()->text);
    case Kind::kBytes:
      return absl::StrCat(body()->class_name, " of ", body()->text.size());
    case Kind::kTensor:
      return tensor_summary(*this);
    case Kind::kStorage:
      return absl::StrCat("storage of ", body()->storage.nbytes(), " bytes");
    case Kind::kArray:
      return absl::StrCat(class_name(), " ",
                          tensor().defined() ? std::string(serialization::scalar_type_name(tensor().scalar_type()))
                                             : printable(body()->text),
                          " ", shape_text(body()->shape));
    case Kind::kDtype:
      return python_name(std::get<c10::ScalarType>(value_));
    case Kind::kDevice:
      return absl::StrCat("device '", std::get<c10::Device>(value_).str(), "'");
    case Kind::kLayout:
      return python_name(std::get<c10::Layout>(value_));
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kSet:
      return counted(*this, items().size());
    case Kind::kDict:
      return counted(*this, entries().size());
    case Kind::kGlobal:
      return absl::StrCat("class or function '", printable(class_name()), "'");
    case Kind::kObject:
      return object_summary(*this);
  }
  return "";
}

std::string PyValue::to_string(int64_t max_items) const {
  std::string text;
  const std::function<void(const PyValue&, std::string_view, int)> print = [&](const PyValue& value,
                                                                               std::string_view name, int depth) {
    absl::StrAppend(&text, std::string(static_cast<size_t>(2 * depth), ' '), name.empty() ? "" : printable(name),
                    name.empty() ? "" : ": ", value.summary(), "\n");
    if (depth >= kMaxDepth) return;
    int64_t shown = 0;
    const auto children = value.children();
    for (const auto& [step, child] : children) {
      if (++shown > max_items) {
        absl::StrAppend(&text, std::string(static_cast<size_t>(2 * depth + 2), ' '), "... ",
                        static_cast<int64_t>(children.size()) - max_items, " more\n");
        return;
      }
      print(child, step, depth + 1);
    }
  };
  print(*this, "", 0);
  if (!text.empty()) text.pop_back();
  return text;
}

// ---- state dicts

namespace {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

bool is_module(const PyValue& value) {
  return value.kind() == Kind::kObject && attribute_of(value, "_parameters") != nullptr &&
         attribute_of(value, "_modules") != nullptr;
}

void collect_module(const PyValue& module, const std::string& prefix, int depth, NamedTensors& into) {
  if (depth > kMaxDepth) return;
  const PyValue* transient = attribute_of(module, "_non_persistent_buffers_set");
  const auto is_transient = [&](const std::string& name) {
    if (transient == nullptr) return false;
    for (const PyValue& item : transient->items()) {
      if (item.kind() == Kind::kString && item.body()->text == name) return true;
    }
    return false;
  };
  for (const char* holder : {"_parameters", "_buffers"}) {
    const PyValue* held = attribute_of(module, holder);
    if (held == nullptr) continue;
    for (const PyEntry& entry : held->entries()) {
      if (entry.first.kind() != Kind::kString || !entry.second.is_tensor()) continue;
      if (holder == std::string_view("_buffers") && is_transient(entry.first.text())) continue;
      into.emplace_back(prefix + entry.first.text(), entry.second.tensor());
    }
  }
  const PyValue* children = attribute_of(module, "_modules");
  if (children == nullptr) return;
  for (const PyEntry& entry : children->entries()) {
    if (entry.first.kind() == Kind::kString && is_module(entry.second)) {
      collect_module(entry.second, prefix + entry.first.text() + ".", depth + 1, into);
    }
  }
}

NamedTensors tensors_of_dict(const PyValue& value) {
  NamedTensors result;
  for (const PyEntry& entry : value.entries()) {
    if (entry.first.kind() == Kind::kString && entry.second.is_tensor()) {
      result.emplace_back(entry.first.text(), entry.second.tensor());
    }
  }
  return result;
}

}  // namespace

absl::StatusOr<NamedTensors> PyValue::state_dict() const {
  NamedTensors result;
  if (is_module(*this)) {
    collect_module(*this, "", 0, result);
    return result;
  }
  if (is_dict()) {
    result = tensors_of_dict(*this);
    if (!result.empty() || entries().empty()) return result;
  }
  std::vector<std::string> candidates;
  for (const auto& [step, child] : children()) {
    if (is_module(child) || (child.is_dict() && !tensors_of_dict(child).empty())) candidates.push_back(in_quotes(step));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("expected a state dict (a dict of tensors by name) or a module, got ", summary(),
                   candidates.empty() ? "" : absl::StrCat("; there is one at ", absl::StrJoin(candidates, ", ")), ""));
}

// ---- typed access

namespace internal {

absl::Status wrong_py_type(std::string_view expected, std::string_view path, const PyValue& value) {
  static constexpr std::array kByClass = {Kind::kBool,  Kind::kInt,     Kind::kBigInt,
                                          Kind::kFloat, Kind::kComplex, Kind::kString};
  const bool plain = std::find(kByClass.begin(), kByClass.end(), value.kind()) != kByClass.end();
  const std::string got = value.is_tensor() ? "Tensor" : plain ? value.class_name() : value.summary();
  return absl::InvalidArgumentError(absl::StrCat(
      "expected ", std::string(expected), path.empty() ? "" : absl::StrCat(" at ", in_quotes(path)), ", got ", got));
}

namespace {

// The number of a numpy scalar; nullopt for any other value.
template <class T>
std::optional<T> array_number(const PyValue& value) {
  if (value.kind() != Kind::kArray || !value.shape().empty() || !value.tensor().defined()) return std::nullopt;
  const at::Tensor tensor = value.tensor();
  const void* data = tensor.const_data_ptr();
  const auto read = [&]<class From>(From) -> T { return static_cast<T>(*static_cast<const From*>(data)); };
  switch (tensor.scalar_type()) {
    case c10::ScalarType::Byte:
      return read(uint8_t());
    case c10::ScalarType::Char:
      return read(int8_t());
    case c10::ScalarType::Short:
      return read(int16_t());
    case c10::ScalarType::Int:
      return read(int32_t());
    case c10::ScalarType::Long:
      return read(int64_t());
    case c10::ScalarType::UInt16:
      return read(uint16_t());
    case c10::ScalarType::UInt32:
      return read(uint32_t());
    default:
      break;
  }
  if constexpr (std::is_floating_point_v<T>) {
    if (tensor.scalar_type() == c10::ScalarType::Float) return read(float());
    if (tensor.scalar_type() == c10::ScalarType::Double) return read(double());
    if (tensor.scalar_type() == c10::ScalarType::Half)
      return static_cast<T>(float(*static_cast<const c10::Half*>(data)));
  }
  return std::nullopt;
}

}  // namespace

bool convert_py(const PyValue& value, bool& to) {
  if (value.kind() == Kind::kArray && value.shape().empty() && value.tensor().defined() &&
      value.tensor().scalar_type() == c10::ScalarType::Bool) {
    to = *static_cast<const uint8_t*>(value.tensor().const_data_ptr()) != 0;
    return true;
  }
  if (value.kind() != Kind::kBool) return false;
  to = value.summary() == "True";
  return true;
}

bool convert_py(const PyValue& value, int64_t& to) {
  if (const auto number = array_number<int64_t>(value)) {
    to = *number;
    return true;
  }
  const absl::StatusOr<c10::IValue> plain = value.kind() == Kind::kInt ? value.to_ivalue() : absl::UnknownError("");
  if (plain.ok()) to = plain->toInt();
  return plain.ok();
}

bool convert_py(const PyValue& value, int& to) {
  int64_t wide = 0;
  if (!convert_py(value, wide) || wide < std::numeric_limits<int>::min() || wide > std::numeric_limits<int>::max()) {
    return false;
  }
  to = static_cast<int>(wide);
  return true;
}

bool convert_py(const PyValue& value, double& to) {
  if (const auto number = array_number<double>(value)) {
    to = *number;
    return true;
  }
  int64_t whole = 0;
  if (convert_py(value, whole)) {
    to = static_cast<double>(whole);
    return true;
  }
  if (value.kind() != Kind::kFloat) return false;
  to = value.to_ivalue()->toDouble();
  return true;
}

bool convert_py(const PyValue& value, c10::complex<double>& to) {
  double real = 0;
  if (convert_py(value, real)) {
    to = real;
    return true;
  }
  if (value.kind() != Kind::kComplex) return false;
  to = value.to_ivalue()->toComplexDouble();
  return true;
}

bool convert_py(const PyValue& value, std::string& to) {
  if (value.kind() != Kind::kString && value.kind() != Kind::kBytes) return false;
  to = value.body()->text;
  return true;
}

bool convert_py(const PyValue& value, at::Tensor& to) {
  if (value.kind() != Kind::kTensor) return false;
  to = value.tensor();
  return true;
}

bool convert_py(const PyValue& value, c10::Device& to) {
  if (value.kind() != Kind::kDevice) return false;
  to = value.to_ivalue()->toDevice();
  return true;
}

bool convert_py(const PyValue& value, c10::ScalarType& to) {
  if (value.kind() != Kind::kDtype) return false;
  to = static_cast<c10::ScalarType>(value.to_ivalue()->toInt());
  return true;
}

bool convert_py(const PyValue& value, c10::Layout& to) {
  if (value.kind() != Kind::kLayout) return false;
  to = static_cast<c10::Layout>(value.to_ivalue()->toInt());
  return true;
}

}  // namespace internal

// ---- values of TorchScript

namespace {

using IValues = std::vector<c10::IValue>;

class ToIValue {
 public:
  absl::StatusOr<c10::IValue> convert(const PyValue& value, const std::string& path) {
    if (path_depth_ > kMaxDepth) return absl::InvalidArgumentError("a value nests deeper than 1000");
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
      const std::string below = internal::py_path(path, step_of(entry.first).value_or(entry.first.summary()));
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
    if (depth > kMaxDepth / 2) return absl::InvalidArgumentError("a value that nests deeper than 500");
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
