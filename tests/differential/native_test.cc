// Every archive of the corpus as a native file: it is the same program with the same values when it is read, gives the
// same results, becomes the same archive again, and is the same bytes when it is written once more. Whole models only
// where the environment variable VESTA_SAVE_LARGE is set.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <vesta/vesta.h>

#include "serialization/native_format.h"
#include "tests/differential/corpus_run.h"
#include "tests/differential/freeze_run.h"
#include "tests/differential/program_text.h"
#include "tests/differential/vesta_subject.h"

namespace vesta::test {
namespace {

std::span<const std::byte> as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

std::string native_bytes(const Module& module, const NativeOptions& options = {}) {
  std::ostringstream out;
  const absl::Status saved = module.save_native(out, options);
  EXPECT_TRUE(saved.ok()) << saved;
  return out.str();
}

std::string archive_bytes(const Module& module, const ExtraFiles& extra_files) {
  std::ostringstream out;
  const absl::Status saved = module.save(out, extra_files);
  EXPECT_TRUE(saved.ok()) << saved;
  return out.str();
}

bool is_left_out(const CorpusEntry& entry) {
  return entry.has_tag("large") && std::getenv("VESTA_SAVE_LARGE") == nullptr;
}

class Native : public testing::TestWithParam<size_t> {};

TEST_P(Native, FileKeepsProgramValuesAndResults) {
  const CorpusEntry& entry = corpus()[GetParam()];
  if (is_left_out(entry)) GTEST_SKIP() << "VESTA_SAVE_LARGE is not set";
  ExtraFiles extra_files;
  LoadOptions options;
  options.extra_files = &extra_files;
  options.all_extra_files = true;
  const absl::StatusOr<Module> original = load(entry.path, options);
  ASSERT_TRUE(original.ok()) << original.status();
  const std::string first = native_bytes(*original, {.extra_files = extra_files});

  ExtraFiles extra_files_again;
  options.extra_files = &extra_files_again;
  const absl::StatusOr<Module> again = load(as_bytes(first), options);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(program_difference(*original, *again), "");
  EXPECT_EQ(extra_files_again, extra_files);
  EXPECT_EQ(again->produced_by().torch, original->produced_by().torch);
  // An object whose __setstate__ does not undo its __getstate__ is another one each time.
  if (entry.name == "holds_state") return;
  EXPECT_TRUE(native_bytes(*again, {.extra_files = extra_files}) == first) << "written again, it is other bytes";
  EXPECT_TRUE(archive_bytes(*again, extra_files) == archive_bytes(*original, extra_files))
      << "the archive that it becomes is another one";
  CorpusEntry calls = entry;
  calls.extra_files.clear();
  calls.rtol = 0;
  calls.atol = 0;
  calls.has_tolerance = true;
  expect_agreement(calls, vesta_subject(*again), vesta_subject(*original),
                   {.as_recorded = false, .same_messages = true});
}

// As a user makes one: frozen, called once, written with what that made.
TEST_P(Native, PackedFileGivesWhatTheFrozenModuleGives) {
  const CorpusEntry& entry = corpus()[GetParam()];
  if (is_left_out(entry)) GTEST_SKIP() << "VESTA_SAVE_LARGE is not set";
  const CorpusEntry calls = frozen_entry(entry, 1);
  const absl::StatusOr<Module> made = frozen_module(entry, OptimizationLevel::kO2);
  ASSERT_TRUE(made.ok()) << made.status();
  make_calls(calls, *vesta_subject(*made));
  const std::string first = native_bytes(*made, {.packed = true});
  const absl::StatusOr<Module> again = load(as_bytes(first));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->is_frozen());
  if (entry.name == "holds_state") return;
  CorpusEntry exact = calls;
  exact.rtol = 0;
  exact.atol = 0;
  expect_agreement(exact, vesta_subject(*again), vesta_subject(*made), {.as_recorded = false, .same_messages = true});
}

// Files that Vesta wrote with each version of the format, kept as they are: tests/corpus/native/v<version>.
TEST(NativeVersions, FilesOfEveryVersionAreRead) {
  const std::filesystem::path folder = std::filesystem::path(corpus_folder()) / "native";
  std::set<std::string> versions;
  size_t files = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder)) {
    if (file.path().extension() != ".vesta") continue;
    SCOPED_TRACE(file.path().string());
    versions.insert(file.path().parent_path().filename());
    ++files;
    const std::string name = file.path().stem();
    const auto entry =
        std::find_if(corpus().begin(), corpus().end(), [&](const CorpusEntry& one) { return one.name == name; });
    ASSERT_NE(entry, corpus().end());
    const absl::StatusOr<Module> ours = load(file.path().string());
    ASSERT_TRUE(ours.ok()) << ours.status();
    const absl::StatusOr<Module> archive = load(entry->path);
    ASSERT_TRUE(archive.ok()) << archive.status();
    EXPECT_EQ(program_difference(*archive, *ours), "");
    if (ours->is_frozen()) {
      CorpusEntry calls = frozen_entry(*entry, 1);
      calls.rtol = 1e-4;
      calls.atol = 1e-6;
      expect_agreement(calls, vesta_subject(*ours), vesta_subject(*archive->freeze()),
                       {.as_recorded = false, .of_largest = true});
      continue;
    }
    CorpusEntry calls = *entry;
    calls.extra_files.clear();
    expect_agreement(calls, vesta_subject(*ours), vesta_subject(*archive), {.as_recorded = false});
  }
  EXPECT_EQ(versions.size(), serialization::kNativeVersion) << "each version that is written needs files to be kept";
  EXPECT_GE(files, 10u);
}

INSTANTIATE_TEST_SUITE_P(Archives, Native, testing::Range(size_t{0}, corpus().size()), corpus_name);

}  // namespace
}  // namespace vesta::test
