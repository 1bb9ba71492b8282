#include "tests/differential/corpus_run.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "tests/differential/compare.h"
#include "tests/libtorch_versions.h"

namespace vesta::test {
namespace {

// One runtime's side of an entry.
struct Side {
  std::unique_ptr<Subject> subject;
  ValueContext values;
  std::vector<c10::IValue> positional;
  NamedValues keyword;
  Outcome outcome;
  std::string sharing;
};

void prepare_call(Side& side, const CorpusCall& call) {
  side.values.arguments.clear();
  side.keyword.clear();
  for (const auto& input : call.inputs) side.values.arguments.push_back(build_value(input, side.values));
  side.positional = side.values.arguments;
  for (const auto& [name, value] : call.kwargs) side.keyword.emplace_back(name, build_value(value, side.values));
}

void collect_gradients_loss(const c10::IValue& value, at::Tensor& loss) {
  if (value.isTensor()) {
    at::Tensor tensor = value.toTensor();
    if (!tensor.defined() || !tensor.requires_grad()) return;
    if (tensor.is_complex()) tensor = at::view_as_real(tensor);
    const at::Tensor weights =
        at::linspace(0.5, 1.5, tensor.numel(), at::kDouble).to(tensor.scalar_type()).reshape(tensor.sizes());
    const at::Tensor term = (tensor * weights).sum();
    loss = loss.defined() ? loss + term : term;
  } else if (value.isList()) {
    for (const auto& element : value.toListRef()) collect_gradients_loss(element, loss);
  } else if (value.isTuple()) {
    for (const auto& element : value.toTupleRef().elements()) collect_gradients_loss(element, loss);
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) collect_gradients_loss(entry.value(), loss);
  }
}

void run_call(Side& side, const CorpusEntry& entry, const CorpusCall& call) {
  if (!call.before.empty()) side.subject->train(call.before == "train");
  prepare_call(side, call);
  StorageNames storages;
  for (size_t i = 0; i < side.positional.size(); ++i) storages.add(side.positional[i], "argument " + std::to_string(i));
  for (const auto& [name, value] : side.keyword) storages.add(value, "argument " + name);
  for (const auto& [name, tensor] : side.subject->parameters()) storages.add(tensor, "parameter " + name);
  for (const auto& [name, tensor] : side.subject->buffers()) storages.add(tensor, "buffer " + name);
  at::manual_seed(entry.seed);
  at::AutoGradMode grad_mode(entry.grad);
  side.outcome = side.subject->call(call.method, side.positional, side.keyword);
  side.sharing = side.outcome.ok ? storages.describe(side.outcome.value, "output") : "";
  side.values.results.push_back(side.outcome.value);
  if (entry.grad && side.outcome.ok) {
    at::Tensor loss;
    collect_gradients_loss(side.outcome.value, loss);
    if (loss.defined()) loss.backward();
  }
}

// The gradients of arguments and parameters, as one value.
c10::IValue gradients(const Side& side) {
  std::vector<c10::IValue> all;
  auto add = [&](const at::Tensor& tensor) {
    if (tensor.is_leaf() && tensor.requires_grad())
      all.emplace_back(tensor.grad().defined() ? c10::IValue(tensor.grad()) : c10::IValue());
  };
  for (const c10::IValue& value : side.positional) {
    if (value.isTensor()) add(value.toTensor());
  }
  for (const auto& [name, tensor] : side.subject->parameters()) add(tensor);
  return c10::ivalue::Tuple::create(std::move(all));
}

// What torch::jit's message tells of the model's own source, without its frames in the archive's text.
std::string original_code(const std::string& message) {
  static const std::string kOriginal = "Traceback of TorchScript, original code (most recent call last):";
  static const std::string kSerialized = "Traceback of TorchScript, serialized code";
  std::string text;
  for (size_t at = 0; (at = message.find(kOriginal, at)) != std::string::npos;) {
    const size_t end = message.find(kSerialized, at);
    text += message.substr(at, end - at);
    at = end == std::string::npos ? end : end + 1;
  }
  return text;
}

// torch::jit names no place for failures of its own instructions, and shows the stack of traced code as text
// ("model.py(12): forward") instead of frames.
bool same_place(const Outcome& ours, const Outcome& theirs, const AgreementOptions& options) {
  if (theirs.error_place.empty() || theirs.error_place == ":0") return true;
  if (options.printed_anew) {
    const bool in_archive = theirs.error_place.starts_with("code/");
    const std::string file = theirs.error_place.substr(0, theirs.error_place.rfind(':') + 1);
    return original_code(ours.error) == original_code(theirs.error) &&
           (in_archive ? ours.error_place.starts_with(file) : ours.error_place == theirs.error_place);
  }
  const size_t colon = ours.error_place.rfind(':');
  const std::string traced = ours.error_place.substr(0, colon) + "(" + ours.error_place.substr(colon + 1) + ")";
  return ours.error_place == theirs.error_place || theirs.error.find(traced) != std::string::npos;
}

}  // namespace

void fill(Subject& subject, uint64_t seed) {
  NamedTensors tensors = subject.parameters();
  for (auto& buffer : subject.buffers()) tensors.push_back(buffer);
  std::sort(tensors.begin(), tensors.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::set<const void*> filled;
  for (auto& [name, tensor] : tensors) {
    if (!tensor.is_floating_point() || tensor.is_quantized() || !tensor.has_storage()) continue;
    if (filled.insert(tensor.storage().unsafeGetStorageImpl()).second) fill_tensor(tensor, name, seed);
  }
}

std::string corpus_folder() { return std::string(VESTA_SOURCE_DIR) + "/tests/corpus"; }

const std::vector<CorpusEntry>& corpus() {
  static const std::vector<CorpusEntry> entries = read_manifest(corpus_folder());
  return entries;
}

std::string corpus_name(const testing::TestParamInfo<size_t>& info) {
  std::string name = corpus()[info.param].name;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

void expect_agreement(const CorpusEntry& entry, std::unique_ptr<Subject> ours_subject,
                      std::unique_ptr<Subject> theirs_subject, const AgreementOptions& options) {
  Side theirs;
  Side ours;
  theirs.subject = std::move(theirs_subject);
  ours.subject = std::move(ours_subject);
  for (const auto& [name, text] : entry.extra_files) EXPECT_EQ(ours.subject->extra_file(name), text);
  if (entry.fill) {
    fill(*theirs.subject, entry.seed);
    fill(*ours.subject, entry.seed);
  }
  const Tolerance tolerance{entry.rtol, entry.atol, entry.has_tolerance, options.of_largest};
  for (size_t i = 0; i < entry.calls.size(); ++i) {
    const CorpusCall& call = entry.calls[i];
    const std::string where = "call " + std::to_string(i) + " of " + call.method;
    SCOPED_TRACE(where);
    run_call(theirs, entry, call);
    run_call(ours, entry, call);
    if (options.as_recorded) {
      const bool refused = call.expect_error || test::is_refused_since_2_11(theirs.outcome.error);
      ASSERT_EQ(theirs.outcome.ok, !refused) << "the oracle itself: " << theirs.outcome.error;
    }
    ASSERT_EQ(ours.outcome.ok, theirs.outcome.ok) << ours.outcome.error << "\ntorch::jit: " << theirs.outcome.error;
    EXPECT_EQ(ours.outcome.printed, theirs.outcome.printed);
    for (size_t j = 0; j < ours.positional.size(); ++j) {
      const std::string diff = difference(ours.positional[j], theirs.positional[j], tolerance,
                                          "argument " + std::to_string(j) + " afterwards");
      EXPECT_EQ(diff, "");
    }
    if (!theirs.outcome.ok) {
      if (options.same_messages) {
        EXPECT_EQ(ours.outcome.error, theirs.outcome.error);
      }
      if (!theirs.outcome.error_class.empty()) {
        EXPECT_EQ(ours.outcome.error_class, theirs.outcome.error_class) << ours.outcome.error;
      }
      EXPECT_TRUE(same_place(ours.outcome, theirs.outcome, options))
          << ours.outcome.error << "\ntorch::jit: " << theirs.outcome.error;
      continue;
    }
    EXPECT_EQ(difference(ours.outcome.value, theirs.outcome.value, tolerance, "output"), "");
    EXPECT_EQ(ours.sharing, theirs.sharing);
    if (entry.grad) {
      EXPECT_EQ(difference(gradients(ours), gradients(theirs), tolerance, "gradient"), "");
    }
  }
  EXPECT_EQ(difference(ours.subject->object(), theirs.subject->object(), tolerance, "module"), "");
}

}  // namespace vesta::test
