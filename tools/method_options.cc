#include "tools/method_options.h"

#include <vector>

#include <ATen/Parallel.h>
#include <vesta/load.h>

#include "absl/strings/ascii.h"
#include "ir/support/status.h"
#include "tools/archive_options.h"
#include "tools/checks.h"
#include "tools/source_file.h"

namespace vesta::tools {
namespace {

constexpr int kMaxInputs = 1 << 16;

absl::StatusOr<Method> method_of_archive(const MethodOptions& options) {
  LoadOptions load_options = options.load;
  if (!options.device.empty()) load_options.device = c10::Device(options.device);
  VESTA_ASSIGN_OR_RETURN(Module module, load(options.path, load_options));
  if (options.train && options.freeze.wanted()) {
    return absl::InvalidArgumentError("a frozen module does not train: '--train' and '--freeze' exclude each other");
  }
  VESTA_RETURN_IF_ERROR(module.train(options.train));
  if (options.freeze.wanted()) {
    VESTA_ASSIGN_OR_RETURN(module, frozen(std::move(module), options.freeze));
  }
  return module.get_method(options.method.empty() ? "forward" : options.method);
}

}  // namespace

void add_method_options(CLI::App& command, MethodOptions& options) {
  command.add_option("model", options.path, "a TorchScript archive, a native file, or source text (.py)")->required();
  options.positional =
      command.add_option("inputs", "VALUE or NAME=VALUE: a file (x.pt, x.npy), JSON, or f32[1,3,224,224]:normal")
          ->expected(0, kMaxInputs)
          ->take_all()
          ->allow_extra_args()
          ->type_name("INPUT");
  options.named = command.add_option("-i,--input", "one more input, after those above; may be repeated")
                      ->expected(1)
                      ->take_all()
                      ->allow_extra_args(false)
                      ->type_name("INPUT");
  command.add_option("-m,--method", options.method, "which one to call (default: forward)");
  command.add_option("--seed", options.seed, "of random inputs")->capture_default_str();
  command.add_option("--device", options.device, "where the weights go: cpu, cuda:0");
  command.add_option("--threads", options.threads, "of libtorch's operators")->check(CLI::Validator(at_least<1>, ""));
  command.add_flag("--grad", options.grad, "record gradients");
  command.add_flag("--train", options.train, "in training mode instead of eval mode");
  add_freeze_options(command, options.freeze);
  add_archive_options(command, options.load);
}

absl::StatusOr<Method> open_method(const MethodOptions& options) {
  if (options.threads > 0) at::set_num_threads(options.threads);
  return is_source(options.path) ? function_of_source(options.path, options.method, options.freeze)
                                 : method_of_archive(options);
}

absl::StatusOr<Inputs> inputs_of(const MethodOptions& options, const Method& method) {
  std::vector<std::string> texts = options.positional->results();
  const std::vector<std::string>& more = options.named->results();
  texts.insert(texts.end(), more.begin(), more.end());
  for (std::string& text : texts) absl::StripLeadingAsciiWhitespace(&text);
  return read_inputs(texts, method.schema(), options.seed);
}

}  // namespace vesta::tools
