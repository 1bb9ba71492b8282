// `vesta convert`: a program anew, or a file of values into another format, told by the target's name.

#include <memory>

#include <vesta/vesta.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ir/support/status.h"
#include "tools/checkpoint_report.h"
#include "tools/commands.h"

namespace vesta::tools {
namespace {

struct Options {
  std::string from;
  std::string to;
  std::string at;
};

// A program of any age becomes an archive of today's.
absl::Status convert_program(const Options& options) {
  if (!options.at.empty()) return absl::InvalidArgumentError(absl::StrCat(options.from, ": '--at' is for checkpoints"));
  ExtraFiles extra_files;
  LoadOptions load_options;
  load_options.extra_files = &extra_files;
  load_options.all_extra_files = true;
  VESTA_ASSIGN_OR_RETURN(const Module module, load(options.from, load_options));
  return module.save(options.to, extra_files);
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
  command.add_option("from", options->from, "a TorchScript archive, a checkpoint of torch.save, or safetensors")
      ->required();
  command.add_option("to", options->to, "the new file; of a checkpoint .pt, .pth, .bin, .ckpt or .safetensors")
      ->required();
  command.add_option("--at", options->at, "only what lies at this path: model_state_dict");
  return [options](Terminal& terminal) { return convert(*options, terminal); };
}

}  // namespace vesta::tools
