// A stack machine. An opcode is a row of a table: its byte, its name, and the member function that
// executes it. Values on the stack are IValues; MARK is an index into the stack; the memo is a map,
// because its keys are the writer's choice. Strings are bytes: C++ writers do not check for UTF-8.
//
// Nothing recurses. Containers may be filled through the memo after they were put into others, so
// that a file can make cycles and chains of any length; each container is held by a ContainerSet
// until the whole has been measured.

#include "serialization/pickle_reader.h"

#include <array>
#include <charconv>
#include <cstdlib>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/little_endian.h"
#include "serialization/pickle_graph.h"
#include "serialization/utf8.h"

namespace vesta::serialization {
namespace {

using c10::IValue;

bool is_dict_key(const IValue& value) {
  return value.isInt() || value.isString() || value.isDouble() || value.isBool() || value.isComplexDouble() ||
         value.isTensor() || value.isDevice();
}

class PickleMachine {
 public:
  PickleMachine(std::string_view bytes, std::string_view name, PickleHandler& handler, const PickleOptions& options)
      : bytes_(bytes), name_(name), handler_(handler), options_(options) {}

  absl::StatusOr<PickleResult> run() {
    if (absl::Status status = execute(); !status.ok()) return located(std::move(status));
    const absl::StatusOr<bool> holds_pickle_objects =
        containers_->check(stack_.back(), options_.limits, options_.allow_cycles);
    if (!holds_pickle_objects.ok()) return located(holds_pickle_objects.status());
    PickleResult result{std::move(stack_.back()), at_, *holds_pickle_objects, nullptr};
    if (options_.allow_cycles) {
      result.containers = containers_;
    } else {
      containers_->release();
    }
    return result;
  }

 private:
  struct Op {
    uint8_t code;
    const char* name;
    absl::Status (PickleMachine::*execute)();
  };
  static const std::array<Op, 68> kOps;
  // The row of an opcode's byte; null if there is none.
  static const Op* find_op(uint8_t code);

  absl::Status located(absl::Status status) const {
    if (status.ok()) return status;
    return {status.code(),
            absl::StrFormat("%s: at byte %d%s: %s", name_, op_at_,
                            op_ == nullptr ? "" : absl::StrFormat(" (%s)", op_->name), std::string(status.message()))};
  }

  absl::Status execute() {
    int64_t operations = 0;
    while (!stopped_) {
      op_at_ = at_;
      op_ = nullptr;
      if (at_ >= bytes_.size()) return absl::DataLossError("the pickle ends without STOP");
      const auto code = static_cast<uint8_t>(bytes_[at_++]);
      op_ = find_op(code);
      if (op_ == nullptr) return absl::DataLossError(absl::StrFormat("0x%02x is no opcode", code));
      if (++operations > options_.limits.pickle_operations) {
        return absl::ResourceExhaustedError(
            absl::StrFormat("the limit 'pickle_operations' is %d", options_.limits.pickle_operations));
      }
      VESTA_RETURN_IF_ERROR((this->*op_->execute)());
    }
    if (stack_.size() != 1 || !marks_.empty()) {
      return absl::DataLossError(
          absl::StrFormat("%d values and %d marks are left, one value is expected", stack_.size(), marks_.size()));
    }
    return absl::OkStatus();
  }

  // ---- input
  absl::StatusOr<std::string_view> take(uint64_t size) {
    if (size > bytes_.size() - at_) {
      return absl::DataLossError(absl::StrFormat("%d bytes are announced, %d are left", size, bytes_.size() - at_));
    }
    const std::string_view result = bytes_.substr(at_, size);
    at_ += size;
    return result;
  }
  template <typename T>
  absl::StatusOr<T> take_number() {
    VESTA_ASSIGN_OR_RETURN(const std::string_view raw, take(sizeof(T)));
    return load_little<T>(raw.data());
  }
  absl::StatusOr<std::string_view> take_line() {
    const size_t end = bytes_.find('\n', at_);
    if (end == bytes_.npos) return absl::DataLossError("a line without end");
    const std::string_view line = bytes_.substr(at_, end - at_);
    at_ = end + 1;
    return line;
  }
  template <typename Length>
  absl::StatusOr<std::string_view> take_string() {
    VESTA_ASSIGN_OR_RETURN(const Length length, take_number<Length>());
    if constexpr (std::is_signed_v<Length>) {
      if (length < 0) return absl::DataLossError("a negative length");
    }
    VESTA_ASSIGN_OR_RETURN(const std::string_view text, take(static_cast<uint64_t>(length)));
    return counted(text);
  }
  absl::StatusOr<std::string_view> counted(std::string_view text) {
    string_bytes_ += static_cast<int64_t>(text.size());
    if (string_bytes_ > options_.limits.pickle_string_bytes) {
      return absl::ResourceExhaustedError(absl::StrFormat(
          "strings take more than the limit 'pickle_string_bytes', %d bytes", options_.limits.pickle_string_bytes));
    }
    return text;
  }

  // ---- stack
  size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  absl::Status need(size_t count) const {
    if (stack_.size() - floor() >= count) return absl::OkStatus();
    return absl::DataLossError(
        absl::StrFormat("it takes %d values, the stack has %d above the last mark", count, stack_.size() - floor()));
  }
  absl::Status push(IValue value) {
    stack_.push_back(std::move(value));
    return absl::OkStatus();
  }
  // For a new container, or one that a handler returns.
  absl::Status push_tracked(IValue value) {
    containers_->add(value);
    return push(std::move(value));
  }
  absl::Status push_result(absl::StatusOr<IValue> value) {
    if (!value.ok()) return std::move(value).status();
    return push_tracked(*std::move(value));
  }
  absl::StatusOr<IValue> pop() {
    VESTA_RETURN_IF_ERROR(need(1));
    IValue value = std::move(stack_.back());
    stack_.pop_back();
    return value;
  }
  absl::StatusOr<std::vector<IValue>> pop_to_mark() {
    if (marks_.empty()) return absl::DataLossError("no mark on the stack");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<IValue> values(std::make_move_iterator(first), std::make_move_iterator(stack_.end()));
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return values;
  }

  // ---- opcodes: stack
  absl::Status op_mark() {
    if (static_cast<int64_t>(marks_.size()) >= options_.limits.pickle_depth) {
      return absl::ResourceExhaustedError(
          absl::StrFormat("values nest deeper than the limit 'pickle_depth', %d", options_.limits.pickle_depth));
    }
    marks_.push_back(stack_.size());
    return absl::OkStatus();
  }
  absl::Status op_stop() {
    VESTA_RETURN_IF_ERROR(need(1));
    stopped_ = true;
    return absl::OkStatus();
  }
  absl::Status op_pop() {
    // As in CPython, POP with nothing above the last mark takes the mark.
    if (stack_.size() == floor() && !marks_.empty()) {
      marks_.pop_back();
      return absl::OkStatus();
    }
    return pop().status();
  }
  absl::Status op_pop_mark() { return pop_to_mark().status(); }
  absl::Status op_dup() {
    VESTA_RETURN_IF_ERROR(need(1));
    return push(IValue(stack_.back()));
  }
  absl::Status op_proto() {
    VESTA_ASSIGN_OR_RETURN(const uint8_t version, take_number<uint8_t>());
    if (version <= 5) return absl::OkStatus();
    return absl::DataLossError(absl::StrFormat("protocol %d; 0 to 5 are known", version));
  }
  absl::Status op_frame() { return take_number<uint64_t>().status(); }

  // ---- opcodes: plain values
  absl::Status op_none() { return push(IValue()); }
  absl::Status op_true() { return push(IValue(true)); }
  absl::Status op_false() { return push(IValue(false)); }
  template <typename T>
  absl::Status op_int() {
    VESTA_ASSIGN_OR_RETURN(const T number, take_number<T>());
    return push(IValue(static_cast<int64_t>(number)));
  }
  absl::Status op_binint1() { return options_.signed_binint1 ? op_int<int8_t>() : op_int<uint8_t>(); }
  absl::Status push_decimal(std::string_view digits) {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || end != digits.data() + digits.size()) {
      return absl::DataLossError(absl::StrFormat("'%s' is no 64-bit integer", printable(digits)));
    }
    return push(IValue(number));
  }
  absl::Status op_int_line() {
    VESTA_ASSIGN_OR_RETURN(const std::string_view line, take_line());
    if (line == "00") return op_false();
    if (line == "01") return op_true();
    return push_decimal(line);
  }
  absl::Status op_long_line() {
    VESTA_ASSIGN_OR_RETURN(std::string_view line, take_line());
    if (line.ends_with('L')) line.remove_suffix(1);
    return push_decimal(line);
  }
  absl::Status push_long(std::string_view raw) {
    // Drop sign extension, so that a long form of a small number is that number.
    while (raw.size() > 8) {
      const auto last = static_cast<uint8_t>(raw.back());
      const bool negative = (static_cast<uint8_t>(raw[raw.size() - 2]) & 0x80) != 0;
      if (last != (negative ? 0xff : 0x00)) break;
      raw.remove_suffix(1);
    }
    if (raw.size() > 8) {
      auto big = c10::make_intrusive<PickleObject>(PickleObject::Kind::kBigInt);
      big->bytes = raw;
      return push_tracked(PickleObject::wrap(std::move(big)));
    }
    uint64_t number = !raw.empty() && (static_cast<uint8_t>(raw.back()) & 0x80) != 0 ? ~uint64_t{0} : 0;
    std::memcpy(&number, raw.data(), raw.size());
    return push(IValue(static_cast<int64_t>(number)));
  }
  template <typename Length>
  absl::Status op_long() {
    VESTA_ASSIGN_OR_RETURN(const std::string_view raw, take_string<Length>());
    return push_long(raw);
  }
  absl::Status op_float() {
    VESTA_ASSIGN_OR_RETURN(const uint64_t big_endian, take_number<uint64_t>());
    return push(IValue(std::bit_cast<double>(__builtin_bswap64(big_endian))));
  }
  absl::Status op_float_line() {
    VESTA_ASSIGN_OR_RETURN(const std::string_view line, take_line());
    double number = 0;
    if (!absl::SimpleAtod(absl::string_view(line.data(), line.size()), &number)) {
      return absl::DataLossError(absl::StrFormat("'%s' is no number", printable(line)));
    }
    return push(IValue(number));
  }
  template <typename Length>
  absl::Status op_text() {
    VESTA_ASSIGN_OR_RETURN(const std::string_view text, take_string<Length>());
    return push(IValue(std::string(text)));
  }
  template <typename Length>
  absl::Status op_bytes() {
    VESTA_ASSIGN_OR_RETURN(const std::string_view raw, take_string<Length>());
    auto object = c10::make_intrusive<PickleObject>(PickleObject::Kind::kBytes);
    object->bytes = raw;
    return push_tracked(PickleObject::wrap(std::move(object)));
  }
  absl::Status op_unicode_line();
  absl::Status op_string_line();

  // ---- opcodes: containers
  absl::Status op_empty_tuple() { return push(c10::ivalue::Tuple::create(std::vector<IValue>{})); }
  absl::Status push_tuple(std::vector<IValue> values) {
    IValue tuple(c10::ivalue::Tuple::create(std::move(values)));
    for (const IValue& value : tuple.toTupleRef().elements()) {
      VESTA_RETURN_IF_ERROR(containers_->put(tuple, value, options_.limits));
    }
    return push_tracked(std::move(tuple));
  }
  absl::Status op_tuple() {
    VESTA_ASSIGN_OR_RETURN(std::vector<IValue> values, pop_to_mark());
    return push_tuple(std::move(values));
  }
  template <size_t N>
  absl::Status op_tuple_n() {
    VESTA_RETURN_IF_ERROR(need(N));
    const auto first = stack_.end() - static_cast<std::ptrdiff_t>(N);
    std::vector<IValue> values(std::make_move_iterator(first), std::make_move_iterator(stack_.end()));
    stack_.erase(first, stack_.end());
    return push_tuple(std::move(values));
  }
  absl::Status op_empty_list() { return push_tracked(c10::impl::GenericList(c10::AnyType::get())); }
  absl::Status op_empty_dict() { return push_tracked(handler_.empty_dict()); }
  absl::Status op_empty_set() {
    return push_tracked(PickleObject::wrap(c10::make_intrusive<PickleObject>(PickleObject::Kind::kSet)));
  }
  absl::Status op_list() {
    VESTA_ASSIGN_OR_RETURN(std::vector<IValue> values, pop_to_mark());
    VESTA_RETURN_IF_ERROR(op_empty_list());
    return append_all(std::move(values));
  }
  absl::Status op_dict() {
    VESTA_ASSIGN_OR_RETURN(std::vector<IValue> values, pop_to_mark());
    VESTA_RETURN_IF_ERROR(op_empty_dict());
    return set_all(std::move(values));
  }
  absl::Status op_frozen_set() {
    VESTA_ASSIGN_OR_RETURN(std::vector<IValue> values, pop_to_mark());
    VESTA_RETURN_IF_ERROR(op_empty_set());
    return add_all(std::move(values));
  }
  absl::Status append_all(std::vector<IValue> values) {
    VESTA_RETURN_IF_ERROR(need(1));
    const IValue target = stack_.back();
    if (target.isList()) {
      // Typed lists come from handlers that have checked their elements.
      c10::List<IValue> list = target.toList();
      if (list.elementType()->kind() != c10::TypeKind::AnyType) {
        return absl::DataLossError("a list grows after its type was set");
      }
      for (IValue& value : values) {
        VESTA_RETURN_IF_ERROR(containers_->put(target, value, options_.limits));
        list.push_back(std::move(value));
      }
      return absl::OkStatus();
    }
    for (IValue& value : values) VESTA_RETURN_IF_ERROR(handler_.append(target, std::move(value)));
    return absl::OkStatus();
  }
  absl::Status set_all(std::vector<IValue> values) {
    VESTA_RETURN_IF_ERROR(need(1));
    if (values.size() % 2 != 0) return absl::DataLossError("a key without a value");
    const IValue target = stack_.back();
    if (!target.isGenericDict()) {
      for (size_t i = 0; i < values.size(); i += 2) {
        VESTA_RETURN_IF_ERROR(handler_.set_item(target, std::move(values[i]), std::move(values[i + 1])));
      }
      return absl::OkStatus();
    }
    c10::impl::GenericDict dict = target.toGenericDict();
    if (dict.valueType()->kind() != c10::TypeKind::AnyType) {
      return absl::DataLossError("a dict grows after its type was set");
    }
    for (size_t i = 0; i < values.size(); i += 2) {
      if (!is_dict_key(values[i])) {
        return absl::DataLossError(
            absl::StrFormat("a key of kind %s; keys are str, int, float, bool, complex, tensors "
                            "and devices",
                            values[i].tagKind()));
      }
      VESTA_RETURN_IF_ERROR(containers_->put(target, values[i + 1], options_.limits));
      dict.insert_or_assign(std::move(values[i]), std::move(values[i + 1]));
    }
    return absl::OkStatus();
  }
  absl::Status add_all(std::vector<IValue> values) {
    VESTA_RETURN_IF_ERROR(need(1));
    PickleObject* set = PickleObject::from(stack_.back());
    if (set == nullptr || set->kind != PickleObject::Kind::kSet) return absl::DataLossError("its target is no set");
    for (IValue& value : values) set->items.push_back(std::move(value));
    return absl::OkStatus();
  }
  absl::Status op_append() {
    VESTA_ASSIGN_OR_RETURN(IValue value, pop());
    return append_all({std::move(value)});
  }
  absl::Status op_appends() {
    VESTA_ASSIGN_OR_RETURN(std::vector<IValue> values, pop_to_mark());
    return append_all(std::move(values));
  }
  absl::Status op_set_item() {
    VESTA_ASSIGN_OR_RETURN(IValue value, pop());
    VESTA_ASSIGN_OR_RETURN(IValue key, pop());
    return set_all({std::move(key), std::move(value)});
  }
  absl::Status op_set_items() {
    VESTA_ASSIGN_OR_RETURN(std::vector<IValue> values, pop_to_mark());
    return set_all(std::move(values));
  }
  absl::Status op_add_items() {
    VESTA_ASSIGN_OR_RETURN(std::vector<IValue> values, pop_to_mark());
    return add_all(std::move(values));
  }

  // ---- opcodes: memo
  absl::Status get(uint64_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) return absl::DataLossError(absl::StrFormat("memo %d is not set", key));
    return push(IValue(found->second));
  }
  absl::Status put(uint64_t key) {
    VESTA_RETURN_IF_ERROR(need(1));
    memo_[key] = stack_.back();
    return absl::OkStatus();
  }
  template <typename T>
  absl::Status op_get() {
    VESTA_ASSIGN_OR_RETURN(const T key, take_number<T>());
    return get(key);
  }
  template <typename T>
  absl::Status op_put() {
    VESTA_ASSIGN_OR_RETURN(const T key, take_number<T>());
    return put(key);
  }
  absl::StatusOr<uint64_t> take_line_key() {
    VESTA_ASSIGN_OR_RETURN(const std::string_view line, take_line());
    uint64_t key = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), key);
    if (error != std::errc() || end != line.data() + line.size()) {
      return absl::DataLossError(absl::StrFormat("'%s' is no memo key", printable(line)));
    }
    return key;
  }
  absl::Status op_get_line() {
    VESTA_ASSIGN_OR_RETURN(const uint64_t key, take_line_key());
    return get(key);
  }
  absl::Status op_put_line() {
    VESTA_ASSIGN_OR_RETURN(const uint64_t key, take_line_key());
    return put(key);
  }
  absl::Status op_memoize() { return put(memo_.size()); }

  // ---- opcodes: what the handler decides
  absl::Status op_global() {
    VESTA_ASSIGN_OR_RETURN(const std::string_view module, take_line());
    VESTA_ASSIGN_OR_RETURN(const std::string_view name, take_line());
    return push_result(handler_.global(module, name));
  }
  absl::Status op_stack_global() {
    VESTA_ASSIGN_OR_RETURN(const IValue name, pop());
    VESTA_ASSIGN_OR_RETURN(const IValue module, pop());
    if (!name.isString() || !module.isString()) return absl::DataLossError("it takes two strings");
    return push_result(handler_.global(module.toStringRef(), name.toStringRef()));
  }
  absl::Status op_persistent() {
    VESTA_ASSIGN_OR_RETURN(const IValue id, pop());
    return push_result(handler_.persistent(id));
  }
  absl::Status op_persistent_line() {
    VESTA_ASSIGN_OR_RETURN(const std::string_view id, take_line());
    return push_result(handler_.persistent(IValue(std::string(id))));
  }
  absl::Status op_reduce() {
    VESTA_ASSIGN_OR_RETURN(IValue arguments, pop());
    VESTA_ASSIGN_OR_RETURN(const IValue callable, pop());
    return push_result(handler_.reduce(callable, std::move(arguments)));
  }
  absl::Status op_new_object() {
    VESTA_ASSIGN_OR_RETURN(IValue arguments, pop());
    VESTA_ASSIGN_OR_RETURN(const IValue type, pop());
    if (!arguments.isTuple()) return absl::DataLossError("the arguments are no tuple");
    return push_result(handler_.new_object(type, std::move(arguments), IValue()));
  }
  absl::Status op_new_object_ex() {
    VESTA_ASSIGN_OR_RETURN(IValue keywords, pop());
    VESTA_ASSIGN_OR_RETURN(IValue arguments, pop());
    VESTA_ASSIGN_OR_RETURN(const IValue type, pop());
    if (!arguments.isTuple() || !keywords.isGenericDict()) {
      return absl::DataLossError("the arguments are no tuple and dict");
    }
    return push_result(handler_.new_object(type, std::move(arguments), std::move(keywords)));
  }
  absl::Status op_inst() {
    VESTA_RETURN_IF_ERROR(op_global());
    const IValue type = std::move(stack_.back());
    stack_.pop_back();
    VESTA_ASSIGN_OR_RETURN(std::vector<IValue> arguments, pop_to_mark());
    return push_result(handler_.new_object(type, c10::ivalue::Tuple::create(std::move(arguments)), IValue()));
  }
  absl::Status op_obj() {
    VESTA_ASSIGN_OR_RETURN(std::vector<IValue> values, pop_to_mark());
    if (values.empty()) return absl::DataLossError("no class above the mark");
    const IValue type = values.front();
    values.erase(values.begin());
    return push_result(handler_.new_object(type, c10::ivalue::Tuple::create(std::move(values)), IValue()));
  }
  absl::Status op_build() {
    VESTA_ASSIGN_OR_RETURN(IValue state, pop());
    VESTA_ASSIGN_OR_RETURN(IValue object, pop());
    return push_result(handler_.build(std::move(object), std::move(state)));
  }
  absl::Status op_refused() {
    return absl::DataLossError("extension codes and out-of-band buffers have no meaning in a file");
  }

  std::string_view bytes_;
  std::string_view name_;
  PickleHandler& handler_;
  const PickleOptions& options_;
  size_t at_ = 0;
  size_t op_at_ = 0;
  const Op* op_ = nullptr;
  bool stopped_ = false;
  int64_t string_bytes_ = 0;
  // Destroyed last to first: containers_ takes all containers apart before the stack and the memo let go.
  std::vector<IValue> stack_;
  std::vector<size_t> marks_;
  absl::flat_hash_map<uint64_t, IValue> memo_;
  std::shared_ptr<ContainerSet> containers_ = std::make_shared<ContainerSet>();
};

// V: raw-unicode-escape, where only \uXXXX and \UXXXXXXXX are escapes.
void append_utf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3f));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

// The number of `digits` hexadecimal digits at the start of `text`, if they are there.
absl::StatusOr<uint32_t> hex_number(std::string_view text, size_t digits) {
  uint32_t code = 0;
  if (text.size() >= digits) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + digits, code, 16);
    if (error == std::errc() && end == text.data() + digits && code <= 0x10ffff) return code;
  }
  return absl::DataLossError("a bad escape in a string");
}

absl::Status PickleMachine::op_unicode_line() {
  VESTA_ASSIGN_OR_RETURN(std::string_view line, take_line());
  VESTA_RETURN_IF_ERROR(counted(line).status());
  std::string text;
  while (!line.empty()) {
    const size_t digits = line.starts_with("\\u") ? 4 : line.starts_with("\\U") ? 8 : 0;
    if (digits == 0) {
      // Other bytes are Latin-1.
      append_utf8(text, static_cast<uint8_t>(line[0]));
      line.remove_prefix(1);
      continue;
    }
    VESTA_ASSIGN_OR_RETURN(const uint32_t code, hex_number(line.substr(2), digits));
    append_utf8(text, code);
    line.remove_prefix(2 + digits);
  }
  return push(IValue(std::move(text)));
}

// S: a quoted Python literal of bytes.
absl::Status PickleMachine::op_string_line() {
  VESTA_ASSIGN_OR_RETURN(std::string_view line, take_line());
  VESTA_RETURN_IF_ERROR(counted(line).status());
  if (line.size() < 2 || (line.front() != '\'' && line.front() != '"') || line.back() != line.front()) {
    return absl::DataLossError("the string is not in quotes");
  }
  line = line.substr(1, line.size() - 2);
  std::string text;
  while (!line.empty()) {
    if (line[0] != '\\') {
      text += line[0];
      line.remove_prefix(1);
      continue;
    }
    static constexpr std::string_view kEscapes = "\\'\"abfnrtv";
    static constexpr std::string_view kMeanings = "\\'\"\a\b\f\n\r\t\v";
    const size_t simple = line.size() < 2 ? kEscapes.npos : kEscapes.find(line[1]);
    if (simple != kEscapes.npos) {
      text += kMeanings[simple];
      line.remove_prefix(2);
      continue;
    }
    if (!line.starts_with("\\x")) return absl::DataLossError("a bad escape in a string");
    VESTA_ASSIGN_OR_RETURN(const uint32_t code, hex_number(line.substr(2), 2));
    text += static_cast<char>(code);
    line.remove_prefix(4);
  }
  return push(IValue(std::move(text)));
}

using M = PickleMachine;
constexpr std::array<PickleMachine::Op, 68> PickleMachine::kOps = {{
    {'(', "MARK", &M::op_mark},
    {'.', "STOP", &M::op_stop},
    {'0', "POP", &M::op_pop},
    {'1', "POP_MARK", &M::op_pop_mark},
    {'2', "DUP", &M::op_dup},
    {'F', "FLOAT", &M::op_float_line},
    {'I', "INT", &M::op_int_line},
    {'J', "BININT", &M::op_int<int32_t>},
    {'K', "BININT1", &M::op_binint1},
    {'L', "LONG", &M::op_long_line},
    {'M', "BININT2", &M::op_int<uint16_t>},
    {'N', "NONE", &M::op_none},
    {'P', "PERSID", &M::op_persistent_line},
    {'Q', "BINPERSID", &M::op_persistent},
    {'R', "REDUCE", &M::op_reduce},
    {'S', "STRING", &M::op_string_line},
    {'T', "BINSTRING", &M::op_text<int32_t>},
    {'U', "SHORT_BINSTRING", &M::op_text<uint8_t>},
    {'V', "UNICODE", &M::op_unicode_line},
    {'X', "BINUNICODE", &M::op_text<uint32_t>},
    {'a', "APPEND", &M::op_append},
    {'b', "BUILD", &M::op_build},
    {'c', "GLOBAL", &M::op_global},
    {'d', "DICT", &M::op_dict},
    {'}', "EMPTY_DICT", &M::op_empty_dict},
    {'e', "APPENDS", &M::op_appends},
    {'g', "GET", &M::op_get_line},
    {'h', "BINGET", &M::op_get<uint8_t>},
    {'i', "INST", &M::op_inst},
    {'j', "LONG_BINGET", &M::op_get<uint32_t>},
    {'l', "LIST", &M::op_list},
    {']', "EMPTY_LIST", &M::op_empty_list},
    {'o', "OBJ", &M::op_obj},
    {'p', "PUT", &M::op_put_line},
    {'q', "BINPUT", &M::op_put<uint8_t>},
    {'r', "LONG_BINPUT", &M::op_put<uint32_t>},
    {'s', "SETITEM", &M::op_set_item},
    {'t', "TUPLE", &M::op_tuple},
    {')', "EMPTY_TUPLE", &M::op_empty_tuple},
    {'u', "SETITEMS", &M::op_set_items},
    {'G', "BINFLOAT", &M::op_float},
    {'B', "BINBYTES", &M::op_bytes<uint32_t>},
    {'C', "SHORT_BINBYTES", &M::op_bytes<uint8_t>},
    {0x80, "PROTO", &M::op_proto},
    {0x81, "NEWOBJ", &M::op_new_object},
    {0x82, "EXT1", &M::op_refused},
    {0x83, "EXT2", &M::op_refused},
    {0x84, "EXT4", &M::op_refused},
    {0x85, "TUPLE1", &M::op_tuple_n<1>},
    {0x86, "TUPLE2", &M::op_tuple_n<2>},
    {0x87, "TUPLE3", &M::op_tuple_n<3>},
    {0x88, "NEWTRUE", &M::op_true},
    {0x89, "NEWFALSE", &M::op_false},
    {0x8a, "LONG1", &M::op_long<uint8_t>},
    {0x8b, "LONG4", &M::op_long<int32_t>},
    {0x8c, "SHORT_BINUNICODE", &M::op_text<uint8_t>},
    {0x8d, "BINUNICODE8", &M::op_text<uint64_t>},
    {0x8e, "BINBYTES8", &M::op_bytes<uint64_t>},
    {0x8f, "EMPTY_SET", &M::op_empty_set},
    {0x90, "ADDITEMS", &M::op_add_items},
    {0x91, "FROZENSET", &M::op_frozen_set},
    {0x92, "NEWOBJ_EX", &M::op_new_object_ex},
    {0x93, "STACK_GLOBAL", &M::op_stack_global},
    {0x94, "MEMOIZE", &M::op_memoize},
    {0x95, "FRAME", &M::op_frame},
    {0x96, "BYTEARRAY8", &M::op_bytes<uint64_t>},
    {0x97, "NEXT_BUFFER", &M::op_refused},
    {0x98, "READONLY_BUFFER", &M::op_refused},
}};

const PickleMachine::Op* PickleMachine::find_op(uint8_t code) {
  static constexpr std::array<int8_t, 256> kRows = [] {
    std::array<int8_t, 256> rows{};
    rows.fill(-1);
    for (size_t i = 0; i < kOps.size(); ++i) rows[kOps[i].code] = static_cast<int8_t>(i);
    return rows;
  }();
  return kRows[code] < 0 ? nullptr : &kOps[static_cast<size_t>(kRows[code])];
}

}  // namespace

std::string PickleObject::qualified_name() const { return absl::StrCat(module, ".", name); }

PickleObject* PickleObject::from(const c10::IValue& value) {
  if (!value.isCapsule()) return nullptr;
  return dynamic_cast<PickleObject*>(value.toCapsule().get());
}

c10::IValue PickleObject::wrap(c10::intrusive_ptr<PickleObject> object) {
  return IValue::make_capsule(std::move(object));
}

absl::StatusOr<c10::IValue> PickleHandler::global(std::string_view module, std::string_view name) {
  auto object = c10::make_intrusive<PickleObject>(PickleObject::Kind::kGlobal);
  object->module = module;
  object->name = name;
  return PickleObject::wrap(std::move(object));
}

c10::IValue PickleHandler::empty_dict() { return c10::impl::GenericDict(c10::AnyType::get(), c10::AnyType::get()); }

absl::Status PickleHandler::append(const c10::IValue& target, c10::IValue) {
  return absl::DataLossError(absl::StrCat("its target is no list but ", target.tagKind()));
}

absl::Status PickleHandler::set_item(const c10::IValue& target, c10::IValue, c10::IValue) {
  return absl::DataLossError(absl::StrCat("its target is no dict but ", target.tagKind()));
}

absl::StatusOr<PickleResult> read_pickle(std::string_view bytes, std::string_view name, PickleHandler& handler,
                                         const PickleOptions& options) {
  return PickleMachine(bytes, name, handler, options).run();
}

}  // namespace vesta::serialization
