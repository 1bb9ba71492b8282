#include "serialization/bytes.h"

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serialization/crc32.h"
#include "serialization/zip_reader.h"
#include "tests/serialization/zip_builder.h"

namespace vesta::serialization {
namespace {

using testing::build_zip;
using ::testing::HasSubstr;
using testing::ZipMember;

constexpr size_t kLarge = size_t{33} << 20;  // read by several threads

// A file that is removed again.
class File {
 public:
  explicit File(std::string_view contents) : path_(::testing::TempDir() + "vesta_bytes_test") {
    std::ofstream(path_, std::ios::binary).write(contents.data(), static_cast<std::streamsize>(contents.size()));
  }
  ~File() { std::filesystem::remove(path_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  const std::string& path() const { return path_; }
  void put(size_t offset, char byte) const {
    std::fstream(path_, std::ios::binary | std::ios::in | std::ios::out)
        .seekp(static_cast<std::streamoff>(offset))
        .put(byte);
  }

 private:
  std::string path_;
};

std::string noise(size_t size) {
  std::mt19937_64 random(1);
  std::string out(size, '\0');
  for (size_t i = 0; i + 8 <= size; i += 8) {
    const uint64_t word = random();
    std::memcpy(out.data() + i, &word, 8);
  }
  return out;
}

// Members whose ends lie anywhere in blocks, smaller and larger than those.
std::vector<ZipMember> members_of_many_sizes() {
  std::vector<ZipMember> members;
  size_t total = 0;
  for (size_t size = 1; total < kLarge; size = size * 3 + 7) {
    ZipMember member;
    member.name = "m/data/" + std::to_string(members.size());
    member.contents = noise(std::min(size, size_t{17} << 20));
    total += member.contents.size();
    members.push_back(std::move(member));
  }
  return members;
}

absl::StatusOr<std::shared_ptr<const ZipReader>> open(const SharedBytes& bytes) {
  return ZipReader::open(bytes, "large.pt", {});
}

TEST(ReadFile, LargeFilesAreReadWhole) {
  for (const size_t size : {kLarge, kLarge + 12345}) {
    const std::string contents = noise(size);
    const File file(contents);
    for (const BlockCrcs crcs : {BlockCrcs::kNone, BlockCrcs::kOfArchives}) {
      const absl::StatusOr<SharedBytes> bytes = read_file(file.path(), int64_t{1} << 30, crcs);
      ASSERT_TRUE(bytes.ok()) << bytes.status();
      EXPECT_TRUE((*bytes)->view() == contents);
      EXPECT_TRUE((*bytes)->block_crcs().empty()) << "this is no archive";
    }
  }
}

TEST(ReadFile, BlocksOfALargeArchiveHaveTheirCrcs) {
  const std::string contents = build_zip(members_of_many_sizes());
  const File file(contents);
  const absl::StatusOr<SharedBytes> bytes = read_file(file.path(), int64_t{1} << 30, BlockCrcs::kOfArchives);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_TRUE((*bytes)->view() == contents);
  const std::span<const uint32_t> crcs = (*bytes)->block_crcs();
  ASSERT_EQ(crcs.size(), (contents.size() + Bytes::kCrcBlock - 1) / Bytes::kCrcBlock);
  for (size_t i = 0; i < crcs.size(); ++i) {
    EXPECT_EQ(crcs[i], crc32_of(std::string_view(contents).substr(i * Bytes::kCrcBlock, Bytes::kCrcBlock))) << i;
  }
  EXPECT_TRUE(open(*bytes).ok());
}

TEST(ReadFile, OneWrongBitAnywhereInALargeArchiveIsDataLoss) {
  const std::string good = build_zip(members_of_many_sizes());
  const auto copy = open(*copy_bytes(good));
  ASSERT_TRUE(copy.ok()) << copy.status();
  const File file(good);
  size_t turn = 0;
  for (const ZipEntry& entry : (*copy)->entries()) {
    // The first byte, one in the middle, the last one, in turn.
    const size_t at = std::array<size_t, 3>{0, entry.size / 2, entry.size - 1}[turn++ % 3];
    file.put(entry.data_offset + at, good[entry.data_offset + at] ^ 0x10);
    const absl::StatusOr<SharedBytes> bytes = read_file(file.path(), int64_t{1} << 30, BlockCrcs::kOfArchives);
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    ASSERT_FALSE((*bytes)->block_crcs().empty());
    const auto zip = open(*bytes);
    EXPECT_EQ(zip.status().code(), absl::StatusCode::kDataLoss) << entry.name << " at " << at;
    EXPECT_THAT(std::string(zip.status().message()), HasSubstr("'" + std::string(entry.name) + "'"));
    file.put(entry.data_offset + at, good[entry.data_offset + at]);
  }
}

}  // namespace
}  // namespace vesta::serialization
