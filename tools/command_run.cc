// `vesta run`: loads, calls a method, prints or writes what it returns.

#include <algorithm>
#include <memory>
#include <optional>

#include <c10/core/GradMode.h>
#include <vesta/value.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ir/support/status.h"
#include "serialization/atomic_file.h"
#include "serialization/npy.h"
#include "serialization/value_file.h"
#include "tools/checks.h"
#include "tools/clock.h"
#include "tools/commands.h"
#include "tools/json_value.h"
#include "tools/method_options.h"
#include "tools/text.h"

namespace vesta::tools {
namespace {

struct Options {
  MethodOptions call;
  std::string output;
  int repeat = 1;
  std::optional<int64_t> fuel;
  std::optional<double> timeout;
};

absl::Status write_json(const c10::IValue& value, const std::string& path) {
  VESTA_ASSIGN_OR_RETURN(const nlohmann::ordered_json json, json_of_value(value));
  VESTA_ASSIGN_OR_RETURN(serialization::AtomicFile file, serialization::AtomicFile::create(path));
  VESTA_RETURN_IF_ERROR(file.write(json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n"));
  return file.commit();
}

absl::Status write_npy(const c10::IValue& value, const std::string& path) {
  if (!value.isTensor()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": a .npy file holds one tensor, the result is ", type_name(value), "; use .pt or .json"));
  }
  return serialization::write_npy(value.toTensor().detach().cpu(), path);
}

absl::Status write_pt(const c10::IValue& value, const std::string& path) {
  return serialization::write_value(value, path);
}

struct Writer {
  const char* suffix;
  absl::Status (*write)(const c10::IValue& value, const std::string& path);
};
constexpr Writer kWriters[] = {{".json", write_json}, {".npy", write_npy}, {".pt", write_pt}, {".pth", write_pt}};

const Writer* writer_for(const std::string& path) {
  for (const Writer& writer : kWriters) {
    if (absl::EndsWith(path, writer.suffix)) return &writer;
  }
  return nullptr;
}

CallOptions call_options(const Options& options) {
  CallOptions result;
  result.limits.fuel = options.fuel;
  if (options.timeout.has_value()) result.limits.deadline = after(*options.timeout);
  return result;
}

std::string timing(std::vector<double> seconds) {
  const double first = seconds.front();
  std::sort(seconds.begin(), seconds.end());
  return absl::StrCat("first call ", duration(first), "; of ", seconds.size(), " calls the fastest ",
                      duration(seconds.front()), ", median ", duration(seconds[seconds.size() / 2]), ", slowest ",
                      duration(seconds.back()));
}

absl::StatusOr<c10::IValue> call(const Method& method, const Inputs& inputs, const Options& options,
                                 std::vector<double>& seconds) {
  c10::IValue result;
  for (int i = 0; i < options.repeat; ++i) {
    const Clock::time_point begin = Clock::now();
    VESTA_ASSIGN_OR_RETURN(result, method(inputs.args, inputs.kwargs, call_options(options)));
    seconds.push_back(seconds_since(begin));
  }
  return result;
}

absl::Status run(const Options& options, Terminal& terminal) {
  const Writer* writer = options.output.empty() ? nullptr : writer_for(options.output);
  if (!options.output.empty() && writer == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(options.output, ": results are written as .pt, .npy or .json"));
  }
  const c10::AutoGradMode grad_mode(options.call.grad);
  VESTA_ASSIGN_OR_RETURN(const Method method, open_method(options.call));
  VESTA_ASSIGN_OR_RETURN(const Inputs inputs, inputs_of(options.call, method));
  std::vector<double> seconds;
  VESTA_ASSIGN_OR_RETURN(const c10::IValue result, call(method, inputs, options, seconds));
  if (writer == nullptr) {
    terminal.out << format_value(result) << "\n";
  } else {
    VESTA_RETURN_IF_ERROR(writer->write(result, options.output));
    terminal.out << "wrote " << options.output << "\n";
  }
  if (options.repeat > 1) terminal.out << timing(std::move(seconds)) << "\n";
  return absl::OkStatus();
}

}  // namespace

Action add_run(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  add_method_options(command, options->call);
  command.add_option("-o,--output", options->output, "write the result: .pt, .npy or .json");
  command.add_option("--repeat", options->repeat, "call it this many times and tell the time")
      ->capture_default_str()
      ->check(CLI::Validator(at_least<1>, ""));
  const CLI::Validator at_least_zero(at_least<0>, "");
  command.add_option("--fuel", options->fuel, "instructions that a call may take")->check(at_least_zero);
  command.add_option("--timeout", options->timeout, "seconds that a call may take")->check(at_least_zero);
  return [options](Terminal& terminal) { return run(*options, terminal); };
}

}  // namespace vesta::tools
