// `vesta run`: loads, calls a method, prints or writes what it returns.

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <vesta/load.h>
#include <vesta/value.h>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "ir/support/status.h"
#include "serialization/atomic_file.h"
#include "serialization/npy.h"
#include "serialization/value_file.h"
#include "tools/archive_options.h"
#include "tools/commands.h"
#include "tools/freeze_options.h"
#include "tools/inputs.h"
#include "tools/json_value.h"
#include "tools/source_file.h"
#include "tools/text.h"

namespace vesta::tools {
namespace {

constexpr int kMaxInputs = 1 << 16;

struct Options {
  std::string path;
  // Asked for their words as they came, because CLI11 takes "{}" in a vector for a notation of its own.
  CLI::Option* positional = nullptr;
  CLI::Option* named = nullptr;
  std::string method;
  std::string output;
  std::string device;
  uint64_t seed = 0;
  int repeat = 1;
  int threads = 0;
  std::optional<int64_t> fuel;
  std::optional<double> timeout;
  bool grad = false;
  bool train = false;
  FrozenOptions freeze;
  LoadOptions load;
};

// CLI11's own checks print the largest double there is.
template <int kLeast>
std::string at_least(std::string& text) {
  double value = 0;
  if (absl::SimpleAtod(text, &value) && value >= kLeast) return {};
  return absl::StrCat("'", text, "' is no number of ", kLeast, " or more");
}

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
  if (options.timeout.has_value()) {
    result.limits.deadline =
        std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                               std::chrono::duration<double>(*options.timeout));
  }
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
    const auto begin = std::chrono::steady_clock::now();
    VESTA_ASSIGN_OR_RETURN(result, method(inputs.args, inputs.kwargs, call_options(options)));
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return result;
}

absl::StatusOr<Method> method_of_archive(const Options& options) {
  LoadOptions load_options = options.load;
  if (!options.device.empty()) load_options.device = c10::Device(options.device);
  VESTA_ASSIGN_OR_RETURN(Module module, load(options.path, load_options));
  if (options.train && options.freeze.wanted()) {
    return absl::InvalidArgumentError("a frozen module does not train: '--train' and '--freeze' exclude each other");
  }
  VESTA_RETURN_IF_ERROR(module.train(options.train));
  if (options.freeze.wanted()) {
    VESTA_ASSIGN_OR_RETURN(module, frozen(module, options.freeze));
  }
  return module.get_method(options.method.empty() ? "forward" : options.method);
}

// Without --method: `forward`, or the only function that there is.
absl::StatusOr<Method> function_of_source(const Options& options) {
  VESTA_ASSIGN_OR_RETURN(const Unit unit, compile_file(options.path));
  const std::vector<Method> functions = unit.functions();
  if (options.method.empty() && functions.size() == 1) return functions[0];
  return unit.get_function(options.method.empty() ? "forward" : options.method);
}

absl::Status run(const Options& options, Terminal& terminal) {
  const Writer* writer = options.output.empty() ? nullptr : writer_for(options.output);
  if (!options.output.empty() && writer == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(options.output, ": results are written as .pt, .npy or .json"));
  }
  if (options.threads > 0) at::set_num_threads(options.threads);
  const c10::AutoGradMode grad_mode(options.grad);
  VESTA_ASSIGN_OR_RETURN(const Method method, absl::EndsWith(options.path, ".py") ? function_of_source(options)
                                                                                  : method_of_archive(options));
  std::vector<std::string> texts = options.positional->results();
  const std::vector<std::string>& more = options.named->results();
  texts.insert(texts.end(), more.begin(), more.end());
  for (std::string& text : texts) absl::StripLeadingAsciiWhitespace(&text);
  VESTA_ASSIGN_OR_RETURN(const Inputs inputs, read_inputs(texts, method.schema(), options.seed));
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
  const CLI::Validator at_least_one(at_least<1>, "");
  const CLI::Validator at_least_zero(at_least<0>, "");
  command.add_option("model", options->path, "a TorchScript archive, or source text (.py)")->required();
  options->positional =
      command.add_option("inputs", "VALUE or NAME=VALUE: a file (x.pt, x.npy), JSON, or f32[1,3,224,224]:normal")
          ->expected(0, kMaxInputs)
          ->take_all()
          ->allow_extra_args()
          ->type_name("INPUT");
  options->named = command.add_option("-i,--input", "one more input, after those above; may be repeated")
                       ->expected(1)
                       ->take_all()
                       ->allow_extra_args(false)
                       ->type_name("INPUT");
  command.add_option("-m,--method", options->method, "which one to call (default: forward)");
  command.add_option("-o,--output", options->output, "write the result: .pt, .npy or .json");
  command.add_option("--seed", options->seed, "of random inputs")->capture_default_str();
  command.add_option("--device", options->device, "where the weights go: cpu, cuda:0");
  command.add_option("--repeat", options->repeat, "call it this many times and tell the time")
      ->capture_default_str()
      ->check(at_least_one);
  command.add_option("--threads", options->threads, "of libtorch's operators")->check(at_least_one);
  command.add_option("--fuel", options->fuel, "instructions that a call may take")->check(at_least_zero);
  command.add_option("--timeout", options->timeout, "seconds that a call may take")->check(at_least_zero);
  command.add_flag("--grad", options->grad, "record gradients");
  command.add_flag("--train", options->train, "in training mode instead of eval mode");
  add_freeze_options(command, options->freeze);
  add_archive_options(command, options->load);
  return [options](Terminal& terminal) { return run(*options, terminal); };
}

}  // namespace vesta::tools
