#include "ir/support/suggestion.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace vesta::support {
namespace {

// Optimal string alignment: inserting, deleting or replacing a letter costs one, and so does swapping two neighbours.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before, above(b.size() + 1), row(b.size() + 1);
  std::iota(above.begin(), above.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = std::exchange(above, row);
  }
  return above.back();
}

}  // namespace

std::vector<std::string> closest_names(std::string_view written, const std::vector<std::string>& names, size_t limit) {
  const size_t tolerance = std::max<size_t>(1, written.size() / 5);
  std::set<std::pair<size_t, std::string>> close;
  for (const std::string& name : names) {
    const size_t difference =
        name.size() > written.size() ? name.size() - written.size() : written.size() - name.size();
    if (difference > tolerance) continue;
    const size_t distance = edit_distance(written, name);
    // One letter of two is another word, not a slip.
    if (distance <= tolerance && distance * 2 < written.size()) close.emplace(distance, name);
  }
  std::vector<std::string> result;
  for (const auto& [distance, name] : close) {
    if (result.size() == limit) break;
    result.push_back(name);
  }
  return result;
}

std::string did_you_mean(std::string_view written, const std::vector<std::string>& names) {
  const std::vector<std::string> close = closest_names(written, names);
  if (close.empty()) return "";
  return absl::StrCat("; did you mean '", absl::StrJoin(close, "' or '"), "'?");
}

}  // namespace vesta::support
