#pragma once

// "did you mean": names close to what somebody wrote.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace vesta::support {

// The names within a small edit distance of `written` (swapped neighbours count as one; at most a fifth of its
// length, and at least one), the closest first, at most `limit` of them. Each is given once.
std::vector<std::string> closest_names(std::string_view written, const std::vector<std::string>& names,
                                       size_t limit = 3);

// "; did you mean 'a' or 'b'?" for the end of a message; "" where nothing is close.
std::string did_you_mean(std::string_view written, const std::vector<std::string>& names);

}  // namespace vesta::support
