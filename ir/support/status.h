#pragma once

// Early-return helpers for absl::Status and absl::StatusOr, plus formatted errors.
// Debian's Abseil 20220623 ships no status_macros.h, so the two macros live here.

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

#define VESTA_STATUS_CONCAT_INNER_(a, b) a##b
#define VESTA_STATUS_CONCAT_(a, b) VESTA_STATUS_CONCAT_INNER_(a, b)

// Returns the status of `expression` from the enclosing function unless it is OK.
#define VESTA_RETURN_IF_ERROR(expression)        \
  do {                                           \
    ::absl::Status vesta_status_ = (expression); \
    if (!vesta_status_.ok()) [[unlikely]]        \
      return vesta_status_;                      \
  } while (false)

// Evaluates a StatusOr; on error returns its status, else moves the value into `target`
// (which may be a declaration: VESTA_ASSIGN_OR_RETURN(auto x, make_x())).
#define VESTA_ASSIGN_OR_RETURN(target, expression) \
  VESTA_ASSIGN_OR_RETURN_IMPL_(VESTA_STATUS_CONCAT_(vesta_statusor_, __LINE__), target, expression)
#define VESTA_ASSIGN_OR_RETURN_IMPL_(holder, target, expression) \
  auto holder = (expression);                                    \
  if (!holder.ok()) [[unlikely]]                                 \
    return std::move(holder).status();                           \
  target = *std::move(holder)

namespace vesta::support {

// Returns `status` with `context` put before its message ("context: message"); OK stays OK.
inline absl::Status with_context(absl::Status status, const std::string& context) {
  if (status.ok()) return status;
  return {status.code(), absl::StrCat(context, ": ", status.message())};
}

}  // namespace vesta::support
