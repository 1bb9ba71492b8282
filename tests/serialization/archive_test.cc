#include "serialization/archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serialization/debug_ranges.h"
#include "tests/serialization/fixtures.h"
#include "tests/serialization/zip_builder.h"

namespace vesta::serialization {
namespace {

using namespace std::string_literals;
using testing::build_zip;
using ::testing::ElementsAre;
using testing::fixture;
using ::testing::HasSubstr;
using testing::ZipMember;

std::vector<ZipMember> members_of_a_module() {
  return {{.name = "m/data.pkl", .contents = "\x80\x02N."},
          {.name = "m/code/__torch__.py", .contents = "pass\n"},
          {.name = "m/constants.pkl", .contents = "\x80\x02)."},
          {.name = "m/extra/notes.txt", .contents = "hi"},
          {.name = "m/version", .contents = "3\n"}};
}

absl::StatusOr<std::shared_ptr<const Archive>> open(const std::vector<ZipMember>& members,
                                                    ArchiveOptions options = {}) {
  return Archive::open(*copy_bytes(build_zip(members)), "m.pt", options);
}

std::string message_of(const std::vector<ZipMember>& members) { return std::string(open(members).status().message()); }

TEST(Archive, FindsItsRecordsUnderTheTopFolder) {
  const auto archive = open(members_of_a_module());
  ASSERT_TRUE(archive.ok()) << archive.status();
  EXPECT_EQ((*archive)->version(), 3);
  EXPECT_FALSE((*archive)->big_endian());
  EXPECT_TRUE((*archive)->has("data.pkl"));
  EXPECT_EQ((*archive)->read("code/__torch__.py")->contents, "pass\n");
  EXPECT_THAT((*archive)->list("code/"), ElementsAre("code/__torch__.py"));
  EXPECT_EQ((*archive)->extra_files()->at("notes.txt"), "hi");
  EXPECT_TRUE(absl::IsNotFound((*archive)->read("nothing").status()));
}

TEST(Archive, GenuineArchivesOfEveryVersionOpen) {
  for (const std::string version : {"1.3.1", "1.4.0", "1.5.1", "1.6.0", "1.8.1", "1.11.0", "1.13.1", "2.0.1"}) {
    const auto archive = Archive::open(*copy_bytes(fixture("attributes_" + version + ".pt")), version, {});
    ASSERT_TRUE(archive.ok()) << archive.status();
    EXPECT_EQ((*archive)->extra_files()->size(), 2u);
    EXPECT_TRUE((*archive)->zip().verify_unread().ok());
    const auto data = (*archive)->read("code/__torch__.py.debug_pkl");
    ASSERT_TRUE(data.ok());
    DebugSources sources;
    const auto ranges = DebugRanges::parse(data->contents, version, {}, sources);
    ASSERT_TRUE(ranges.ok()) << ranges.status();
    const auto code = (*archive)->read("code/__torch__.py");
    const size_t place = code->contents.find("torch.add(");
    const support::SourceRange range = ranges->find(place);
    ASSERT_TRUE(range.known()) << version;
    EXPECT_THAT(std::string(range.source()->text), HasSubstr("return self.ai + 1")) << version;
    EXPECT_THAT(std::string(range.text()), HasSubstr("self.ai + 1")) << version;
    EXPECT_EQ(range.source()->filename, "<string>");
    // Another table of the same archive has no source of its own where the contents are the same.
    const auto again = DebugRanges::parse(data->contents, version, {}, sources);
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(again->find(place).source(), range.source()) << version;
  }
}

TEST(Archive, TheOldestFormatOpensAndOtherFilesGetTheirOwnAnswer) {
  const auto error_of = [](const std::string& name) {
    return std::string(Archive::open(*copy_bytes(fixture(name)), name, {}).status().message());
  };
  EXPECT_EQ(error_of("attributes_1.2.0.pt"), "");
  EXPECT_THAT(error_of("checkpoint.pt"), HasSubstr("is a checkpoint of torch.save"));
  EXPECT_THAT(error_of("checkpoint_legacy.pt"), HasSubstr("before torch 1.6"));
}

TEST(Archive, VersionsAreCheckedAndMustAgree) {
  const auto with_version = [](const std::string& text) {
    auto members = members_of_a_module();
    members.back().contents = text;
    return members;
  };
  EXPECT_EQ((*open(with_version("10")))->version(), 10);
  EXPECT_THAT(message_of(with_version("11\n")),
              HasSubstr("version 11, versions 1 to 10 are known; a newer torch wrote it"));
  EXPECT_THAT(message_of(with_version("99999999999999999999\n")), HasSubstr("is no version"));
  for (const std::string& text : {""s, "0"s, "-1"s, "3x"s, "\0"s}) {
    EXPECT_THAT(message_of(with_version(text)), HasSubstr("is no version")) << text;
  }
  auto members = members_of_a_module();
  members.push_back({.name = "m/.data/version", .contents = "4\n"});
  EXPECT_THAT(message_of(members), HasSubstr("'version' says 3 and '.data/version' says 4"));
  members.pop_back();
  members.pop_back();
  EXPECT_THAT(message_of(members), HasSubstr("no 'version'"));
}

TEST(Archive, OneTopFolderAndAllNeededRecords) {
  auto members = members_of_a_module();
  members.push_back({.name = "other/x", .contents = "x"});
  EXPECT_THAT(message_of(members), HasSubstr("one top folder"));
  members = members_of_a_module();
  members.push_back({.name = "x", .contents = "x"});
  EXPECT_THAT(message_of(members), HasSubstr("one top folder"));
  members = members_of_a_module();
  members.erase(members.begin() + 2);
  EXPECT_THAT(message_of(members), HasSubstr("lacks 'm/constants.pkl'"));
}

TEST(Archive, ByteOrderIsHonoured) {
  auto members = members_of_a_module();
  members.push_back({.name = "m/byteorder", .contents = "big"});
  EXPECT_TRUE((*open(members))->big_endian());
  members.back().contents = "little";
  EXPECT_FALSE((*open(members))->big_endian());
  members.back().contents = "middle";
  EXPECT_THAT(message_of(members), HasSubstr("neither 'little' nor 'big'"));
}

TEST(Archive, MetadataIsBoundedWeightsAreNot) {
  auto members = members_of_a_module();
  members.push_back({.name = "m/data/0", .contents = std::string(1000, 'w')});
  ArchiveOptions options;
  options.limits.metadata_bytes = 500;
  EXPECT_TRUE(open(members, options).ok());
  members.push_back({.name = "m/extra/big", .contents = std::string(1000, 'w')});
  EXPECT_EQ(open(members, options).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(Archive, WeightsAreCheckedUnlessTrusted) {
  auto members = members_of_a_module();
  members.push_back({.name = "m/data/0", .contents = "weights"});
  members.back().lies = {{"local.crc", 1}, {"central.crc", 1}};
  EXPECT_EQ(open(members).status().code(), absl::StatusCode::kDataLoss);
  ArchiveOptions options;
  options.trust_weights = true;
  const auto archive = open(members, options);
  ASSERT_TRUE(archive.ok());
  EXPECT_EQ((*archive)->storage_reader("data/")("0", 7)->contents, "weights");
  EXPECT_EQ((*archive)->storage_reader("data/")("0", 8).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ((*archive)->storage_reader("data/")("1", 8).status().code(), absl::StatusCode::kDataLoss);
  // Trust is for weights alone.
  members[1].lies = {{"local.crc", 1}, {"central.crc", 1}};
  EXPECT_EQ((*open(members, options))->read("code/__torch__.py").status().code(), absl::StatusCode::kDataLoss);
}

TEST(DebugRanges, RangesThatAreNoTableAreDataLoss) {
  const auto code = [](const std::string& pickle) {
    DebugSources sources;
    return DebugRanges::parse(pickle, "d", {}, sources).status().code();
  };
  EXPECT_EQ(code("\x80\x02)."), absl::StatusCode::kOk);
  EXPECT_EQ(code("\x80\x02N."), absl::StatusCode::kDataLoss);
  EXPECT_EQ(code("\x80\x02(K\1t."), absl::StatusCode::kDataLoss);
  // Offsets descend.
  EXPECT_EQ(code("\x80\x02(K\5X\0\0\0\0X\0\0\0\0K\0\x87K\0K\0\x87\x86K\4X\0\0\0\0X\0\0\0\0K\0\x87K\0K\0\x87\x86t."s),
            absl::StatusCode::kDataLoss);
  // An index beyond the string table.
  EXPECT_EQ(code("\x80\x02X\x18\0\0\0FORMAT_WITH_STRING_TABLE)(K\0(]K\7aK\0K\1tK\0K\0\x87K\0\x87t\x87."s),
            absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace vesta::serialization
