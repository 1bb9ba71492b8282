#pragma once

// One struct of limits goes through zip, pickle, frontend and interpreter. The defaults are what a
// server that embeds Vesta wants; every one can be raised by the caller.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace vesta {

inline constexpr int64_t kKiB = int64_t{1} << 10;
inline constexpr int64_t kMiB = int64_t{1} << 20;
inline constexpr int64_t kGiB = int64_t{1} << 30;

// Limits of reading a file and compiling its program. Exceeding one is ResourceExhausted.
// A plain value: copy it, change fields, pass it on.
struct Limits {
  // Archive.
  int64_t file_bytes = 16 * kGiB;
  int64_t archive_entries = 65536;
  int64_t entry_name_bytes = 1024;
  // All records that are not weights (source, pickles, extra files), inflated, in all.
  int64_t metadata_bytes = 256 * kMiB;
  // Inflated : deflated size of a member. Weights of zeros deflate to 1:1000, so this applies to
  // members above `inflate_free_bytes` inflated only.
  int64_t inflate_ratio = 100;
  int64_t inflate_free_bytes = 1 * kGiB;

  // Pickle.
  int64_t pickle_operations = 16'000'000;
  int64_t pickle_depth = 256;
  int64_t pickle_string_bytes = 64 * kMiB;
  int64_t pickle_nodes = 16'000'000;

  // Tensors.
  int64_t tensors = 1'000'000;
  int64_t tensor_rank = 64;

  // Source.
  int64_t source_bytes = 64 * kMiB;
  int64_t source_nesting = 200;
  int64_t type_depth = 64;
  int64_t ir_nodes = 1'000'000;

  // Run: depth of calls between methods and functions of a program.
  int64_t call_depth = 1000;
};

// Limits of one call. Checked at back-edges and calls of the program.
struct CallLimits {
  // Instructions at most; deterministic. Exceeding it is ResourceExhausted. None: no limit.
  std::optional<int64_t> fuel;
  // Exceeding it is DeadlineExceeded.
  std::optional<std::chrono::steady_clock::time_point> deadline;
  // Becomes true: Cancelled at the next check. Not owned; must outlive the call.
  const std::atomic<bool>* cancel = nullptr;
};

}  // namespace vesta
