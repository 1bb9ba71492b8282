// A PyValue is a plain value or a pointer to a body. Dicts keep an index of their keys' texts ("s:name", "i:3"), so
// that looking up by name takes no walk. Paths are resolved with backtracking, longest key first: keys of state dicts
// hold dots.

#include "serialization/python_value.h"

#include <algorithm>

#include <ATen/core/ivalue.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "ir/support/status.h"
#include "serialization/python_value_parts.h"

namespace vesta {

using internal::in_quotes;
using internal::kMaxPyDepth;
using internal::py_attribute;
using internal::py_step;
using Kind = PyValue::Kind;
using BodyPtr = std::shared_ptr<PyBody>;

namespace {

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

// Distinguishes 3, "3" and True, as a dict of Python does.
std::optional<std::string> index_key(const PyValue& key) {
  const std::optional<std::string> step = py_step(key);
  if (!step) return std::nullopt;
  const char kind = key.kind() == Kind::kString ? 's' : key.kind() == Kind::kInt ? 'i' : 'o';
  return absl::StrCat(std::string(1, kind), ":", key.kind() == Kind::kBytes ? "b" : "", *step);
}

}  // namespace

namespace internal {

std::optional<std::string> py_step(const PyValue& key) {
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

const PyValue* py_attribute(const PyValue& value, std::string_view name) {
  for (const PyEntry& entry : value.attributes()) {
    if (entry.first.kind() == Kind::kString && entry.first.body()->text == name) return &entry.second;
  }
  return nullptr;
}

}  // namespace internal

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
    result.emplace_back(py_step(entry.first).value_or(absl::StrCat("<key ", i, ": ", entry.first.summary(), ">")),
                        entry.second);
  }
  if (from.kind == Kind::kObject) {
    for (size_t i = 0; i < from.arguments.size(); ++i) {
      result.emplace_back(absl::StrCat("<argument ", i, ">"), from.arguments[i]);
    }
  }
  for (const PyEntry& entry : from.attributes) {
    result.emplace_back(py_step(entry.first).value_or(entry.first.summary()), entry.second);
  }
  return result;
}

namespace {

void walk_below(const PyValue& value, const std::string& path, int depth,
                const std::function<bool(const std::string&, const PyValue&)>& visit) {
  if (!visit(path, value) || depth >= kMaxPyDepth) return;
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
  if (const PyValue* attribute = py_attribute(*this, step); attribute != nullptr) return attribute;
  if (from.kind != Kind::kObject) return nullptr;
  if (step.starts_with("<argument ") && step.ends_with(">")) {
    return position(from.arguments, step.substr(10, step.size() - 11));
  }
  // As nn.Module's attribute access does.
  for (const char* holder : {"_parameters", "_buffers", "_modules"}) {
    const PyValue* held = py_attribute(*this, holder);
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

}  // namespace vesta
