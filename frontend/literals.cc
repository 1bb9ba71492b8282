// Numbers: underscores are dropped, ints gathered in 64 bits, floats read by Abseil (locale-free,
// correctly rounded). Strings: Python's escapes. In an archive `\NNN` and `\xNN` are bytes.

#include "frontend/literals.h"

#include <algorithm>
#include <cctype>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace vesta::frontend {
namespace {

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 16;
}

// The decimal, octal, hexadecimal or binary number at `text[at]`, of at most `max_digits` digits.
struct Digits {
  uint32_t value = 0;
  size_t count = 0;
};

Digits read_digits(std::string_view text, size_t at, int base, size_t max_digits) {
  Digits digits;
  while (digits.count < max_digits && at + digits.count < text.size()) {
    const int value = digit_value(text[at + digits.count]);
    if (value >= base) break;
    digits.value = digits.value * static_cast<uint32_t>(base) + static_cast<uint32_t>(value);
    ++digits.count;
  }
  return digits;
}

void append_utf8(uint32_t code_point, std::string& out) {
  const auto put = [&](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xc0 | code_point >> 6);
    put(0x80 | (code_point & 0x3f));
  } else if (code_point < 0x10000) {
    put(0xe0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3f));
    put(0x80 | (code_point & 0x3f));
  } else {
    put(0xf0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3f));
    put(0x80 | (code_point >> 6 & 0x3f));
    put(0x80 | (code_point & 0x3f));
  }
}

// The value of the one-character escape `\c`, or 0 when there is none such.
char simple_escape(char c) {
  switch (c) {
    case '\\':
      return '\\';
    case '\'':
      return '\'';
    case '"':
      return '"';
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    default:
      return 0;
  }
}

class StringDecoder {
 public:
  StringDecoder(std::string_view text, const StringShape& shape, StringEscapes escapes, std::string& out,
                EscapeError& error)
      : text_(text),
        raw_(shape.raw),
        bytes_(shape.bytes),
        as_bytes_(shape.bytes || escapes == StringEscapes::kArchiveBytes),
        out_(out),
        error_(error) {}

  bool decode() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\\' && !raw_) {
        if (!decode_escape()) return false;
      } else if (c == '\r') {
        skip_line_break();
        out_.push_back('\n');
      } else {
        out_.push_back(c);
        ++at_;
      }
    }
    return true;
  }

 private:
  char peek(size_t ahead) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  void skip_line_break() { at_ += peek(0) == '\r' && peek(1) == '\n' ? 2 : 1; }

  bool fail(size_t length, std::string message) {
    error_ = {std::move(message), at_, std::min(text_.size(), at_ + length)};
    return false;
  }

  // At a backslash.
  bool decode_escape() {
    const char c = peek(1);
    if (c == '\n' || c == '\r') {
      ++at_;
      skip_line_break();
      return true;
    }
    if (const char simple = simple_escape(c); simple != 0) {
      out_.push_back(simple);
      at_ += 2;
      return true;
    }
    if (c >= '0' && c <= '7') return decode_octal();
    if (c == 'x') return decode_hex(2);
    if (c == 'u' && !bytes_) return decode_hex(4);
    if (c == 'U' && !bytes_) return decode_hex(8);
    if (c == 'N' && !bytes_) return fail(2, "'\\N{...}' is not supported: write the character itself or '\\u....'");
    out_.push_back('\\');  // Python keeps the backslash of an escape that it does not know
    ++at_;
    return true;
  }

  bool decode_octal() {
    const Digits digits = read_digits(text_, at_ + 1, 8, 3);
    append_value(digits.value & (as_bytes_ ? 0xffu : 0x1ffu), true);
    at_ += 1 + digits.count;
    return true;
  }

  bool decode_hex(size_t count) {
    const Digits digits = read_digits(text_, at_ + 2, 16, count);
    if (digits.count != count) {
      return fail(2 + digits.count, absl::StrCat("this escape needs ", count, " hexadecimal digits"));
    }
    if (digits.value > 0x10ffff || (digits.value >= 0xd800 && digits.value < 0xe000)) {
      return fail(2 + count, "this escape is not a Unicode character");
    }
    append_value(digits.value, count == 2);
    at_ += 2 + count;
    return true;
  }

  void append_value(uint32_t value, bool may_be_byte) {
    if (may_be_byte && as_bytes_) {
      out_.push_back(static_cast<char>(value));
    } else {
      append_utf8(value, out_);
    }
  }

  std::string_view text_;
  bool raw_;
  bool bytes_;
  bool as_bytes_;
  std::string& out_;
  EscapeError& error_;
  size_t at_ = 0;
};

}  // namespace

NumberValue decode_number(std::string_view text) {
  std::string digits(text);
  digits.erase(std::remove(digits.begin(), digits.end(), '_'), digits.end());
  NumberValue number;
  const char marker =
      digits.size() > 1 && digits[0] == '0' ? absl::ascii_tolower(static_cast<unsigned char>(digits[1])) : 0;
  const int base = marker == 'x' ? 16 : marker == 'o' ? 8 : marker == 'b' ? 2 : 10;
  if (base == 10 && digits.find_first_of(".eEjJ") != std::string::npos) {
    number.kind = NumberValue::Kind::kFloat;
    if (digits.back() == 'j' || digits.back() == 'J') {
      number.kind = NumberValue::Kind::kImaginary;
      digits.pop_back();
    }
    // Out of range is no error in Python: the nearest of infinity and zero is given, as here.
    (void)absl::SimpleAtod(digits, &number.value);
    return number;
  }
  for (const char c : std::string_view(digits).substr(base == 10 ? 0 : 2)) {
    const auto digit = static_cast<uint64_t>(digit_value(c));
    uint64_t shifted = 0;
    number.overflows |= __builtin_mul_overflow(number.magnitude, static_cast<uint64_t>(base), &shifted);
    number.overflows |= __builtin_add_overflow(shifted, digit, &number.magnitude);
  }
  return number;
}

bool take_apart_string(std::string_view text, StringShape& shape) {
  shape = {};
  const size_t quote = text.find_first_of("'\"");
  std::string prefix = absl::AsciiStrToLower(absl::string_view(text.data(), quote));
  std::sort(prefix.begin(), prefix.end());
  static constexpr std::string_view kPrefixes[] = {"", "b", "br", "f", "fr", "r", "u"};
  if (std::find(std::begin(kPrefixes), std::end(kPrefixes), prefix) == std::end(kPrefixes)) return false;
  shape.raw = prefix.find('r') != std::string::npos;
  shape.bytes = prefix.find('b') != std::string::npos;
  shape.formatted = prefix.find('f') != std::string::npos;
  const char c = text[quote];
  const bool triple = text.size() >= quote + 6 && text[quote + 1] == c && text[quote + 2] == c;
  shape.content_begin = quote + (triple ? 3 : 1);
  shape.content_end = text.size() - (triple ? 3 : 1);
  return true;
}

bool decode_string(std::string_view content, const StringShape& shape, StringEscapes escapes, std::string& out,
                   EscapeError& error) {
  return StringDecoder(content, shape, escapes, out, error).decode();
}

}  // namespace vesta::frontend
