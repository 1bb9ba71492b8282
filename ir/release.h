#pragma once

// Releases of torch, and which of them may have written a file.

#include <algorithm>
#include <compare>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace vesta::ir {

// A release by its first two numbers: {1, 5} is 1.5. Ordered. The default is newer than every release.
struct Release {
  int number = std::numeric_limits<int>::max();  // 1000 * first + second

  constexpr Release() = default;
  constexpr Release(int first, int second) : number(1000 * first + second) {}
  constexpr bool is_newest() const { return number == std::numeric_limits<int>::max(); }
  friend constexpr auto operator<=>(const Release&, const Release&) = default;
};

// "1.5".
inline std::string to_string(Release release) {
  return release.is_newest() ? "newest"
                             : std::to_string(release.number / 1000) + "." + std::to_string(release.number % 1000);
}

// "1.5", "1.5.1", "2.11.0+cpu"; nullopt where the text does not start with two numbers and a dot between.
std::optional<Release> parse_release(std::string_view text);

// The releases that may have written an archive, both included: as narrow as its format tells.
struct Writer {
  Release first{1, 0};
  Release last;

  // "1.5", "1.6 to 1.8", "2.1 or later".
  std::string text() const {
    if (first == last) return to_string(first);
    return last.is_newest() ? to_string(first) + " or later" : to_string(first) + " to " + to_string(last);
  }
  // Keeps the releases that `other` has too. False, and no change, where there are none.
  bool narrow(const Writer& other) {
    const Release from = std::max(first, other.first);
    const Release to = std::min(last, other.last);
    if (to < from) return false;
    first = from;
    last = to;
    return true;
  }
};

}  // namespace vesta::ir
