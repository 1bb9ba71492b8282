#include "ir/support/suggestion.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace vesta::support {
namespace {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
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
