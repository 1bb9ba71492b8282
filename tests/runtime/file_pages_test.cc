// Pages that are a mapped file's are left to it; what was written to stays.

#include "runtime/plan/file_pages.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

namespace vesta::runtime {
namespace {

// KiB of the mapping that begins there which the process has in memory.
int64_t resident_kib(const void* address) {
  char start[32];
  std::snprintf(start, sizeof(start), "%zx-", reinterpret_cast<size_t>(address));
  std::ifstream maps("/proc/self/smaps");
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    if (line.rfind(start, 0) == 0) inside = true;
    int64_t kib = 0;
    if (inside && std::sscanf(line.c_str(), "Rss: %ld kB", &kib) == 1) return kib;
  }
  return -1;
}

class FilePagesTest : public ::testing::Test {
 protected:
  static constexpr size_t kBytes = size_t{1} << 20;
  void SetUp() override {
    std::FILE* file = std::tmpfile();
    ASSERT_NE(file, nullptr);
    const std::string text(kBytes, 'x');
    ASSERT_EQ(std::fwrite(text.data(), 1, kBytes, file), kBytes);
    ASSERT_EQ(std::fflush(file), 0);
    void* mapped = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, ::fileno(file), 0);
    std::fclose(file);
    ASSERT_NE(mapped, MAP_FAILED);
    data_ = static_cast<char*>(mapped);
    for (size_t i = 0; i < kBytes; i += 512) ASSERT_EQ(const_cast<volatile char*>(data_)[i], 'x');
    ASSERT_EQ(resident_kib(data_), 1024);
  }
  void TearDown() override {
    if (data_ != nullptr) ::munmap(data_, kBytes);
  }
  char* data_ = nullptr;
};

TEST_F(FilePagesTest, PagesOfTheFileAreLeftAndReadAgain) {
  plan::leave_to_file(data_, kBytes);
  EXPECT_EQ(resident_kib(data_), 0);
  EXPECT_EQ(std::string_view(data_, kBytes), std::string(kBytes, 'x'));
}

TEST_F(FilePagesTest, WhatWasWrittenToStays) {
  std::memset(data_ + 70000, 'y', 10);
  data_[kBytes - 1] = 'z';
  plan::leave_to_file(data_, kBytes);
  EXPECT_EQ(resident_kib(data_), 8);
  EXPECT_EQ(data_[70000], 'y');
  EXPECT_EQ(data_[70010], 'x');
  EXPECT_EQ(data_[kBytes - 1], 'z');
}

TEST_F(FilePagesTest, PagesThatOthersShareStay) {
  plan::leave_to_file(data_ + 1, kBytes - 2);
  EXPECT_EQ(resident_kib(data_), 8);
  plan::leave_to_file(data_ + 5000, 10);
  EXPECT_EQ(resident_kib(data_), 8);
}

TEST(OrdinaryMemoryTest, StaysAsItIs) {
  const std::string text(1 << 20, 'x');
  plan::leave_to_file(text.data(), text.size());
  EXPECT_EQ(text, std::string(1 << 20, 'x'));
}

}  // namespace
}  // namespace vesta::runtime
