#pragma once

// Archives of the corpus, frozen and optimized, against themselves as they were written.

#include <vesta/module.h>

#include "tests/differential/manifest.h"
#include "tests/differential/subject.h"

namespace vesta::test {

// Makes `rounds` rounds of the entry's calls, because what is made at the first call must not show in a later one. O1
// has to agree to the last bit and to the last letter of a message, O2 to a tolerance. Frozen modules do not train:
// calls in training mode are left out.
void expect_frozen_agreement(const CorpusEntry& entry, int rounds);

// The entry's calls, as often as there are rounds, that a frozen module can be given: inputs and tolerances alone.
CorpusEntry frozen_entry(const CorpusEntry& entry, int rounds);
// The entry's archive with its weights filled in, frozen.
absl::StatusOr<Module> frozen_module(const CorpusEntry& entry, OptimizationLevel level);
// Makes the calls for what they leave behind.
void make_calls(const CorpusEntry& entry, Subject& subject);

// Whether the entry is a model whose calls take long.
bool is_large(const CorpusEntry& entry);

}  // namespace vesta::test
