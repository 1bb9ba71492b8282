#include "runtime/kernels/short_strings.h"

#include <array>

#include "absl/hash/hash.h"

namespace vesta::runtime::kernels {

c10::IValue string_value(std::string_view text) {
  if (text.size() > kShortString) return std::string(text);
  // Each has one place, by its hash.
  thread_local std::array<c10::IValue, 512> kept;
  c10::IValue& place = kept[absl::HashOf(text) % kept.size()];
  if (!place.isString() || place.toStringView() != text) place = std::string(text);
  return place;
}

}  // namespace vesta::runtime::kernels
