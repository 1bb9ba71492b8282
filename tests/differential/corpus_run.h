#pragma once

// The corpus's entries and their calls, made on two subjects side by side.

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/differential/manifest.h"
#include "tests/differential/subject.h"

namespace vesta::test {

std::string corpus_folder();
const std::vector<CorpusEntry>& corpus();
// The name of a test whose parameter is an entry's index.
std::string corpus_name(const testing::TestParamInfo<size_t>& info);

// Fills the subject's parameters and buffers by the manifest's rule.
void fill(Subject& subject, uint64_t seed);

struct AgreementOptions {
  // Calls succeed and fail as the manifest says; else: on both or on neither.
  bool as_recorded = true;
  // Errors have the same text, not only the same class and line.
  bool same_messages = false;
  // Ours is another printing of the program: a place in the text of its archive ("code/*.py"), told where the model's
  // author wrote no line, has that text's file alone in common; places in the model's own source have the same excerpt.
  bool printed_anew = false;
  // The tolerance is of a tensor's largest magnitude.
  bool of_largest = false;
};

// Makes the entry's calls on both. Compared: values with dtypes, shapes and strides; who shares storage with whom; what
// the program printed; inputs, parameters, buffers and attributes afterwards; gradients; and the error, where one is
// due, by the class that the program raised and the source line. `theirs` is the oracle.
void expect_agreement(const CorpusEntry& entry, std::unique_ptr<Subject> ours, std::unique_ptr<Subject> theirs,
                      const AgreementOptions& options = {});

}  // namespace vesta::test
