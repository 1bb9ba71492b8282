#pragma once

// Reads speech from a WAV file.

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace examples {

inline uint32_t little_endian(const std::string& bytes, size_t at, size_t count) {
  uint32_t value = 0;
  for (size_t i = 0; i < count; ++i)
    value |= static_cast<uint32_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return value;
}

// Samples in [-1, 1) of a mono file of 16-bit PCM with this many samples a second.
inline absl::StatusOr<std::vector<float>> read_wav(const std::string& path, uint32_t rate) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": cannot be opened"));
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (bytes.size() < 12 || bytes.compare(0, 4, "RIFF") != 0 || bytes.compare(8, 4, "WAVE") != 0) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": no WAV file"));
  }
  bool format_fits = false;
  for (size_t at = 12; at + 8 <= bytes.size();) {
    const size_t size = little_endian(bytes, at + 4, 4);
    const size_t begin = at + 8;
    const std::string name = bytes.substr(at, 4);
    if (name == "fmt " && begin + 16 <= bytes.size()) {
      format_fits = little_endian(bytes, begin, 2) == 1 && little_endian(bytes, begin + 2, 2) == 1 &&
                    little_endian(bytes, begin + 4, 4) == rate && little_endian(bytes, begin + 14, 2) == 16;
    }
    if (name == "data" && format_fits) {
      std::vector<float> samples(std::min(size, bytes.size() - begin) / 2);
      for (size_t i = 0; i < samples.size(); ++i) {
        samples[i] = static_cast<float>(static_cast<int16_t>(little_endian(bytes, begin + 2 * i, 2))) / 32768.0F;
      }
      return samples;
    }
    at = begin + size + size % 2;
  }
  return absl::InvalidArgumentError(absl::StrCat(path, ": expected 16-bit PCM, mono, ", rate, " Hz"));
}

}  // namespace examples
