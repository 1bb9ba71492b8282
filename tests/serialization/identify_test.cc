#include "serialization/identify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/serialization/zip_builder.h"

namespace vesta::serialization {
namespace {

using namespace std::string_literals;
using testing::build_zip;
using ::testing::HasSubstr;
using testing::ZipMember;

FileKind kind_of_zip(const std::vector<std::string>& names) {
  std::vector<ZipMember> members;
  for (const std::string& name : names) members.push_back({.name = name, .contents = "x"});
  return identify(build_zip(members));
}

TEST(Identify, ZipArchivesByTheirMembers) {
  EXPECT_EQ(kind_of_zip({"m/data.pkl", "m/code/a.py", "m/constants.pkl", "m/version"}), FileKind::kTorchScript);
  EXPECT_EQ(kind_of_zip({"m/data.pkl", "m/constants.pkl", "m/version"}), FileKind::kTorchScript);
  EXPECT_EQ(kind_of_zip({"m/data.pkl", "m/code/a.py", "m/constants.pkl", "m/bytecode.pkl"}), FileKind::kMobileScript);
  EXPECT_EQ(kind_of_zip({"m/version", "m/code/m.py", "m/model.json"}), FileKind::kModelJson);
  EXPECT_EQ(kind_of_zip({"m/data.pkl", "m/data/0", "m/version"}), FileKind::kCheckpoint);
  EXPECT_EQ(kind_of_zip({"p/.data/extern_modules", "p/model.pkl"}), FileKind::kTorchPackage);
  EXPECT_EQ(kind_of_zip({"m/archive_format", "m/models/model.json"}), FileKind::kExportedProgram);
  EXPECT_EQ(kind_of_zip({"serialized_exported_program.json"}), FileKind::kExportedProgram);
  EXPECT_EQ(kind_of_zip({"MAR-INF/MANIFEST.json", "model.pt"}), FileKind::kTorchServe);
  EXPECT_EQ(kind_of_zip({"a.npy", "b.npy"}), FileKind::kNumpyZip);
  EXPECT_EQ(kind_of_zip({"word/document.xml"}), FileKind::kZip);
  EXPECT_EQ(identify("PK\3\4 damaged"), FileKind::kZip);
}

TEST(Identify, OtherFilesByTheirFirstBytes) {
  EXPECT_EQ(identify(""), FileKind::kEmpty);
  EXPECT_EQ(identify("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02"), FileKind::kCheckpointLegacy);
  EXPECT_EQ(identify("\x80\x04N."), FileKind::kPickle);
  EXPECT_EQ(identify("\x20\0\0\0PTMF    "s), FileKind::kMobileFlatbuffer);
  EXPECT_EQ(identify("\x93NUMPY\1\0"s), FileKind::kNumpy);
  EXPECT_EQ(identify("\x02\0\0\0\0\0\0\0{}"s), FileKind::kSafetensors);
  EXPECT_EQ(identify("\x08\x08\x12\x07pytorch\x1a\x05"
                     "2.0.1:"s),
            FileKind::kOnnx);
  EXPECT_EQ(identify(std::string(257, '\0') + "ustar"), FileKind::kCheckpointTar);
  EXPECT_EQ(identify("<!DOCTYPE html>"), FileKind::kWebPage);
  EXPECT_EQ(identify("version https://git-lfs.github.com/spec/v1\n"), FileKind::kGitLfsPointer);
  EXPECT_EQ(identify("\x7f"
                     "ELF"),
            FileKind::kElf);
  EXPECT_EQ(identify("hello"), FileKind::kUnknown);
}

TEST(Identify, EveryKindThatIsNotLoadedSaysWhatItIsAndWhatToDo) {
  for (int k = 0; k <= static_cast<int>(FileKind::kUnknown); ++k) {
    const auto kind = static_cast<FileKind>(k);
    EXPECT_FALSE(kind_name(kind).empty());
    if (is_loadable(kind)) continue;
    const absl::Status status = explain(kind, "m.pt");
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(std::string(status.message()), ::testing::StartsWith("m.pt is "));
    EXPECT_THAT(std::string(status.message()), HasSubstr(": "));
  }
}

}  // namespace
}  // namespace vesta::serialization
