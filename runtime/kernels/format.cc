// Text from values and values from text: str(), print(), format(), `%`, float(), int(), chr(), hex().
// Values are written by c10's stream operator, whose format PyTorch's users know.

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iomanip>
#include <sstream>
#include <string>

#include <c10/util/Exception.h>

#include "runtime/kernels/number.h"
#include "runtime/kernels/print_handler.h"
#include "runtime/kernels/value_text.h"

namespace vesta::runtime::kernels {
namespace {

// Each "{}" takes the next argument; other braces stand for themselves, and spare arguments are ignored.
absl::StatusOr<std::string> format(std::string_view pattern, c10::ArrayRef<IValue> values) {
  const std::string whole(pattern);
  std::string result;
  size_t used = 0;
  for (size_t at = pattern.find("{}"); at != std::string_view::npos; at = pattern.find("{}")) {
    if (used == values.size()) return value_error("Too few arguments for format string: ", whole);
    result += pattern.substr(0, at);
    result += value_text(values[used++]);
    pattern.remove_prefix(at + 2);
    VESTA_RETURN_IF_ERROR(check_string_size(static_cast<double>(result.size())));
  }
  result += pattern;
  return result;
}

// One specifier of the `%` operator.
absl::StatusOr<std::string> format_one(char specifier, const IValue& value) {
  const bool number = value.isInt() || value.isDouble();
  switch (specifier) {
    case 'd':
    case 'i': {
      if (!number)
        return value_error("%", std::string(1, specifier), " requires a number for formatting, but got ",
                           value.tagKind());
      if (value.isInt()) return absl::StrCat(value.toInt());
      VESTA_ASSIGN_OR_RETURN(const int64_t whole, truncate(value.toDouble()));
      return absl::StrCat(whole);
    }
    case 'e':
    case 'E':
    case 'f':
    case 'F': {
      if (!number)
        return value_error("%", std::string(1, specifier), " requires a number for formatting, but got ",
                           value.tagKind());
      std::ostringstream out;
      out.imbue(std::locale::classic());
      out << (specifier == 'e' || specifier == 'E' ? std::scientific : std::fixed);
      if (specifier == 'E' || specifier == 'F') out << std::uppercase;
      out << std::setprecision(6) << static_cast<float>(real_of(value));  // TorchScript's precision
      return out.str();
    }
    case 'c':
      if (value.isInt()) return std::string(1, static_cast<char>(value.toInt()));
      if (value.isString() && value.toStringView().size() == 1) return std::string(value.toStringView());
      return value_error("%c requires an int or char for formatting, but got ", value.tagKind());
    case 's':
      return value_text(value);
    default:
      return value_error("The specifier %", std::string(1, specifier),
                         " is not supported in TorchScript format strings");
  }
}

absl::StatusOr<std::string> percent_format(std::string_view pattern, c10::ArrayRef<IValue> values) {
  std::string result;
  size_t used = 0;
  while (true) {
    const size_t at = pattern.find('%');
    result += pattern.substr(0, at);
    VESTA_RETURN_IF_ERROR(check_string_size(static_cast<double>(result.size())));
    if (at == std::string_view::npos) break;
    if (at + 1 == pattern.size()) return value_error("Incomplete format specifier");
    const char specifier = pattern[at + 1];
    pattern.remove_prefix(at + 2);
    if (specifier == '%') {
      result.push_back('%');
      continue;
    }
    if (used == values.size()) return value_error("Too few arguments for format string");
    VESTA_ASSIGN_OR_RETURN(const std::string text, format_one(specifier, values[used++]));
    result += text;
  }
  if (used != values.size()) return value_error("Too many arguments for format string");
  return result;
}

// The sign, the prefix, the digits; `base` is a power of two.
std::string digits(int64_t value, std::string_view prefix, int bits) {
  uint64_t rest = value < 0 ? uint64_t{0} - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  std::string reversed;
  do {
    reversed.push_back("0123456789abcdef"[rest & ((1u << bits) - 1)]);
    rest >>= bits;
  } while (rest != 0);
  return absl::StrCat(value < 0 ? "-" : "", std::string(prefix), std::string(reversed.rbegin(), reversed.rend()));
}

absl::StatusOr<double> parse_float(std::string_view text) {
  const std::string copy(text);
  char* end = nullptr;
  errno = 0;
  const double value = std::strtod(copy.c_str(), &end);
  if (end == copy.c_str() || end != copy.c_str() + copy.size()) {
    return value_error("float() only accepts a string of single float number, got '", copy, "'");
  }
  if (errno == ERANGE) return value_error("float(): '", copy, "' is out of range");
  return value;
}

absl::StatusOr<int64_t> parse_int(std::string_view text) {
  const std::string copy(text);
  char* end = nullptr;
  errno = 0;
  const long long value = std::strtoll(copy.c_str(), &end, 10);
  if (end == copy.c_str() || end != copy.c_str() + copy.size()) {
    return value_error("int() only accepts a string of single integer number, got '", copy, "'");
  }
  if (errno == ERANGE) return value_error("int(): '", copy, "' is out of range");
  return value;
}

absl::StatusOr<std::string> chr(int64_t code) {
  if (code < 0 || code >= 0x110000) return value_error("chr() arg not in range(0x110000), found ", code);
  return std::string(1, static_cast<char>(code));  // One byte, whatever the code: strings are bytes.
}

absl::StatusOr<int64_t> ord(std::string_view text) {
  if (text.size() != 1) return value_error("String for ord() must be 1 character, found ", text.size());
  return static_cast<int64_t>(static_cast<unsigned char>(text[0]));
}

}  // namespace

std::string value_text(const IValue& value) {
  if (value.isString()) return std::string(value.toStringView());
  if (value.isInt()) return absl::StrCat(value.toInt());
  std::ostringstream out;
  out << value;
  return out.str();
}

VESTA_KERNEL(value_str, [](const IValue& value) { return value_text(value); })

absl::Status str_format(Stack& stack) {
  const c10::ArrayRef<IValue> arguments = variadic_arguments(stack);
  if (arguments.empty()) return value_error("format() needs a pattern");
  VESTA_ASSIGN_OR_RETURN(std::string text, format(arguments[0].toStringView(), arguments.slice(1)));
  replace_arguments(stack, arguments.size(), std::move(text));
  return absl::OkStatus();
}
VESTA_STACK_KERNEL(str_format)

absl::Status str_percent_format(Stack& stack) {
  const c10::ArrayRef<IValue> arguments = variadic_arguments(stack);
  if (arguments.size() < 2) return value_error("Too few arguments for format string");
  c10::ArrayRef<IValue> values = arguments.slice(1, 1);
  if (values[0].isTuple()) values = c10::ArrayRef<IValue>(values[0].toTupleRef().elements());
  VESTA_ASSIGN_OR_RETURN(std::string text, percent_format(arguments[0].toStringView(), values));
  replace_arguments(stack, arguments.size(), std::move(text));
  return absl::OkStatus();
}
VESTA_STACK_KERNEL(str_percent_format)

absl::Status print_values(Stack& stack) {
  const c10::ArrayRef<IValue> arguments = variadic_arguments(stack);
  std::string text;
  for (size_t i = 0; i < arguments.size(); ++i) absl::StrAppend(&text, i == 0 ? "" : " ", value_text(arguments[i]));
  text.push_back('\n');
  print_text(text);
  drop(stack, arguments.size());
  return absl::OkStatus();
}
VESTA_STACK_KERNEL(print_values)

VESTA_KERNEL(warn, [](std::string_view message, int64_t) { TORCH_WARN(message); })

VESTA_KERNEL(int_bin, [](int64_t value) { return digits(value, "0b", 1); })
VESTA_KERNEL(int_oct, [](int64_t value) { return digits(value, "0o", 3); })
VESTA_KERNEL(int_hex, [](int64_t value) { return digits(value, "0x", 4); })
VESTA_KERNEL(int_chr, &chr)
VESTA_KERNEL(str_ord, &ord)
VESTA_KERNEL(str_to_float, &parse_float)
VESTA_KERNEL(str_to_int, &parse_int)

}  // namespace vesta::runtime::kernels
