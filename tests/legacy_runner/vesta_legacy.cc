// `./dev legacy DIR`: every recording below a folder through Vesta's public API. Prints `agree N of M`, then a line
// for each that does not agree.
//
// Each recording runs in a child of its own, so a crash or a hang is one failure and no state passes from one to the
// next. The parent calls nothing of libtorch, whose threads would not survive a fork; two children run at a time.

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/legacy/recording.h"

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
constexpr auto kPatience = std::chrono::seconds(60);
constexpr size_t kLongestReason = 400;

// What cannot agree, and why (docs/versions.md).
const std::map<std::string, std::string>& known() {
  static const std::map<std::string, std::string> reasons = {
      {"1.0.1/random", "randperm had another algorithm in 1.0"},
      {"1.1.0/random", "randperm had another algorithm in 1.0"},
      {"1.12.1/floor_div", "1.13 wrote the same bytes and meant flooring; written_by decides"},
      {"1.12.1/random", "1.13 wrote the same bytes and meant int64; written_by decides"},
      {"2.0.1/random", "that build's dropout drew from another stream of random numbers"},
  };
  return reasons;
}

struct Child {
  size_t index = 0;
  int output = -1;
  Clock::time_point started;
  std::string text;
};

std::string one_line(std::string text) {
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  if (text.size() > kLongestReason) text = text.substr(0, kLongestReason) + "...";
  return text;
}

// In the child: the first disagreement and how many more there are, or nothing.
[[noreturn]] void run(const fs::path& recording, int output) {
  std::string text;
  // libtorch warns of operators that are out of favour.
  if (std::freopen("/dev/null", "w", stderr) == nullptr) text = "";
  try {
    const std::vector<std::string> lines = vesta::test::disagreements(recording);
    if (!lines.empty()) text = one_line(lines.front());
    if (lines.size() > 1) text += " (and " + std::to_string(lines.size() - 1) + " more calls)";
    if (std::getenv("VESTA_LEGACY_ALL") != nullptr) {  // every call, for those who work on it
      for (size_t i = 1; i < lines.size(); ++i) text += "\n    " + one_line(lines[i]);
    }
  } catch (const std::exception& error) {
    text = one_line(std::string("exception: ") + error.what());
  }
  for (size_t written = 0; written < text.size();) {
    const ssize_t n = write(output, text.data() + written, text.size() - written);
    if (n <= 0) break;
    written += static_cast<size_t>(n);
  }
  _exit(0);
}

class Runner {
 public:
  explicit Runner(std::vector<fs::path> recordings)
      : recordings_(std::move(recordings)), reasons_(recordings_.size()) {}

  void run_all() {
    const size_t width = std::max(1U, std::thread::hardware_concurrency());
    size_t next = 0;
    while (next < recordings_.size() || !children_.empty()) {
      while (next < recordings_.size() && children_.size() < width) start(next++);
      wait_for_some();
    }
  }

  // 0 where all agree.
  int report(const fs::path& root) const {
    size_t agree = 0;
    for (const std::string& reason : reasons_) agree += reason.empty() ? 1 : 0;
    std::cout << "agree " << agree << " of " << reasons_.size() << "\n";
    for (size_t i = 0; i < reasons_.size(); ++i) {
      if (reasons_[i].empty()) continue;
      const std::string name = recordings_[i].lexically_proximate(root).replace_extension().string();
      const auto reason = known().find(name);
      std::cout << name << ": " << reasons_[i];
      if (reason != known().end()) std::cout << " (cannot agree: " << reason->second << ")";
      std::cout << "\n";
    }
    return agree == reasons_.size() ? 0 : 1;
  }

 private:
  void start(size_t index) {
    int ends[2];
    if (pipe(ends) != 0) {
      reasons_[index] = "cannot make a pipe";
      return;
    }
    std::cout.flush();
    const pid_t pid = fork();
    if (pid < 0) {
      reasons_[index] = "cannot start a process";
      close(ends[0]);
      close(ends[1]);
      return;
    }
    if (pid == 0) {
      close(ends[0]);
      run(recordings_[index], ends[1]);
    }
    close(ends[1]);
    children_[pid] = Child{index, ends[0], Clock::now(), {}};
  }

  void wait_for_some() {
    std::vector<pollfd> waits;
    std::vector<pid_t> pids;
    for (const auto& [pid, child] : children_) {
      waits.push_back({child.output, POLLIN, 0});
      pids.push_back(pid);
    }
    poll(waits.data(), waits.size(), 1000);
    for (size_t i = 0; i < pids.size(); ++i) {
      if (waits[i].revents != 0) {
        read_some(pids[i]);
      } else if (Clock::now() - children_[pids[i]].started > kPatience) {
        kill(pids[i], SIGKILL);
        finish(pids[i], "hangs: no answer in 60 s");
      }
    }
  }

  void read_some(pid_t pid) {
    char buffer[4096];
    Child& child = children_[pid];
    const ssize_t n = read(child.output, buffer, sizeof(buffer));
    if (n > 0) {
      child.text.append(buffer, static_cast<size_t>(n));
    } else {
      finish(pid, "");
    }
  }

  void finish(pid_t pid, const std::string& verdict) {
    const Child child = children_[pid];
    children_.erase(pid);
    close(child.output);
    int status = 0;
    waitpid(pid, &status, 0);
    std::string& reason = reasons_[child.index];
    reason = verdict.empty() ? child.text : verdict;
    if (!verdict.empty()) return;
    if (WIFSIGNALED(status)) reason = "crashes with signal " + std::to_string(WTERMSIG(status));
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
      reason = "the process ends with status " + std::to_string(WEXITSTATUS(status));
  }

  std::vector<fs::path> recordings_;
  std::vector<std::string> reasons_;
  std::map<pid_t, Child> children_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: vesta_legacy DIR\n  DIR holds pairs NAME.pt, NAME.json as tests/corpus/legacy does\n";
    return 2;
  }
  std::vector<fs::path> recordings = vesta::test::find_recordings(argv[1]);
  if (recordings.empty()) {
    std::cerr << "vesta_legacy: '" << argv[1] << "' holds no pairs NAME.pt, NAME.json\n";
    return 2;
  }
  setenv("OMP_NUM_THREADS", "1", 1);
  Runner runner(std::move(recordings));
  runner.run_all();
  return runner.report(argv[1]);
}
