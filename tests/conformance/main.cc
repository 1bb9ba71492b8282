// vesta_conformance: runs every recorded program below some folders and says how many agree with the recording.
//
// Standard output: "agree N of M", then a line "<entry>: <reason>" for each that does not. Standard error: progress,
// and the share, in which a crash or hang counts as ten.

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <ATen/Parallel.h>
#include <vesta/operators.h>
#include <CLI/CLI.hpp>

#include "tests/conformance/entry.h"
#include "tests/conformance/workers.h"

namespace vesta::conformance {
namespace {

namespace fs = std::filesystem;

constexpr size_t kWeightOfCrash = 10;

struct Options {
  std::vector<std::string> roots;
  std::string filter;
  std::string details;
  unsigned seconds = 120;
  std::vector<std::string> libraries;
  size_t processes = std::max(1U, std::thread::hardware_concurrency());
  double require = 0;
  Way way = Way::kLoaded;
};

struct Entry {
  fs::path folder;
  std::string name;  // below its root
};

std::vector<Entry> find_entries(const Options& options) {
  std::vector<Entry> entries;
  for (const std::string& root : options.roots) {
    for (const fs::path& folder : entries_below(root, options.filter)) {
      const std::string name = fs::relative(folder, root).string();
      entries.push_back({folder, name == "." ? folder.string() : name});
    }
  }
  return entries;
}

std::string one_line(const std::string& text) {
  const size_t last = text.find_last_not_of('\n');
  std::string line = text.substr(0, last + 1);
  for (size_t at; (at = line.find('\n')) != std::string::npos;) line.replace(at, 1, " | ");
  constexpr size_t kLongest = 400;
  if (line.size() > kLongest) line = line.substr(0, kLongest) + "...";
  return line;
}

int report(const Options& options, const std::vector<Entry>& entries, const std::vector<JobResult>& results) {
  size_t agree = 0;
  size_t died = 0;
  for (const JobResult& result : results) {
    agree += result.text.empty() ? 1 : 0;
    died += result.died ? 1 : 0;
  }
  std::printf("agree %zu of %zu\n", agree, entries.size());
  std::ofstream details;
  if (!options.details.empty()) details.open(options.details);
  for (size_t i = 0; i < entries.size(); ++i) {
    if (results[i].text.empty()) continue;
    std::printf("%s: %s\n", entries[i].name.c_str(), one_line(results[i].text).c_str());
    if (details) details << "=== " << entries[i].folder.string() << "\n" << results[i].text << "\n";
  }
  const size_t lost = entries.size() - agree + (kWeightOfCrash - 1) * died;
  const double share = 100.0 - 100.0 * static_cast<double>(lost) / static_cast<double>(entries.size());
  std::fflush(stdout);
  std::fprintf(stderr, "%.2f %%, each of %zu crashes and hangs counted as ten\n", share, died);
  return options.require > 0 && share < options.require ? 1 : 0;
}

int run(const Options& options) {
  for (const std::string& library : options.libraries) {
    const absl::Status status = load_operators(library);
    if (status.ok()) continue;
    std::fprintf(stderr, "vesta_conformance: %s\n", std::string(status.message()).c_str());
    return 2;
  }
  const std::vector<Entry> entries = find_entries(options);
  if (entries.empty()) {
    std::fprintf(stderr, "vesta_conformance: no folder with a program.pt is there\n");
    return 2;
  }
  const auto job = [&](size_t i) {
    at::set_num_threads(1);
    return run_entry(entries[i].folder, options.way);
  };
  const bool terminal = isatty(STDERR_FILENO) != 0;
  const auto progress = [&](size_t done) {
    if (done % (terminal ? 50 : 1000) != 0) return;
    std::fprintf(stderr, terminal ? "\r%zu of %zu" : "%zu of %zu\n", done, entries.size());
  };
  const std::vector<JobResult> results =
      run_jobs(entries.size(), std::min(options.processes, entries.size()), options.seconds, job, progress);
  if (terminal) std::fprintf(stderr, "\r");
  return report(options, entries, results);
}

}  // namespace
}  // namespace vesta::conformance

int main(int argc, char** argv) {
  vesta::conformance::Options options;
  CLI::App app("Runs recorded programs and compares with the recording", "vesta_conformance");
  app.add_option("folders", options.roots, "where entries <name>/{program.pt,io_ts.pt,meta.json} lie, at any depth")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--filter", options.filter, "only entries whose path contains this");
  app.add_option("--seconds", options.seconds, "that one program may take")->capture_default_str();
  app.add_option("--jobs", options.processes, "programs at a time")->capture_default_str();
  app.add_option("--details", options.details, "a file for the whole text of each disagreement");
  app.add_option("--ops-library", options.libraries, "a library of operators that the programs call")
      ->expected(1)
      ->take_all();
  app.add_option("--require", options.require, "fail below this share in percent")->capture_default_str();
  using vesta::conformance::Way;
  const std::map<std::string, Way> ways = {{"loaded", Way::kLoaded},
                                           {"frozen", Way::kFrozen},
                                           {"optimized", Way::kOptimized},
                                           {"saved", Way::kSaved},
                                           {"saved-in-torch-jit", Way::kSavedInTorchJit}};
  app.add_option("--way", options.way,
                 "run what Vesta loads, what it loads after saving, or what torch::jit loads then")
      ->transform(CLI::CheckedTransformer(ways).description("loaded|frozen|optimized|saved|saved-in-torch-jit"));
  CLI11_PARSE(app, argc, argv);
  try {
    return vesta::conformance::run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "vesta_conformance: %s\n", error.what());
    return 2;
  }
}
