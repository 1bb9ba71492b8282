// Each child takes every n-th job and writes, for each, its text with line breaks as \x01 and a line break behind.
// Where the stream ends early, the first job without a line is the one that ended the process; a new child goes on
// behind it.

#include "tests/conformance/workers.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <stdexcept>

namespace vesta::conformance {
namespace {

struct Worker {
  pid_t child = -1;
  int channel = -1;
  size_t next = 0;  // the job that the next line answers
  std::string unread;
};

[[noreturn]] void serve(int channel, size_t first, size_t step, size_t jobs, unsigned seconds,
                        const std::function<std::string(size_t)>& job) {
  // Where memory ends, this process goes and not its parent.
  std::ofstream("/proc/self/oom_score_adj") << "1000";
  std::FILE* out = fdopen(channel, "w");
  for (size_t i = first; i < jobs; i += step) {
    alarm(seconds);
    std::string text = job(i);
    std::replace(text.begin(), text.end(), '\n', '\x01');
    std::fwrite(text.data(), 1, text.size(), out);
    std::fputc('\n', out);
    std::fflush(out);
  }
  _exit(0);
}

class Pool {
 public:
  Pool(size_t jobs, size_t processes, unsigned seconds, const std::function<std::string(size_t)>& job,
       const std::function<void(size_t)>& progress)
      : results_(jobs), step_(std::max<size_t>(1, processes)), seconds_(seconds), job_(job), progress_(progress) {}

  std::vector<JobResult> run() {
    workers_.resize(step_);
    for (size_t w = 0; w < step_; ++w) start(workers_[w], w);
    while (wait_for_output()) {
    }
    return std::move(results_);
  }

 private:
  void start(Worker& worker, size_t first) {
    worker = Worker{};
    worker.next = first;
    if (first >= results_.size()) return;
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("pipe failed");
    std::fflush(nullptr);
    worker.child = fork();
    if (worker.child < 0) throw std::runtime_error("fork failed");
    if (worker.child == 0) {
      close(ends[0]);
      serve(ends[1], first, step_, results_.size(), seconds_, job_);
    }
    close(ends[1]);
    worker.channel = ends[0];
  }

  // False where no child is left.
  bool wait_for_output() {
    std::vector<pollfd> channels;
    std::vector<Worker*> open;
    for (Worker& worker : workers_) {
      if (worker.channel < 0) continue;
      channels.push_back({worker.channel, POLLIN, 0});
      open.push_back(&worker);
    }
    if (open.empty()) return false;
    if (poll(channels.data(), channels.size(), -1) < 0) {
      if (errno == EINTR) return true;
      throw std::runtime_error("poll failed");
    }
    for (size_t i = 0; i < open.size(); ++i) {
      if (channels[i].revents != 0) read_some(*open[i]);
    }
    return true;
  }

  void read_some(Worker& worker) {
    char buffer[1 << 16];
    const ssize_t size = read(worker.channel, buffer, sizeof(buffer));
    if (size < 0 && errno == EINTR) return;
    if (size <= 0) return ended(worker);
    worker.unread.append(buffer, static_cast<size_t>(size));
    for (size_t end; (end = worker.unread.find('\n')) != std::string::npos;) {
      std::string text = worker.unread.substr(0, end);
      worker.unread.erase(0, end + 1);
      std::replace(text.begin(), text.end(), '\x01', '\n');
      finish(worker, {std::move(text), false});
    }
  }

  void finish(Worker& worker, JobResult result) {
    if (worker.next >= results_.size()) return;
    results_[worker.next] = std::move(result);
    worker.next += step_;
    progress_(++done_);
  }

  void ended(Worker& worker) {
    close(worker.channel);
    worker.channel = -1;
    int status = 0;
    waitpid(worker.child, &status, 0);
    if (worker.next >= results_.size()) return;
    finish(worker, {how_it_ended(status), true});
    start(worker, worker.next);
  }

  std::string how_it_ended(int status) const {
    if (!WIFSIGNALED(status)) return "crash: the process ended by itself";
    const int signal = WTERMSIG(status);
    if (signal == SIGALRM) return "hang: not done after " + std::to_string(seconds_) + " s";
    return std::string("crash: ") + strsignal(signal);
  }

  std::vector<JobResult> results_;
  std::vector<Worker> workers_;
  size_t step_;
  unsigned seconds_;
  size_t done_ = 0;
  const std::function<std::string(size_t)>& job_;
  const std::function<void(size_t)>& progress_;
};

}  // namespace

std::vector<JobResult> run_jobs(size_t jobs, size_t processes, unsigned seconds,
                                const std::function<std::string(size_t)>& job,
                                const std::function<void(size_t)>& progress) {
  return Pool(jobs, processes, seconds, job, progress).run();
}

}  // namespace vesta::conformance
