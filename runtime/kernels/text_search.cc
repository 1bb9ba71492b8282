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

using Place = absl::StatusOr<int64_t>;  // -1: nowhere

struct Window {
  int64_t start = 0;
  int64_t end = 0;  // may lie behind the text's end
};

Window window(std::string_view text, int64_t start, int64_t end) {
  const int64_t size = static_cast<int64_t>(text.size());
  return {std::max<int64_t>(normalize_index(start, size), 0), std::max<int64_t>(end < 0 ? end + size + 1 : end, 0)};
}

// REQUIRES: start <= end, start <= text.size().
std::string_view cut(std::string_view text, const Window& in) {
  return text.substr(static_cast<size_t>(in.start), static_cast<size_t>(in.end - in.start));
}

absl::Status check_start(std::string_view text, int64_t start) {
  if (start <= static_cast<int64_t>(text.size())) return absl::OkStatus();
  return value_error("start ", start, " is behind the string's end");
}

// An empty part is found at `start`, even where the window would end before it begins.
template <size_t (std::string_view::*kFind)(std::string_view, size_t) const noexcept>
Place find(std::string_view text, std::string_view part, int64_t start, int64_t end, size_t from) {
  const Window in = window(text, start, end);
  if (in.start >= in.end) return part.empty() ? in.start : -1;
  VESTA_RETURN_IF_ERROR(check_start(text, in.start));
  const size_t at = (cut(text, in).*kFind)(part, from);
  return at == std::string_view::npos ? -1 : in.start + static_cast<int64_t>(at);
}

Place find_first(std::string_view text, std::string_view part, int64_t start, int64_t end) {
  return find<&std::string_view::find>(text, part, start, end, 0);
}

Place find_last(std::string_view text, std::string_view part, int64_t start, int64_t end) {
  return find<&std::string_view::rfind>(text, part, start, end, std::string_view::npos);
}

Place or_value_error(Place place) {
  if (place.ok() && *place < 0) return value_error("ValueError: substring not found");
  return place;
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
  if (in.start > in.end || in.start > static_cast<int64_t>(text.size())) return 0;
  const std::string_view rest = cut(text, in);
  if (part.empty()) return static_cast<int64_t>(rest.size()) + 1;
  int64_t count = 0;
  for (size_t at = rest.find(part); at != std::string_view::npos; at = rest.find(part, at + part.size())) ++count;
  return count;
})

VESTA_KERNEL(str_startswith,
             [](std::string_view text, std::string_view part, int64_t start, int64_t end) -> absl::StatusOr<bool> {
               VESTA_RETURN_IF_ERROR(check_start(text, start));
               const Window in = window(text, start, end);
               return in.start <= in.end && cut(text, in).substr(0, part.size()) == part;
             })
VESTA_KERNEL(str_endswith,
             [](std::string_view text, std::string_view part, int64_t start, int64_t end) -> absl::StatusOr<bool> {
               VESTA_RETURN_IF_ERROR(check_start(text, start));
               const Window in = window(text, start, end);
               if (in.start > in.end) return false;
               const std::string_view rest = cut(text, in);
               return rest.size() >= part.size() && rest.substr(rest.size() - part.size()) == part;
             })

VESTA_KERNEL(str_get, [](std::string_view text, int64_t index) -> absl::StatusOr<IValue> {
  const int64_t place = normalize_index(index, static_cast<int64_t>(text.size()));
  if (place < 0 || place >= static_cast<int64_t>(text.size())) return value_error("string index out of range");
  return string_value(text.substr(static_cast<size_t>(place), 1));
})

VESTA_KERNEL(str_slice,
             [](std::string_view text, const IValue& start, const IValue& end,
                int64_t step) -> absl::StatusOr<std::string> {
               VESTA_ASSIGN_OR_RETURN(const SliceRange range,
                                      resolve_slice(start, end, step, static_cast<int64_t>(text.size())));
               std::string result;
               result.reserve(static_cast<size_t>(range.count));
               for (int64_t i = 0; i < range.count; ++i) {
                 result.push_back(text[static_cast<size_t>(range.start + i * range.step)]);
               }
               return result;
             })

}  // namespace vesta::runtime::kernels
