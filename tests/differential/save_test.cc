// Every archive of the corpus, saved by Vesta: torch::jit loads what was written and gives the results that it gives
// for the original; Vesta reads it as the same program; saved again it is the same bytes. Whole models only where the
// environment variable VESTA_SAVE_LARGE is set: they are gigabytes to write.

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include <vesta/vesta.h>

#include "tests/differential/corpus_run.h"
#include "tests/differential/program_text.h"

namespace vesta::test {
namespace {

std::span<const std::byte> as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

// A file that is gone with it.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& contents)
      : path_(
            (std::filesystem::temp_directory_path() / ("vesta_save_" + std::to_string(::getpid()) + ".pt")).string()) {
    std::ofstream(path_, std::ios::binary) << contents;
  }
  ~TemporaryFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class Save : public testing::TestWithParam<size_t> {};

TEST_P(Save, GivesTheSameProgramToTorchJitAndToVesta) {
  const CorpusEntry& entry = corpus()[GetParam()];
  if (entry.has_tag("large") && std::getenv("VESTA_SAVE_LARGE") == nullptr)
    GTEST_SKIP() << "VESTA_SAVE_LARGE is not set";
  prepare_oracle();
  ExtraFiles extra_files;
  LoadOptions options;
  options.extra_files = &extra_files;
  options.all_extra_files = true;
  absl::StatusOr<Module> original = load(entry.path, options);
  ASSERT_TRUE(original.ok()) << original.status();
  std::ostringstream first;
  absl::Status saved = original->save(first, extra_files);
  ASSERT_TRUE(saved.ok()) << saved;

  ExtraFiles extra_files_again;
  options.extra_files = &extra_files_again;
  absl::StatusOr<Module> again = load(as_bytes(first.str()), options);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(program_difference(*original, *again), "");
  EXPECT_EQ(extra_files_again, extra_files);
  std::ostringstream second;
  saved = again->save(second, extra_files);
  ASSERT_TRUE(saved.ok()) << saved;
  // An object whose __setstate__ does not undo its __getstate__ is another one each time, with torch's own saving too.
  const bool drifts = entry.name == "holds_state";
  EXPECT_EQ(first.str() == second.str(), !drifts) << "saved again, it is other bytes";
  if (drifts) return;

  const TemporaryFile file(first.str());
  std::vector<std::string> extra_names;
  for (const auto& [name, text] : entry.extra_files) extra_names.push_back(name);
  std::unique_ptr<Subject> written;
  try {
    written = load_torch_jit(file.path(), extra_names);
  } catch (const std::exception& error) {
    FAIL() << "torch::jit does not load it: " << error.what();
  }
  AgreementOptions agreement;
  agreement.printed_anew = true;
  expect_agreement(entry, std::move(written), load_torch_jit(entry.path, extra_names), agreement);
}

INSTANTIATE_TEST_SUITE_P(Archives, Save, testing::Range(size_t{0}, corpus().size()), corpus_name);

}  // namespace
}  // namespace vesta::test
