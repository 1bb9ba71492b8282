// Finding and counting in strings. Positions are bytes. An `end` of -1 means the end of the string, -2 the byte
// before it, and so on, unlike in Python: TorchScript's schemas have -1 as the default.

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "runtime/kernels/boxing.h"
#include "runtime/kernels/elements.h"

namespace vesta::runtime::kernels {
namespace {

struct Window {
  std::string_view text;
  int64_t offset = 0;
  bool exists = true;  // false where it would begin behind its end
};

Window window(std::string_view text, int64_t start, int64_t end) {
  const int64_t size = static_cast<int64_t>(text.size());
  start = std::max<int64_t>(normalize_index(start, size), 0);
  end = std::clamp<int64_t>(end < 0 ? end + size + 1 : end, 0, size);
  if (start > end) return {{}, start, false};
  return {text.substr(static_cast<size_t>(start), static_cast<size_t>(end - start)), start, true};
}

int64_t find_first(std::string_view text, std::string_view part, int64_t start, int64_t end) {
  const Window in = window(text, start, end);
  const size_t at = in.exists ? in.text.find(part) : std::string_view::npos;
  return at == std::string_view::npos ? -1 : in.offset + static_cast<int64_t>(at);
}

int64_t find_last(std::string_view text, std::string_view part, int64_t start, int64_t end) {
  const Window in = window(text, start, end);
  const size_t at = in.exists ? in.text.rfind(part) : std::string_view::npos;
  return at == std::string_view::npos ? -1 : in.offset + static_cast<int64_t>(at);
}

absl::StatusOr<int64_t> or_value_error(int64_t place) {
  if (place < 0) return value_error("ValueError: substring not found");
  return place;
}

absl::Status check_start(std::string_view text, int64_t start) {
  if (start <= static_cast<int64_t>(text.size())) return absl::OkStatus();
  return value_error("start ", start, " is behind the string's end");
}

}  // namespace

VESTA_KERNEL(str_find, &find_first)
VESTA_KERNEL(str_rfind, &find_last)
VESTA_KERNEL(str_index, [](std::string_view text, std::string_view part, int64_t start, int64_t end) {
  return or_value_error(find_first(text, part, start, end));
})
VESTA_KERNEL(str_rindex, [](std::string_view text, std::string_view part, int64_t start, int64_t end) {
  return or_value_error(find_last(text, part, start, end));
})

VESTA_KERNEL(str_count, [](std::string_view text, std::string_view part, int64_t start, int64_t end) -> int64_t {
  const Window in = window(text, start, end);
  if (!in.exists) return 0;
  if (part.empty()) return static_cast<int64_t>(in.text.size()) + 1;
  int64_t count = 0;
  for (size_t at = in.text.find(part); at != std::string_view::npos; at = in.text.find(part, at + part.size())) ++count;
  return count;
})

VESTA_KERNEL(str_startswith,
             [](std::string_view text, std::string_view part, int64_t start, int64_t end) -> absl::StatusOr<bool> {
               VESTA_RETURN_IF_ERROR(check_start(text, start));
               const Window in = window(text, start, end);
               return in.exists && in.text.substr(0, part.size()) == part;
             })
VESTA_KERNEL(str_endswith,
             [](std::string_view text, std::string_view part, int64_t start, int64_t end) -> absl::StatusOr<bool> {
               VESTA_RETURN_IF_ERROR(check_start(text, start));
               const Window in = window(text, start, end);
               return in.exists && in.text.size() >= part.size() && in.text.substr(in.text.size() - part.size()) == part;
             })

VESTA_KERNEL(str_get, [](std::string_view text, int64_t index) -> absl::StatusOr<std::string> {
  const int64_t place = normalize_index(index, static_cast<int64_t>(text.size()));
  if (place < 0 || place >= static_cast<int64_t>(text.size())) return value_error("string index out of range");
  return std::string(1, text[static_cast<size_t>(place)]);
})

VESTA_KERNEL(str_slice,
             [](std::string_view text, const IValue& start, const IValue& end, int64_t step) -> absl::StatusOr<std::string> {
               VESTA_ASSIGN_OR_RETURN(const SliceRange range, resolve_slice(start, end, step, static_cast<int64_t>(text.size())));
               std::string result;
               result.reserve(static_cast<size_t>(range.count));
               for (int64_t i = 0; i < range.count; ++i) {
                 result.push_back(text[static_cast<size_t>(range.start + i * range.step)]);
               }
               return result;
             })

}  // namespace vesta::runtime::kernels
