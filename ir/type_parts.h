#pragma once

// How large types are.

#include <cstdint>

#include <ATen/core/jit_type.h>

namespace vesta::ir {

// c10 compares, joins and prints types part by part, however often a part is shared, so tuples, unions and interfaces
// that each hold the one before twice cost twice as much with every step. A type with more parts than this is refused.
inline constexpr int64_t kMostTypeParts = 10'000;

// Whether the type has more than kMostTypeParts: shared parts count each time, so do those of an interface's methods;
// a class or enum is one. Takes no longer than counting to that number.
bool is_too_large(const c10::Type& type);

}  // namespace vesta::ir
