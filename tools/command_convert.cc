// `vesta convert`: a program anew, or a file of values into another format, told by the target's name.

#include <memory>

#include <vesta/vesta.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ir/support/status.h"
#include "tools/checkpoint_report.h"
#include "tools/commands.h"
#include "tools/freeze_options.h"
#include "tools/inputs.h"

namespace vesta::tools {
namespace {

struct Options {
  std::string from;
  std::string to;
  std::string at;
  FrozenOptions freeze;
  bool packed = false;
  bool tune = false;
  // Asked for its words as they came, because CLI11 takes "{}" in a vector for a notation of its own.
  CLI::Option* inputs = nullptr;
  uint64_t seed = 0;
};

bool is_native_name(const std::string& path) { return absl::EndsWith(path, ".vesta"); }

// A native file, of a frozen module with what was made ahead where that is asked for.
absl::Status save_native(Module module, const Options& options, ExtraFiles extra_files) {
  if (options.freeze.wanted()) {
    VESTA_ASSIGN_OR_RETURN(module, frozen(std::move(module), options.freeze));
  }
  if (options.inputs->count() > 0) {
    VESTA_ASSIGN_OR_RETURN(const Method method, module.get_method("forward"));
    VESTA_ASSIGN_OR_RETURN(const Inputs inputs, read_inputs(options.inputs->results(), method.schema(), options.seed));
    VESTA_RETURN_IF_ERROR(module.optimize_for(inputs.args, {.tune = options.tune}, inputs.kwargs));
  }
  return module.save_native(options.to, {.extra_files = std::move(extra_files), .packed = options.packed});
}

// A program of any age becomes an archive of today's, or a native file.
absl::Status convert_program(const Options& options) {
  if (!options.at.empty()) return absl::InvalidArgumentError(absl::StrCat(options.from, ": '--at' is for checkpoints"));
  const bool optimized = options.freeze.wanted() || options.packed || options.tune || options.inputs->count() > 0;
  if (!is_native_name(options.to) && optimized) {
    return absl::InvalidArgumentError(
        absl::StrCat(options.to,
                     ": '--freeze', '--packed', '--tune' and '--input' are for native files (.vesta): an archive keeps "
                     "the program as it was written"));
  }
  if (options.tune && options.inputs->count() == 0)
    return absl::InvalidArgumentError("'--tune' needs the inputs that it shall be tuned for: --input");
  ExtraFiles extra_files;
  LoadOptions load_options;
  load_options.extra_files = &extra_files;
  load_options.all_extra_files = true;
  VESTA_ASSIGN_OR_RETURN(const Module module, load(options.from, load_options));
  return is_native_name(options.to) ? save_native(module, options, std::move(extra_files))
                                    : module.save(options.to, extra_files);
}

absl::Status convert(const Options& options, Terminal& terminal) {
  if (!is_value_file(options.from)) return convert_program(options);
  CheckpointOptions load;
  load.device = c10::Device(c10::kCPU);
  VESTA_ASSIGN_OR_RETURN(const Checkpoint checkpoint, load_checkpoint(options.from, load));
  VESTA_ASSIGN_OR_RETURN(const PyValue value, checkpoint.at(options.at));
  if (absl::EndsWith(options.to, ".safetensors")) {
    const absl::Status saved = save_safetensors(value, options.to);
    if (absl::IsInvalidArgument(saved)) return {saved.code(), absl::StrCat(options.from, ": ", saved.message())};
    VESTA_RETURN_IF_ERROR(saved);
  } else if (absl::EndsWith(options.to, ".pt") || absl::EndsWith(options.to, ".pth") ||
             absl::EndsWith(options.to, ".bin") || absl::EndsWith(options.to, ".ckpt")) {
    VESTA_RETURN_IF_ERROR(save_checkpoint(value, options.to));
  } else {
    return absl::InvalidArgumentError(absl::StrCat(
        options.to, ": the name does not tell a format: .safetensors, or .pt, .pth, .bin or .ckpt of torch.save"));
  }
  terminal.out << options.to << ": " << value.summary() << "\n";
  return absl::OkStatus();
}

}  // namespace

Action add_convert(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  command
      .add_option("from", options->from,
                  "a TorchScript archive, a native file, a checkpoint of torch.save, or safetensors")
      ->required();
  command
      .add_option("to", options->to,
                  "the new file: .vesta is a native one; of a checkpoint .pt, .pth, .bin, .ckpt or .safetensors")
      ->required();
  command.add_option("--at", options->at, "only what lies at this path: model_state_dict");
  add_freeze_options(command, options->freeze);
  options->inputs =
      command
          .add_option("-i,--input", "optimize for this input of forward() (see vesta run --help); repeat it for each")
          ->type_name("INPUT")
          ->expected(1)
          ->take_all()
          ->allow_extra_args(false);
  command.add_flag("--packed", options->packed, "keep what was made ahead: optimized graphs, packed weights");
  command.add_flag("--tune", options->tune, "choose between kernels by timing them on the inputs, not by fixed rules");
  command.add_option("--seed", options->seed, "of random inputs")->capture_default_str();
  return [options](Terminal& terminal) { return convert(*options, terminal); };
}

}  // namespace vesta::tools
