#pragma once

// Strings that operators give.

#include <string>
#include <string_view>
#include <utility>

#include <ATen/core/ivalue.h>

namespace vesta::runtime::kernels {

// Longer ones are rarely made twice.
inline constexpr size_t kShortString = 15;

// The text as a value. Programs make the same short strings again and again, as keys and words; each thread keeps some
// hundred of them, so that one is neither allocated nor compared byte by byte when a dict is asked for it.
c10::IValue string_value(std::string_view text);

inline c10::IValue string_value(std::string&& text) {
  return text.size() <= kShortString ? string_value(std::string_view(text)) : c10::IValue(std::move(text));
}

}  // namespace vesta::runtime::kernels
