// `vesta bench`: how long loading, the first call and further calls take, from one thread or several that share the
// module. Each caller has inputs of its own, so a program that writes to them disturbs nobody.

#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

#include <c10/core/GradMode.h>
#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "tools/checks.h"
#include "tools/clock.h"
#include "tools/commands.h"
#include "tools/method_options.h"
#include "tools/text.h"

namespace vesta::tools {
namespace {

constexpr int kMaxCallers = 1024;

struct Options {
  MethodOptions call;
  int callers = 1;
  double seconds = 2;
  bool json = false;
};

// Each in cache lines of its own: two that count their calls in one would measure that.
struct alignas(128) Caller {
  Inputs inputs;
  absl::Status status;
  std::vector<double> latencies;  // seconds

  // Until `end`, but once at least.
  void call(const Method& method, const MethodOptions& options, Clock::time_point end) {
    const c10::AutoGradMode grad_mode(options.grad);  // each thread has its own
    do {
      const Clock::time_point begin = Clock::now();
      status = method(inputs.args, inputs.kwargs).status();
      latencies.push_back(seconds_since(begin));
    } while (status.ok() && Clock::now() < end);
  }
};

// All callers at once for so many seconds; gives how many there were.
absl::StatusOr<double> call_all(const Method& method, const Options& options, double seconds,
                                std::vector<Caller>& callers) {
  const Clock::time_point begin = Clock::now();
  const Clock::time_point end = after(seconds);
  std::vector<std::thread> threads;
  for (Caller& caller : callers) {
    caller.latencies.clear();
    threads.emplace_back([&] { caller.call(method, options.call, end); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Caller& caller : callers) VESTA_RETURN_IF_ERROR(caller.status);
  return seconds_since(begin);
}

struct Report {
  double load = 0;  // and freezing
  double first = 0;
  double measured = 0;
  std::vector<double> latencies;  // sorted

  double quantile(double share) const {
    return latencies[static_cast<size_t>(share * static_cast<double>(latencies.size() - 1))];
  }
  double per_second() const { return static_cast<double>(latencies.size()) / measured; }
};

absl::StatusOr<Report> measure(const Options& options) {
  Report report;
  Clock::time_point begin = Clock::now();
  VESTA_ASSIGN_OR_RETURN(const Method method, open_method(options.call));
  report.load = seconds_since(begin);
  std::vector<Caller> callers(static_cast<size_t>(options.callers));
  for (Caller& caller : callers) {
    VESTA_ASSIGN_OR_RETURN(caller.inputs, inputs_of(options.call, method));
  }
  callers[0].call(method, options.call, Clock::now());
  VESTA_RETURN_IF_ERROR(callers[0].status);
  report.first = callers[0].latencies[0];
  // Caches and clocks settle before it counts.
  VESTA_RETURN_IF_ERROR(call_all(method, options, options.seconds / 4, callers).status());
  VESTA_ASSIGN_OR_RETURN(report.measured, call_all(method, options, options.seconds, callers));
  for (const Caller& caller : callers) {
    report.latencies.insert(report.latencies.end(), caller.latencies.begin(), caller.latencies.end());
  }
  std::sort(report.latencies.begin(), report.latencies.end());
  return report;
}

void print(const Report& report, const Options& options, Terminal& terminal) {
  const std::vector<std::vector<std::string>> rows = {
      {options.call.freeze.wanted() ? "load and freeze" : "load", duration(report.load)},
      {"first call", duration(report.first)},
      {"median call", duration(report.quantile(0.5))},
      {"fastest", duration(report.latencies.front())},
      {"9 of 10 within", duration(report.quantile(0.9))},
      {"99 of 100 within", duration(report.quantile(0.99))},
      {"slowest", duration(report.latencies.back())},
      {"calls a second", absl::StrFormat("%.1f", report.per_second())},
  };
  terminal.out << table(rows, {1}, 0);
  terminal.out << absl::StrFormat("%s calls in %s, %d %s\n", with_commas(static_cast<int64_t>(report.latencies.size())),
                                  duration(report.measured), options.callers,
                                  options.callers == 1 ? "caller" : "callers at once");
}

void print_json(const Report& report, const Options& options, Terminal& terminal) {
  const nlohmann::ordered_json json = {{"load_s", report.load},
                                       {"first_s", report.first},
                                       {"median_s", report.quantile(0.5)},
                                       {"fastest_s", report.latencies.front()},
                                       {"p90_s", report.quantile(0.9)},
                                       {"p99_s", report.quantile(0.99)},
                                       {"slowest_s", report.latencies.back()},
                                       {"calls", report.latencies.size()},
                                       {"callers", options.callers},
                                       {"calls_per_s", report.per_second()}};
  terminal.out << json.dump() << "\n";
}

absl::Status run(const Options& options, Terminal& terminal) {
  VESTA_ASSIGN_OR_RETURN(const Report report, measure(options));
  (options.json ? print_json : print)(report, options, terminal);
  return absl::OkStatus();
}

}  // namespace

Action add_bench(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  add_method_options(command, options->call);
  command.add_option("--callers", options->callers, "threads that call the method at once")
      ->capture_default_str()
      ->check(CLI::Range(1, kMaxCallers));
  command.add_option("--seconds", options->seconds, "how long to measure, after a quarter of it to warm up")
      ->capture_default_str()
      ->check(CLI::Validator(at_least<0>, ""));
  command.add_flag("--json", options->json, "one JSON object; times in seconds");
  return [options](Terminal& terminal) { return run(*options, terminal); };
}

}  // namespace vesta::tools
