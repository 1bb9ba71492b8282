#pragma once

// Small texts for people.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vesta::tools {

// 1234567 -> "1,234,567"
std::string with_commas(int64_t number);
// 1536 -> "1.5 KiB"
std::string byte_size(int64_t bytes);
// 0.00123 -> "1.23 ms"
std::string duration(double seconds);

// Rows of cells as lines: columns are as wide as their widest cell; those whose number is in `right` are aligned to the
// right. No spaces at the ends of lines.
std::string table(const std::vector<std::vector<std::string>>& rows, const std::vector<size_t>& right, size_t indent);

}  // namespace vesta::tools
