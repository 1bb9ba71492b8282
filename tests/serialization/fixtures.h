#pragma once

// The files of tests/serialization/data: archives that torch 1.2 to 2.0 wrote.

#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

namespace vesta::serialization::testing {

inline std::string fixture_path(const std::string& name) {
  return std::string(VESTA_SOURCE_DIR) + "/tests/serialization/data/" + name;
}

inline std::string fixture(const std::string& name) {
  std::ifstream file(fixture_path(name), std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace vesta::serialization::testing
