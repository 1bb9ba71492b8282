#pragma once

// What the writers of files take, over a stream of the user's.

#include <ostream>
#include <string_view>

#include "absl/status/status.h"
#include "ir/support/status.h"

namespace vesta::internal {

// Calls write(sink), which gives the sink all bytes, then flushes. Unavailable where the stream fails.
template <class Write>
absl::Status write_to_stream(std::ostream& stream, const Write& write) {
  const auto state = [&stream] {
    return stream.good() ? absl::OkStatus() : absl::UnavailableError("the stream cannot be written");
  };
  VESTA_RETURN_IF_ERROR(write([&](std::string_view bytes) {
    stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return state();
  }));
  stream.flush();
  return state();
}

}  // namespace vesta::internal
