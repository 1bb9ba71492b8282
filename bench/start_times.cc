// From `main` to the first result: torch::jit, Vesta from the archive, and Vesta from native files.
//
// usage: vesta_start_times ARCHIVE [ROUNDS]
//
// The archive takes one image of 3 x 224 x 224. Its weights are filled with random numbers and stored; each round
// starts one process for each way, which loads the file and calls forward() once, with one thread. Printed are the
// medians, the ratio to torch::jit, and how much of the packed file two processes that have it open share.

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

json start_torch(const std::string& file, Clock::time_point begin) {
  at::NoGradGuard no_grad;
  torch::jit::Module module = torch::jit::load(file);
  module.eval();
  const double load = milliseconds_since(begin);
  (void)module.forward({image()});
  return {{"load", load}, {"first", milliseconds_since(begin)}};
}

vesta::Module mapped_module(const std::string& file) {
  vesta::LoadOptions options;
  options.immutable_file = true;
  return must(vesta::load(file, options));
}

json start_vesta(const std::string& file, Clock::time_point begin) {
  at::NoGradGuard no_grad;
  const vesta::Module module = mapped_module(file);
  const double load = milliseconds_since(begin);
  (void)must(module.forward({image()}));
  return {{"load", load}, {"first", milliseconds_since(begin)}};
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
  const json result = way == "torch"                        ? start_torch(file, begin)
                      : way == "shared" || way == "sharing" ? share(way, file)
                                                            : start_vesta(file, begin);
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
  const std::vector<Way> ways = {{"torch", "torch::jit, archive", folder / "model.pt"},
                                 {"vesta", "Vesta, archive", folder / "model.pt"},
                                 {"native", "Vesta, native", folder / "model.vesta"},
                                 {"packed", "Vesta, native, packed", folder / "packed.vesta"}};
  {
    at::NoGradGuard no_grad;
    vesta::Module module = must(vesta::load(archive));
    must(module.eval());
    for (const auto& parameter : module.named_parameters()) parameter.value.normal_(0, 0.02);
    for (const auto& buffer : module.named_buffers()) {
      if (buffer.value.is_floating_point()) buffer.value.fill_(1);
    }
    must(module.save(ways[0].file));
    must(module.save_native(ways[2].file));
    at::set_num_threads(1);
    vesta::Module frozen = must(module.freeze());
    must(frozen.optimize_for({image()}));
    must(frozen.save_native(ways[3].file, {.packed = true}));
  }
  const std::string self = "/proc/" + std::to_string(::getpid()) + "/exe --child ";
  std::map<std::string, std::vector<double>> load, first;
  for (int round = 0; round < rounds; ++round) {
    for (const Way& way : ways) {
      const json result = json::parse(output_of(self + way.name + " " + way.file));
      load[way.name].push_back(result["load"]);
      first[way.name].push_back(result["first"]);
    }
  }
  const auto median = [](std::vector<double> times) {
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
  };
  std::printf("%-22s %10s %10s %10s %8s %8s\n", "", "bytes", "load, ms", "first, ms", "load", "first");
  for (const Way& way : ways) {
    std::printf("%-22s %10ju %10.1f %10.1f %8.3f %8.3f\n", way.title,
                static_cast<uintmax_t>(std::filesystem::file_size(way.file)), median(load[way.name]),
                median(first[way.name]), median(load[way.name]) / median(load["torch"]),
                median(first[way.name]) / median(first["torch"]));
  }
  const json shared = json::parse(output_of(self + "shared " + ways[2].file));
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
