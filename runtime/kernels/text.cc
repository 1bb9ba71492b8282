// Methods of strings. Strings are bytes: only ASCII letters have a case, digits are 0 to 9. Nobody can write to a
// string, so one that a method leaves as it was is handed on, not copied.

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "runtime/kernels/boxing.h"

namespace vesta::runtime::kernels {
namespace {

using Byte = unsigned char;

bool is_printable(Byte c) { return absl::ascii_isprint(c); }

// Not empty, and every byte is of the kind.
template <bool (*kKind)(Byte)>
bool all_are(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return kKind(static_cast<Byte>(c)); });
}

// Some letter, and no letter of the other case.
template <bool (*kOther)(Byte)>
bool cased_without(std::string_view text) {
  bool letters = false;
  for (const char c : text) {
    if (kOther(static_cast<Byte>(c))) return false;
    letters = letters || absl::ascii_isalpha(static_cast<Byte>(c));
  }
  return letters;
}

std::string title(std::string_view text) {
  std::string result(text);
  bool in_word = false;
  for (char& c : result) {
    c = in_word ? absl::ascii_tolower(static_cast<Byte>(c)) : absl::ascii_toupper(static_cast<Byte>(c));
    in_word = absl::ascii_isalpha(static_cast<Byte>(c));
  }
  return result;
}

std::string capitalize(std::string_view text) {
  std::string result = absl::AsciiStrToLower({text.data(), text.size()});
  if (!result.empty()) result[0] = absl::ascii_toupper(static_cast<Byte>(result[0]));
  return result;
}

std::string swap_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    c = absl::ascii_isupper(static_cast<Byte>(c)) ? absl::ascii_tolower(static_cast<Byte>(c))
                                                  : absl::ascii_toupper(static_cast<Byte>(c));
  }
  return result;
}

// As Python 2 had it, without the underscore.
bool is_identifier(std::string_view text) {
  return !text.empty() && absl::ascii_isalpha(static_cast<Byte>(text[0])) &&
         std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isalnum(static_cast<Byte>(c)); });
}

// `text`, with each byte changed by kChange.
template <char (*kChange)(Byte)>
IValue changed(const IValue& text) {
  const std::string_view bytes = text.toStringView();
  const auto stays = [](char c) { return kChange(static_cast<Byte>(c)) == c; };
  const auto first = std::find_if_not(bytes.begin(), bytes.end(), stays);
  if (first == bytes.end()) return text;
  std::string result(bytes);
  for (auto at = static_cast<size_t>(first - bytes.begin()); at < result.size(); ++at)
    result[at] = kChange(static_cast<Byte>(result[at]));
  return string_value(std::move(result));
}

std::string_view strip(std::string_view text, std::string_view characters, bool left, bool right) {
  if (left) text.remove_prefix(std::min(text.find_first_not_of(characters), text.size()));
  if (right) text = text.substr(0, text.find_last_not_of(characters) + 1);  // npos + 1 is 0
  return text;
}

template <bool kLeft, bool kRight>
IValue stripped(const IValue& text, std::string_view characters) {
  const std::string_view whole = text.toStringView();
  const std::string_view rest = strip(whole, characters, kLeft, kRight);
  return rest.size() == whole.size() ? text : string_value(rest);
}

// `text` with `left` and `right` bytes of fill.
absl::StatusOr<std::string> pad(std::string_view text, std::string_view fill, int64_t left, int64_t right) {
  if (fill.size() != 1) return value_error("TypeError: The fill character must be exactly one character long");
  VESTA_RETURN_IF_ERROR(
      check_string_size(static_cast<double>(text.size()) + static_cast<double>(left) + static_cast<double>(right)));
  std::string result(static_cast<size_t>(left), fill[0]);
  result += text;
  result.append(static_cast<size_t>(right), fill[0]);
  return result;
}

int64_t padding(std::string_view text, int64_t width) {
  const int64_t size = static_cast<int64_t>(text.size());
  return width > size ? width - size : 0;
}

absl::StatusOr<std::string> center(std::string_view text, int64_t width, std::string_view fill) {
  const int64_t all = padding(text, width);
  const int64_t left = all / 2 + (all & width & 1);
  return pad(text, fill, left, all - left);
}

// Columns are counted from the beginning of the string, across line breaks.
absl::StatusOr<std::string> expand_tabs(std::string_view text, int64_t tab_size) {
  const int64_t tabs = std::count(text.begin(), text.end(), '\t');
  VESTA_RETURN_IF_ERROR(
      check_string_size(static_cast<double>(text.size()) +
                        static_cast<double>(tabs) * static_cast<double>(std::max<int64_t>(tab_size, 0))));
  std::string result;
  for (const char c : text) {
    if (c != '\t') {
      result.push_back(c);
    } else if (tab_size > 0) {
      result.append(static_cast<size_t>(tab_size) - result.size() % static_cast<size_t>(tab_size), ' ');
    }
  }
  return result;
}

// An empty `from` is found before every byte and at the end.
absl::StatusOr<std::string> replace(std::string_view text, std::string_view from, std::string_view to, int64_t max) {
  std::string result;
  size_t begin = 0;
  size_t search = 0;
  for (int64_t count = 0; max < 0 || count < max; ++count) {
    const size_t at = search > text.size() ? std::string_view::npos : text.find(from, search);
    if (at == std::string_view::npos) break;
    result += text.substr(begin, at - begin);
    result += to;
    VESTA_RETURN_IF_ERROR(check_string_size(static_cast<double>(result.size())));
    begin = at + from.size();
    search = from.empty() ? at + 1 : begin;
  }
  result += text.substr(begin);
  return result;
}

}  // namespace

VESTA_KERNEL(str_isalpha, &all_are<absl::ascii_isalpha>)
VESTA_KERNEL(str_isalnum, &all_are<absl::ascii_isalnum>)
VESTA_KERNEL(str_isdigit, &all_are<absl::ascii_isdigit>)
VESTA_KERNEL(str_isdecimal, &all_are<absl::ascii_isdigit>)
VESTA_KERNEL(str_isnumeric, &all_are<absl::ascii_isdigit>)
VESTA_KERNEL(str_isspace, &all_are<absl::ascii_isspace>)
VESTA_KERNEL(str_isprintable, [](std::string_view text) { return text.empty() || all_are<is_printable>(text); })
VESTA_KERNEL(str_isupper, &cased_without<absl::ascii_islower>)
VESTA_KERNEL(str_islower, &cased_without<absl::ascii_isupper>)
VESTA_KERNEL(str_istitle, [](std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return absl::ascii_isalpha(static_cast<Byte>(c)); }) &&
         title(text) == text;
})
VESTA_KERNEL(str_isidentifier, &is_identifier)

VESTA_KERNEL(str_upper, &changed<absl::ascii_toupper>)
VESTA_KERNEL(str_lower, &changed<absl::ascii_tolower>)
VESTA_KERNEL(str_title, &title)
VESTA_KERNEL(str_capitalize, &capitalize)
VESTA_KERNEL(str_swapcase, &swap_case)

VESTA_KERNEL(str_strip, (&stripped<true, true>))
VESTA_KERNEL(str_lstrip, (&stripped<true, false>))
VESTA_KERNEL(str_rstrip, (&stripped<false, true>))

VESTA_KERNEL(str_center, &center)
VESTA_KERNEL(str_ljust, [](std::string_view text, int64_t width, std::string_view fill) {
  return pad(text, fill, 0, padding(text, width));
})
VESTA_KERNEL(str_rjust, [](std::string_view text, int64_t width, std::string_view fill) {
  return pad(text, fill, padding(text, width), 0);
})
// A sign stays where it is: the zeros go before it.
VESTA_KERNEL(str_zfill, [](std::string_view text, int64_t width) { return pad(text, "0", padding(text, width), 0); })
VESTA_KERNEL(str_expandtabs, &expand_tabs)
VESTA_KERNEL(str_replace, &replace)

VESTA_KERNEL(str_len, [](std::string_view text) { return static_cast<int64_t>(text.size()); })
VESTA_KERNEL(str_add, [](std::string_view a, std::string_view b) -> absl::StatusOr<std::string> {
  VESTA_RETURN_IF_ERROR(check_string_size(static_cast<double>(a.size()) + static_cast<double>(b.size())));
  std::string result;
  result.reserve(a.size() + b.size());
  result += a;
  result += b;
  return result;
})
VESTA_KERNEL(str_eq, [](std::string_view a, std::string_view b) { return a == b; })
VESTA_KERNEL(str_ne, [](std::string_view a, std::string_view b) { return a != b; })
VESTA_KERNEL(str_lt, [](std::string_view a, std::string_view b) { return a < b; })
VESTA_KERNEL(str_le, [](std::string_view a, std::string_view b) { return a <= b; })
VESTA_KERNEL(str_gt, [](std::string_view a, std::string_view b) { return a > b; })
VESTA_KERNEL(str_ge, [](std::string_view a, std::string_view b) { return a >= b; })

}  // namespace vesta::runtime::kernels
