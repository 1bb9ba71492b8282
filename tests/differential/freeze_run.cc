#include "tests/differential/freeze_run.h"

#include <ATen/core/grad_mode.h>

#include <stdexcept>

#include <gtest/gtest.h>
#include <vesta/vesta.h>

#include "tests/differential/corpus_run.h"
#include "tests/differential/vesta_subject.h"

namespace vesta::test {

CorpusEntry frozen_entry(const CorpusEntry& entry, int rounds) {
  CorpusEntry result = entry;
  result.fill = false;
  result.extra_files.clear();
  result.calls.clear();
  result.has_tolerance = true;
  for (int round = 0; round < rounds; ++round) {
    for (CorpusCall call : entry.calls) {
      if (call.before == "train") break;
      call.before.clear();
      result.calls.push_back(std::move(call));
    }
  }
  return result;
}

namespace {

absl::StatusOr<Module> filled_module(const CorpusEntry& entry, OptimizationLevel level) {
  LoadOptions options;
  options.optimization.level = level;
  absl::StatusOr<Module> module = load(entry.path, options);
  if (module.ok() && entry.fill) fill(*vesta_subject(*module), entry.seed);
  return module;
}

}  // namespace

absl::StatusOr<Module> frozen_module(const CorpusEntry& entry, OptimizationLevel level) {
  const absl::StatusOr<Module> module = filled_module(entry, OptimizationLevel::kO0);
  if (!module.ok()) return module;
  OptimizationOptions options;
  options.level = level;
  return module->freeze(options);
}

void make_calls(const CorpusEntry& entry, Subject& subject) {
  ValueContext values;
  for (const CorpusCall& call : entry.calls) {
    values.arguments.clear();
    NamedValues named;
    for (const auto& input : call.inputs) values.arguments.push_back(build_value(input, values));
    for (const auto& [name, value] : call.kwargs) named.emplace_back(name, build_value(value, values));
    values.results.push_back(subject.call(call.method, values.arguments, named).value);
  }
}

namespace {

std::unique_ptr<Subject> subject_of(absl::StatusOr<Module> module) {
  if (!module.ok()) throw std::runtime_error(std::string(module.status().message()));
  return vesta_subject(*std::move(module));
}

std::unique_ptr<Subject> frozen(const CorpusEntry& entry, OptimizationLevel level) {
  return subject_of(frozen_module(entry, level));
}

// In the mode that it was saved in, where no gradients are recorded.
void expect_agreement_as_loaded(CorpusEntry calls, const CorpusEntry& entry) {
  const at::NoGradGuard no_grad;
  calls.grad = false;
  expect_agreement(calls, subject_of(filled_module(entry, OptimizationLevel::kO2)),
                   subject_of(filled_module(entry, OptimizationLevel::kO0)),
                   {.as_recorded = false, .same_messages = true, .of_largest = true});
}

}  // namespace

void expect_frozen_agreement(const CorpusEntry& entry, int rounds) {
  prepare_oracle();
  CorpusEntry calls = frozen_entry(entry, rounds);
  const auto expect_at = [&](OptimizationLevel level, double relative) {
    calls.rtol = relative;
    calls.atol = relative / 100;
    expect_agreement(calls, frozen(entry, level), frozen(entry, OptimizationLevel::kO0),
                     {.as_recorded = false, .same_messages = true, .of_largest = true});
  };
  {
    SCOPED_TRACE("O1");
    expect_at(OptimizationLevel::kO1, 0);
  }
  {
    SCOPED_TRACE("O2");
    expect_at(OptimizationLevel::kO2, 1e-4);
  }
  SCOPED_TRACE("as loaded");
  expect_agreement_as_loaded(calls, entry);
}

bool is_large(const CorpusEntry& entry) {
  return entry.name.starts_with("vision_") || entry.name.starts_with("transformer_");
}

}  // namespace vesta::test
