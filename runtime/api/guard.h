#pragma once

// libtorch's exceptions end here: the facade calls its operators only inside guard().

#include <exception>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

#include <c10/util/Exception.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace vesta::internal {

// `function`'s result, which is void or a value; an exception of libtorch becomes InvalidArgument with its text (no
// backtrace), memory that is not to be had ResourceExhausted.
template <class F>
auto guard(F&& function) {
  using T = std::invoke_result_t<F>;
  using Result = std::conditional_t<std::is_void_v<T>, absl::Status,
                                    absl::StatusOr<std::conditional_t<std::is_void_v<T>, int, T>>>;
  try {
    if constexpr (std::is_void_v<T>) {
      std::forward<F>(function)();
      return Result(absl::OkStatus());
    } else {
      return Result(std::forward<F>(function)());
    }
  } catch (const c10::OutOfMemoryError& error) {
    return Result(absl::ResourceExhaustedError(error.what_without_backtrace()));
  } catch (const c10::Error& error) {
    return Result(absl::InvalidArgumentError(error.what_without_backtrace()));
  } catch (const std::bad_alloc&) {
    return Result(absl::ResourceExhaustedError("memory is exhausted"));
  } catch (const std::exception& error) {
    return Result(absl::InternalError(error.what()));
  }
}

}  // namespace vesta::internal
