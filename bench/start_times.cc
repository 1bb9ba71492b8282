// From `main` to the first result: torch::jit, Vesta from the archive, and Vesta from native files.
//
// usage: vesta_start_times ARCHIVE [ROUNDS]
//
// The archive takes one image of 3 x 224 x 224. Its weights are filled with random numbers and stored; each round
// starts one process for each way, which loads the file and calls forward() once, with one thread. Printed are the
// medians, the ratios to torch::jit as loaded, what the process has in memory after three more calls beyond what it had
// at `main` (its own pages, and pages of files, which the system can take back), and how much of the native file two
// processes that have it open share.

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/jit/passes/freeze_module.h>
#include <torch/csrc/jit/serialization/import.h>
#include <vesta/vesta.h>
#include <nlohmann/json.hpp>

namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

template <class T>
T must(absl::StatusOr<T> result) {
  if (result.ok()) return *std::move(result);
  std::cerr << result.status() << "\n";
  std::exit(1);
}
void must(const absl::Status& status) {
  if (status.ok()) return;
  std::cerr << status << "\n";
  std::exit(1);
}

at::Tensor image() { return at::linspace(-1, 1, 3 * 224 * 224).reshape({1, 3, 224, 224}); }

// Of the mapping of `file`, in KiB: what this process has of it, and its share of that.
std::map<std::string, long> mapped(const std::string& file) {
  std::ifstream in("/proc/self/smaps");
  std::map<std::string, long> sum;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.find('-') != line.npos && line.find(':') > line.find(' ')) inside = line.find(file) != line.npos;
    std::istringstream words(line);
    std::string key;
    long value = 0;
    if (inside && words >> key >> value && (key == "Rss:" || key == "Pss:")) sum[key] += value;
  }
  return sum;
}

// MiB of this process: its own, and of files.
std::pair<double, double> resident() {
  std::ifstream in("/proc/self/status");
  std::pair<double, double> mib;
  for (std::string key; in >> key;) {
    double* const place = key == "RssAnon:" ? &mib.first : key == "RssFile:" ? &mib.second : nullptr;
    long kib = 0;
    if (place != nullptr && in >> kib) *place = static_cast<double>(kib) / 1024;
  }
  return mib;
}

// `prepare` gives what is called.
template <class Prepare>
json start(Clock::time_point begin, const Prepare& prepare) {
  at::NoGradGuard no_grad;
  const auto before = resident();
  double load = 0;
  auto call = prepare([&] { load = milliseconds_since(begin); });
  call();
  const double first = milliseconds_since(begin);
  for (int i = 0; i < 3; ++i) call();
  const auto after = resident();
  return {
      {"load", load}, {"first", first}, {"own", after.first - before.first}, {"file", after.second - before.second}};
}

json start_torch(const std::string& file, Clock::time_point begin, bool freezes) {
  return start(begin, [&](const auto& loaded) {
    torch::jit::Module module = torch::jit::load(file);
    module.eval();
    loaded();
    if (freezes) module = torch::jit::freeze(module);
    return [module]() mutable { (void)module.forward({image()}); };
  });
}

vesta::Module mapped_module(const std::string& file) {
  vesta::LoadOptions options;
  options.immutable_file = true;
  return must(vesta::load(file, options));
}

json start_vesta(const std::string& file, Clock::time_point begin, bool freezes) {
  return start(begin, [&](const auto& loaded) {
    vesta::Module module = mapped_module(file);
    loaded();
    if (freezes) module = must(std::move(module).freeze());
    return [module] { (void)must(module.forward({image()})); };
  });
}

std::string output_of(const std::string& command) {
  std::string text;
  FILE* const pipe = ::popen(command.c_str(), "r");
  for (char buffer[256]; pipe != nullptr && std::fgets(buffer, sizeof(buffer), pipe) != nullptr;) text += buffer;
  if (pipe == nullptr || ::pclose(pipe) != 0) std::exit(1);
  return text;
}

// While the first process has the file open, a second one opens it and looks at what is its own.
json share(const std::string& way, const std::string& file) {
  at::NoGradGuard no_grad;
  const vesta::Module module = mapped_module(file);
  (void)must(module.forward({image()}));
  if (way == "sharing") return mapped(file);
  return json::parse(output_of("/proc/" + std::to_string(::getpid()) + "/exe --child sharing " + file));
}

int child(const std::string& way, const std::string& file, Clock::time_point begin) {
  at::set_num_threads(1);
  const bool freezes = way.ends_with(" frozen");
  const json result = way.starts_with("torch")              ? start_torch(file, begin, freezes)
                      : way == "shared" || way == "sharing" ? share(way, file)
                                                            : start_vesta(file, begin, freezes);
  std::cout << result.dump() << std::endl;
  return 0;
}

struct Way {
  const char* name;
  const char* title;
  std::string file;
};

int compare(const std::string& archive, int rounds) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("vesta_start_" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const std::string portable = folder / "model.pt";
  const std::string native = folder / "model.vesta";
  const std::string packed = folder / "packed.vesta";
  const std::vector<Way> ways = {
      {"torch", "torch::jit, archive", portable}, {"torch frozen", "torch::jit, frozen", portable},
      {"vesta", "Vesta, archive", portable},      {"vesta frozen", "Vesta, frozen", portable},
      {"native", "Vesta, native", native},        {"packed", "Vesta, native, packed", packed}};
  {
    at::NoGradGuard no_grad;
    vesta::Module module = must(vesta::load(archive));
    must(module.eval());
    for (const auto& parameter : module.named_parameters()) parameter.value.normal_(0, 0.02);
    for (const auto& buffer : module.named_buffers()) {
      if (buffer.value.is_floating_point()) buffer.value.fill_(1);
    }
    must(module.save(portable));
    must(module.save_native(native));
    at::set_num_threads(1);
    vesta::Module frozen = must(std::move(module).freeze());
    must(frozen.optimize_for({image()}));
    must(frozen.save_native(packed, {.packed = true}));
  }
  const std::string self = "/proc/" + std::to_string(::getpid()) + "/exe --child ";
  std::map<std::string, std::vector<double>> load, first, own, files;
  for (int round = 0; round < rounds; ++round) {
    for (const Way& way : ways) {
      const json result = json::parse(output_of(self + "'" + way.name + "' " + way.file));
      own[way.name].push_back(result["own"]);
      files[way.name].push_back(result["file"]);
      load[way.name].push_back(result["load"]);
      first[way.name].push_back(result["first"]);
    }
  }
  const auto median = [](std::vector<double> times) {
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
  };
  std::printf("%-22s %10s %10s %10s %8s %8s %10s %10s\n", "", "bytes", "load, ms", "first, ms", "load", "first",
              "own, MiB", "files, MiB");
  for (const Way& way : ways) {
    std::printf("%-22s %10ju %10.1f %10.1f %8.3f %8.3f %10.0f %10.0f\n", way.title,
                static_cast<uintmax_t>(std::filesystem::file_size(way.file)), median(load[way.name]),
                median(first[way.name]), median(load[way.name]) / median(load["torch"]),
                median(first[way.name]) / median(first["torch"]), median(own[way.name]), median(files[way.name]));
  }
  const json shared = json::parse(output_of(self + "shared " + native));
  std::printf("two processes, native file: each has %ld KiB of it resident, its share is %ld KiB\n",
              shared["Rss:"].get<long>(), shared["Pss:"].get<long>());
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const Clock::time_point begin = Clock::now();
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 3 && words[0] == "--child") return child(words[1], words[2], begin);
  if (words.empty() || words.size() > 2) return std::cerr << "usage: vesta_start_times ARCHIVE [ROUNDS]\n", 2;
  return compare(words[0], words.size() == 2 ? std::max(1, std::atoi(words[1].c_str())) : 7);
}
