#include "serialization/zip_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serialization/zip_writer.h"
#include "tests/serialization/zip_builder.h"

namespace vesta::serialization {
namespace {

using testing::build_zip;
using ::testing::HasSubstr;
using testing::little;
using testing::ZipMember;
using testing::ZipShape;

absl::StatusOr<std::shared_ptr<const ZipReader>> open(const std::string& file, ZipReader::Options options = {}) {
  return ZipReader::open(*copy_bytes(file), "model.pt", options);
}

// The error of opening, or of reading all members after it.
absl::Status error_of(const std::string& file, ZipReader::Options options = {}) {
  const auto zip = open(file, options);
  return zip.ok() ? (*zip)->verify_unread() : zip.status();
}

std::vector<ZipMember> two_members() {
  std::vector<ZipMember> members(2);
  members[0].name = "m/data/0";
  members[0].contents = "weights!";
  members[1].name = "m/code/a.py";
  members[1].contents = std::string(1000, 'x');
  members[1].deflated = true;
  return members;
}

void expect_corrupt(const std::string& file, const std::string& message) {
  const absl::Status status = error_of(file);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(message));
  EXPECT_THAT(std::string(status.message()), HasSubstr("model.pt"));
}

TEST(ZipReader, ReadsStoredMembersInPlaceAndInflatesOthers) {
  const auto zip = open(build_zip(two_members()));
  ASSERT_TRUE(zip.ok()) << zip.status();
  const ZipEntry* stored = (*zip)->find("m/data/0");
  ASSERT_NE(stored, nullptr);
  const auto data = (*zip)->read(*stored);
  ASSERT_TRUE(data.ok());
  EXPECT_EQ(data->contents, "weights!");
  EXPECT_EQ(data->contents.data(), (*zip)->bytes()->data() + stored->data_offset);
  EXPECT_EQ(stored->data_offset % 64, 0u);
  const auto code = (*zip)->read(*(*zip)->find("m/code/a.py"));
  ASSERT_TRUE(code.ok());
  EXPECT_EQ(code->contents, std::string(1000, 'x'));
  EXPECT_EQ((*zip)->find("m/data/1"), nullptr);
}

TEST(ZipReader, AcceptsDataDescriptorsAndArchivesWithoutZip64Records) {
  auto members = two_members();
  for (ZipMember& m : members) m.descriptor = true;
  EXPECT_TRUE(error_of(build_zip(members)).ok());
  EXPECT_TRUE(error_of(build_zip(members, ZipShape{.zip64 = false})).ok());
  EXPECT_TRUE(error_of(build_zip({})).ok());
}

TEST(ZipReader, ReadsZip64SizesOfTheDirectory) {
  auto members = two_members();
  members[0].lies = {{"central.size", 0xffffffff}, {"central.stored", 0xffffffff}};
  members[0].central_extra = little(1, 2) + little(16, 2) + little(8, 8) + little(8, 8);
  EXPECT_TRUE(error_of(build_zip(members)).ok());
  members[0].central_extra = little(1, 2) + little(8, 2) + little(8, 8);
  expect_corrupt(build_zip(members), "zip64 field should have 16 bytes");
}

TEST(ZipReader, TruncatedAndExtendedFilesAreDataLoss) {
  const std::string file = build_zip(two_members());
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_EQ(error_of(file.substr(0, size)).code(), absl::StatusCode::kDataLoss) << size;
  }
  expect_corrupt(build_zip(two_members(), ZipShape{.suffix = "x"}), "bytes were added or lost");
  expect_corrupt(build_zip(two_members(), ZipShape{.prefix = "x"}), "should start at byte 0");
  auto members = two_members();
  members[0].after = "hidden";
  expect_corrupt(build_zip(members), "belong to nothing");
}

TEST(ZipReader, EveryFlippedBitIsFoundOrHarmless) {
  const std::string file = build_zip(two_members());
  for (size_t bit = 0; bit < file.size() * 8; ++bit) {
    std::string damaged = file;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    const auto zip = open(damaged);
    if (!zip.ok() || !(*zip)->verify_unread().ok()) continue;
    // What still opens (dates, padding, versions, attributes) has the same members.
    const ZipEntry* entry = (*zip)->find("m/data/0");
    ASSERT_NE(entry, nullptr) << bit;
    EXPECT_EQ((*zip)->read(*entry)->contents, "weights!") << bit;
    EXPECT_EQ((*zip)->read(*(*zip)->find("m/code/a.py"))->contents, std::string(1000, 'x')) << bit;
  }
}

TEST(ZipReader, WrongCrcIsFoundInStoredAndDeflatedMembers) {
  for (const size_t which : {0, 1}) {
    auto members = two_members();
    members[which].lies = {{"local.crc", 1}, {"central.crc", 1}};
    expect_corrupt(build_zip(members), "the header says 00000001");
  }
}

TEST(ZipReader, LocalHeadersMustAgreeWithTheDirectory) {
  const auto with_lie = [](const std::string& field, uint64_t value) {
    auto members = two_members();
    members[0].lies = {{field, value}};
    return build_zip(members);
  };
  expect_corrupt(with_lie("local.crc", 7), "differ in crc32 or size");
  expect_corrupt(with_lie("local.size", 7), "differ in crc32 or size");
  expect_corrupt(with_lie("local.stored", 7), "differ in crc32 or size");
  expect_corrupt(with_lie("local.flags", 0x801), "differ in flags or method");
  expect_corrupt(with_lie("local.method", 8), "differ in flags or method");
  expect_corrupt(with_lie("central.offset", 64), "m/data/0");
  expect_corrupt(with_lie("central.size", 9), "a stored member of 9 bytes takes 8 bytes");
  expect_corrupt(with_lie("central.disk", 3), "another disk");
  auto members = two_members();
  members[0].local_name = "m/data/1";
  expect_corrupt(build_zip(members), "names it 'm/data/1'");
  members = two_members();
  members[0].descriptor = true;
  members[0].lies = {{"descriptor.crc", 1}};
  expect_corrupt(build_zip(members), "data descriptor");
}

TEST(ZipReader, EncryptionAndUnknownMethodsAreRefused) {
  auto members = two_members();
  members[0].lies = {{"local.flags", 0x801}, {"central.flags", 0x801}};
  expect_corrupt(build_zip(members), "encrypted");
  members = two_members();
  members[1].lies = {{"local.method", 12}, {"central.method", 12}};
  const absl::Status status = error_of(build_zip(members));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(status.message()), HasSubstr("compression method 12"));
}

TEST(ZipReader, NamesThatLeaveTheArchiveOrAreAmbiguousAreRefused) {
  const auto named = [](const std::string& name) {
    auto members = two_members();
    members.push_back({.name = name, .contents = "x"});
    return build_zip(members);
  };
  expect_corrupt(named("../../etc/passwd"), "leaves its folder");
  expect_corrupt(named("m/../../x"), "leaves its folder");
  expect_corrupt(named("/etc/passwd"), "absolute");
  expect_corrupt(named("..\\x"), "backslash");
  expect_corrupt(named(std::string("m/a\0b", 5)), "zero byte");
  expect_corrupt(named("m//x"), "empty folder");
  expect_corrupt(named("m/\xff"), "UTF-8");
  expect_corrupt(named(""), "empty");
  expect_corrupt(named("m/data/0"), "two members have this name");
  expect_corrupt(named("M/DATA/0"), "two members have this name");
}

TEST(ZipReader, EndRecordsMustAgree) {
  const auto with_lie = [](const std::string& field, uint64_t value) {
    return build_zip(two_members(), {.lies = {{field, value}}});
  };
  expect_corrupt(with_lie("end.count", 3), "differ");
  expect_corrupt(with_lie("end.size", 3), "differ");
  expect_corrupt(with_lie("end.offset", 3), "differ");
  expect_corrupt(with_lie("end.disk", 1), "several disks");
  expect_corrupt(with_lie("locator.offset", 3), "where the locator points");
  expect_corrupt(with_lie("locator.offset", ~uint64_t{0}), "where the locator points");
  EXPECT_TRUE(error_of(with_lie("end.count", 0xffff)).ok());
  expect_corrupt(build_zip(two_members(), {.lies = {{"end64.count", 60000}, {"end.count", 0xffff}}}), "cannot hold");
  expect_corrupt(build_zip(two_members(), {.comment = std::string("PK\5\6") + std::string(18, '\0')}), "could end");
}

TEST(ZipReader, BombsAreRefusedBeforeTheyAreInflated) {
  std::vector<ZipMember> members(1);
  members[0] = {.name = "m/bomb", .contents = std::string(1 << 20, '\0'), .deflated = true};
  ZipReader::Options options;
  EXPECT_TRUE(error_of(build_zip(members), options).ok());
  options.limits.inflate_free_bytes = 1000;
  const absl::Status status = error_of(build_zip(members), options);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("'inflate_ratio' is 100"));
  // More than deflate can do is a lie, whatever the limits.
  members[0].lies = {{"central.size", 0xfffffff0}, {"local.size", 0xfffffff0}};
  expect_corrupt(build_zip(members), "cannot inflate to");
}

TEST(ZipReader, SizesThatLieAboutDeflatedDataAreFound) {
  for (const uint64_t size : {999, 1001}) {
    auto members = two_members();
    members[1].lies = {{"central.size", size}, {"local.size", size}};
    const auto zip = open(build_zip(members));
    ASSERT_TRUE(zip.ok());
    const auto data = (*zip)->read((*zip)->entries()[1]);
    EXPECT_EQ(data.status().code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(data.status().message()), HasSubstr("does not inflate to"));
    EXPECT_EQ((*zip)->verify_unread().code(), absl::StatusCode::kDataLoss);
  }
}

TEST(ZipReader, LimitsOnMembersAndNames) {
  ZipReader::Options options;
  options.limits.archive_entries = 1;
  EXPECT_EQ(error_of(build_zip(two_members()), options).code(), absl::StatusCode::kResourceExhausted);
  options = {};
  options.limits.entry_name_bytes = 5;
  EXPECT_EQ(error_of(build_zip(two_members()), options).code(), absl::StatusCode::kResourceExhausted);
}

TEST(ZipWriter, WritesAlignedMembersThatAreReadBack) {
  std::string file;
  ZipWriter writer([&file](std::string_view bytes) {
    file += bytes;
    return absl::OkStatus();
  });
  ASSERT_TRUE(writer.add("m/data/0", "12345678").ok());
  ASSERT_TRUE(writer.add("m/empty", "").ok());
  ASSERT_TRUE(writer.finish().ok());
  const auto zip = open(file);
  ASSERT_TRUE(zip.ok()) << zip.status();
  EXPECT_EQ((*zip)->entries().size(), 2u);
  EXPECT_EQ((*zip)->entries()[0].data_offset % 64, 0u);
  EXPECT_EQ((*zip)->read((*zip)->entries()[0])->contents, "12345678");
  EXPECT_EQ((*zip)->read((*zip)->entries()[1])->contents, "");
}

}  // namespace
}  // namespace vesta::serialization
