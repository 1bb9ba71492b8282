// Every archive of the corpus through Vesta and torch::jit: same weights, same inputs, same seed.

#include <gtest/gtest.h>

#include "tests/differential/corpus_run.h"

namespace vesta::test {
namespace {

class Corpus : public testing::TestWithParam<size_t> {};

TEST_P(Corpus, AgreesWithTorchJit) {
  const CorpusEntry& entry = corpus()[GetParam()];
  prepare_oracle();
  std::vector<std::string> extra_names;
  for (const auto& [name, text] : entry.extra_files) extra_names.push_back(name);
  expect_agreement(entry, load_vesta(entry.path, extra_names), load_torch_jit(entry.path, extra_names));
}

INSTANTIATE_TEST_SUITE_P(Archives, Corpus, testing::Range(size_t{0}, corpus().size()), corpus_name);

TEST(CorpusManifest, HoldsAtLeast150Archives) { EXPECT_GE(corpus().size(), 150U); }

}  // namespace
}  // namespace vesta::test
