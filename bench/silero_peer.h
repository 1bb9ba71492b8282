#pragma once

// The voice-activity detector on torch::jit, frozen, for examples/silero_vad to compare with. Declared without
// torch::jit's headers.

#include <cstdint>
#include <memory>
#include <string>

namespace vesta::bench {

// Not thread-safe. Throws what torch::jit throws.
class SileroPeer {
 public:
  explicit SileroPeer(const std::string& model_path);
  ~SileroPeer();
  SileroPeer(const SileroPeer&) = delete;
  SileroPeer& operator=(const SileroPeer&) = delete;

  // Speech probability of the next chunk.
  double probability(float* samples, int64_t count, int64_t rate);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vesta::bench
