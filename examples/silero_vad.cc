// Listens to a WAV file with the Silero voice-activity detector, a published TorchScript model: feeds it chunk by
// chunk, the model carrying its state, and shows where it hears speech. Beside it torch::jit runs the same archive on
// the same chunks, frozen too; the program fails if the probabilities differ.
//
//   silero_vad --model silero_vad.jit --wav speech.wav

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/GradMode.h>
#include <vesta/vesta.h>
#include <CLI/CLI.hpp>

#include "examples/wav.h"
#ifdef VESTA_COMPARE_WITH_TORCH_JIT
#include "bench/silero_peer.h"
#endif

namespace {

constexpr int64_t kRate = 16000;
constexpr int64_t kChunk = 512;  // 32 ms
// What optimized code rounds otherwise adds up in the model's state, from chunk to chunk; speech is told at whole
// tenths. The level kO1 gives exactly torch::jit's numbers.
constexpr double kLargestDifference = 1e-3;
constexpr size_t kChunksPerLine = 64;

double chunk_time(size_t chunk) { return static_cast<double>(chunk) * static_cast<double>(kChunk) / kRate; }

// What one runtime made of the file.
struct Run {
  double ready = 0;  // seconds to load and freeze
  std::vector<double> probabilities;
  std::vector<double> seconds;  // for each chunk
};

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

template <class Function>
auto timed(Run& run, Function&& function) {
  const Clock::time_point begin = Clock::now();
  auto result = function();
  run.seconds.push_back(seconds_since(begin));
  return result;
}

struct Segment {
  size_t begin;
  size_t end;  // behind the last chunk
};

// Speech begins where the probability reaches 0.5 and ends where it stays below 0.35 for 100 ms; what is shorter than
// 250 ms is left out.
std::vector<Segment> find_speech(const std::vector<double>& probabilities) {
  constexpr size_t kMinSilence = 3;
  constexpr size_t kMinSpeech = 8;
  std::vector<Segment> segments;
  bool speaking = false;
  for (size_t i = 0; i < probabilities.size(); ++i) {
    if (!speaking && probabilities[i] >= 0.5) {
      segments.push_back({i, i + 1});
      speaking = true;
    } else if (speaking && probabilities[i] >= 0.35) {
      segments.back().end = i + 1;
    } else if (speaking && i + 1 - segments.back().end >= kMinSilence) {
      speaking = false;
    }
  }
  std::erase_if(segments, [](const Segment& segment) { return segment.end - segment.begin < kMinSpeech; });
  return segments;
}

void print_timeline(const std::vector<double>& probabilities) {
  static const char* const kBars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::printf("speech probability, one column for each 32 ms\n");
  for (size_t begin = 0; begin < probabilities.size(); begin += kChunksPerLine) {
    std::string line;
    for (size_t i = begin; i < std::min(begin + kChunksPerLine, probabilities.size()); ++i) {
      line += kBars[static_cast<size_t>(std::clamp(std::lround(probabilities[i] * 8), 0L, 8L))];
    }
    std::printf("%6.2f s |%s\n", chunk_time(begin), line.c_str());
  }
}

void print_segments(const std::vector<Segment>& segments) {
  std::printf("\n%zu segments of speech\n", segments.size());
  for (const Segment& segment : segments) {
    std::printf("%6.2f s to %6.2f s\n", chunk_time(segment.begin), chunk_time(segment.end));
  }
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Frozen: weights are constants, the model's own state stays changeable.
absl::StatusOr<vesta::Module> ready_model(const std::string& path) {
  absl::StatusOr<vesta::Module> model = vesta::load(path);
  if (!model.ok()) return model;
  if (absl::Status status = model->eval(); !status.ok()) return status;
  return model->freeze();
}

// The chunk's probability by Vesta.
absl::StatusOr<double> listen(const vesta::Module& model, float* samples) {
  const at::Tensor chunk = at::from_blob(samples, {kChunk}, at::kFloat);
  const absl::StatusOr<at::Tensor> probability = vesta::get<at::Tensor>(model.forward({chunk, kRate}));
  if (!probability.ok()) return probability.status();
  return static_cast<double>(*probability->const_data_ptr<float>());
}

int fail(const absl::Status& status) {
  std::fprintf(stderr, "silero_vad: %s\n", std::string(status.message()).c_str());
  return 1;
}

#ifdef VESTA_COMPARE_WITH_TORCH_JIT
// Prints both runtimes' times; 1 where their results differ.
int compare(const Run& vesta, const Run& jit) {
  double difference = 0;
  for (size_t i = 0; i < vesta.probabilities.size(); ++i) {
    difference = std::max(difference, std::fabs(vesta.probabilities[i] - jit.probabilities[i]));
  }
  std::printf("\n%-24s %12s %12s\n", "time, of chunks below", "vesta", "torch::jit");
  std::printf("%-24s %9.2f ms %9.2f ms\n", "load and freeze", vesta.ready * 1e3, jit.ready * 1e3);
  std::printf("%-24s %9.2f ms %9.2f ms\n", "first", vesta.seconds.front() * 1e3, jit.seconds.front() * 1e3);
  std::printf("%-24s %9.3f ms %9.3f ms\n", "median", median(vesta.seconds) * 1e3, median(jit.seconds) * 1e3);
  std::printf("%-24s %9.3f ms %9.3f ms\n", "slowest",
              *std::max_element(vesta.seconds.begin(), vesta.seconds.end()) * 1e3,
              *std::max_element(jit.seconds.begin(), jit.seconds.end()) * 1e3);
  std::printf("\nlargest difference of a probability: %.1e (allowed: %.0e)\n", difference, kLargestDifference);
  // Written so that a NaN fails too.
  return difference <= kLargestDifference ? 0 : 1;
}
#endif

int run(const std::string& model_path, const std::string& wav_path, bool with_peer) {
  absl::StatusOr<std::vector<float>> samples = examples::read_wav(wav_path, kRate);
  if (!samples.ok()) return fail(samples.status());
  samples->resize((samples->size() + kChunk - 1) / kChunk * kChunk);
  const size_t chunks = samples->size() / kChunk;
  if (chunks == 0) return fail(absl::InvalidArgumentError(wav_path + ": holds no sound"));

  Run ours;
  Clock::time_point begin = Clock::now();
  const absl::StatusOr<vesta::Module> model = ready_model(model_path);
  if (!model.ok()) return fail(model.status());
  ours.ready = seconds_since(begin);
#ifdef VESTA_COMPARE_WITH_TORCH_JIT
  Run theirs;
  std::unique_ptr<vesta::bench::SileroPeer> peer;
  begin = Clock::now();
  if (with_peer) peer = std::make_unique<vesta::bench::SileroPeer>(model_path);
  theirs.ready = seconds_since(begin);
#else
  if (with_peer) std::fprintf(stderr, "silero_vad: built without torch::jit, so there is nothing to compare with\n");
#endif
  for (size_t i = 0; i < chunks; ++i) {
    float* chunk = samples->data() + i * kChunk;
    const absl::StatusOr<double> probability = timed(ours, [&] { return listen(*model, chunk); });
    if (!probability.ok()) return fail(probability.status());
    ours.probabilities.push_back(*probability);
#ifdef VESTA_COMPARE_WITH_TORCH_JIT
    if (peer) theirs.probabilities.push_back(timed(theirs, [&] { return peer->probability(chunk, kChunk, kRate); }));
#endif
  }
  std::printf("%s: %.1f s in %zu chunks\n\n", wav_path.c_str(), chunk_time(chunks), chunks);
  print_timeline(ours.probabilities);
  print_segments(find_speech(ours.probabilities));
#ifdef VESTA_COMPARE_WITH_TORCH_JIT
  if (peer) return compare(ours, theirs);
#endif
  std::printf("\ntime per chunk: first %.2f ms, median %.3f ms\n", ours.seconds.front() * 1e3,
              median(ours.seconds) * 1e3);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Shows where the Silero voice-activity detector hears speech");
  std::string model;
  std::string wav;
  int threads = 1;
  bool alone = false;
  app.add_option("--model", model, "silero_vad.jit")->required();
  app.add_option("--wav", wav, "16-bit PCM, mono, 16 kHz")->required();
  app.add_option("--threads", threads, "of libtorch's operators")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_flag("--alone", alone, "do not run torch::jit beside it");
  CLI11_PARSE(app, argc, argv);
  at::set_num_threads(threads);
  const c10::AutoGradMode no_grad(false);
  try {
    return run(model, wav, !alone);
  } catch (const std::exception& error) {  // of torch::jit
    return fail(absl::InternalError(error.what()));
  }
}
