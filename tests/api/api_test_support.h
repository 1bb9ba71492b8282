#pragma once

// What the tests of the facade share.

#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vesta/vesta.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace vesta::test {

inline std::string corpus(std::string_view name) {
  return std::string(VESTA_SOURCE_DIR) + "/tests/corpus/archives/" + std::string(name) + ".pt";
}

// The value, or a failure of the test that shows the message.
template <class T>
T must(absl::StatusOr<T> result) {
  if (!result.ok()) throw std::runtime_error(std::string(result.status().message()));
  return *std::move(result);
}
inline void must(const absl::Status& status) {
  if (!status.ok()) throw std::runtime_error(std::string(status.message()));
}

inline std::string message(const absl::Status& status) { return std::string(status.message()); }
template <class T>
std::string message(const absl::StatusOr<T>& result) {
  return message(result.status());
}

}  // namespace vesta::test
