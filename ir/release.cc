#include "ir/release.h"

#include <charconv>

namespace vesta::ir {

std::optional<Release> parse_release(std::string_view text) {
  constexpr int kHighest = 999;
  int numbers[2] = {0, 0};
  const char* at = text.data();
  const char* end = text.data() + text.size();
  for (int i = 0; i < 2; ++i) {
    if (i == 1 && (at == end || *at++ != '.')) return std::nullopt;
    const auto [stop, error] = std::from_chars(at, end, numbers[i]);
    if (error != std::errc() || numbers[i] < 0 || numbers[i] > kHighest) return std::nullopt;
    at = stop;
  }
  if (at != end && *at != '.' && *at != '+') return std::nullopt;
  return Release(numbers[0], numbers[1]);
}

}  // namespace vesta::ir
