// Splitting and joining strings.

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "runtime/kernels/boxing.h"

namespace vesta::runtime::kernels {
namespace {

using Parts = std::tuple<std::string, std::string, std::string>;

GenericList no_strings() { return GenericList(c10::StringType::get()); }

void push(GenericList& list, std::string_view text) { list.push_back(string_value(text)); }

// Without a separator, runs of white space separate; `max` has no meaning then.
GenericList split_words(std::string_view text) {
  GenericList words = no_strings();
  size_t at = 0;
  while (true) {
    while (at < text.size() && absl::ascii_isspace(static_cast<unsigned char>(text[at]))) ++at;
    if (at == text.size()) return words;
    const size_t begin = at;
    while (at < text.size() && !absl::ascii_isspace(static_cast<unsigned char>(text[at]))) ++at;
    push(words, text.substr(begin, at - begin));
  }
}

absl::StatusOr<GenericList> split(std::string_view text, std::optional<std::string_view> separator, int64_t max) {
  if (!separator.has_value()) return split_words(text);
  if (separator->empty()) return value_error("ValueError: empty separator");
  GenericList parts = no_strings();
  if (max < 0 && separator->size() == 1) {
    parts.reserve(static_cast<size_t>(std::count(text.begin(), text.end(), separator->front())) + 1);
  }
  size_t begin = 0;
  for (int64_t splits = 0; max < 0 || splits < max; ++splits) {
    const size_t at = text.find(*separator, begin);
    if (at == std::string_view::npos) break;
    push(parts, text.substr(begin, at - begin));
    begin = at + separator->size();
  }
  push(parts, text.substr(begin));
  return parts;
}

absl::StatusOr<GenericList> split_from_right(std::string_view text, std::string_view separator, int64_t max) {
  if (separator.empty()) return value_error("ValueError: empty separator");
  std::vector<std::string_view> reversed;
  for (int64_t splits = 0; max < 0 || splits < max; ++splits) {
    const size_t at = text.rfind(separator);
    if (at == std::string_view::npos) break;
    reversed.push_back(text.substr(at + separator.size()));
    text = text.substr(0, at);
  }
  reversed.push_back(text);
  GenericList parts = no_strings();
  std::for_each(reversed.rbegin(), reversed.rend(), [&](std::string_view part) { push(parts, part); });
  return parts;
}

// The bytes that end a line; "\r\n" ends two. Each byte of U+2028 and U+2029 does, in other letters too: TorchScript's
// strings are bytes.
bool ends_line(char c) {
  return std::string_view("\n\r\v\f\x1c\x1d\x1e\x85\xe2\x80\xa8\xa9").find(c) != std::string_view::npos;
}

// Line ends that are kept become elements of their own, unlike in Python.
GenericList split_lines(std::string_view text, bool keep_ends) {
  GenericList lines = no_strings();
  size_t begin = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    if (!ends_line(text[at])) continue;
    push(lines, text.substr(begin, at - begin));
    if (keep_ends) push(lines, text.substr(at, 1));
    begin = at + 1;
  }
  if (begin < text.size()) push(lines, text.substr(begin));
  return lines;
}

Parts partition(std::string_view text, std::string_view separator) {
  const size_t at = text.find(separator);
  if (at == std::string_view::npos) return {std::string(text), "", ""};
  return {std::string(text.substr(0, at)), std::string(separator), std::string(text.substr(at + separator.size()))};
}

Parts partition_from_right(std::string_view text, std::string_view separator) {
  const size_t at = text.rfind(separator);
  if (at == std::string_view::npos) return {"", "", std::string(text)};
  return {std::string(text.substr(0, at)), std::string(separator), std::string(text.substr(at + separator.size()))};
}

absl::StatusOr<std::string> join(std::string_view separator, const IValue& values) {
  double bytes = 0;
  for (const IValue& value : values.toListRef())
    bytes += static_cast<double>(value.toStringView().size() + separator.size());
  VESTA_RETURN_IF_ERROR(check_string_size(bytes));
  std::string result;
  result.reserve(static_cast<size_t>(bytes));
  bool first = true;
  for (const IValue& value : values.toListRef()) {
    if (!first) result += separator;
    first = false;
    result += value.toStringView();
  }
  return result;
}

GenericList characters(std::string_view text) {
  GenericList result = no_strings();
  result.reserve(text.size());
  for (const char& c : text) push(result, std::string_view(&c, 1));
  return result;
}

}  // namespace

VESTA_KERNEL(str_split, &split)
VESTA_KERNEL(str_rsplit, &split_from_right)
VESTA_KERNEL(str_splitlines, &split_lines)
VESTA_KERNEL(str_partition, &partition)
VESTA_KERNEL(str_rpartition, &partition_from_right)
VESTA_KERNEL(str_join, &join)
VESTA_KERNEL(str_list, &characters)

}  // namespace vesta::runtime::kernels
