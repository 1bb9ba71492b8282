// `vesta convert`: a file of values into another format, told by the target's name.

#include <memory>

#include <vesta/checkpoint.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ir/support/status.h"
#include "tools/commands.h"

namespace vesta::tools {
namespace {

struct Options {
  std::string from;
  std::string to;
  std::string at;
};

absl::Status convert(const Options& options, Terminal& terminal) {
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
  command.add_option("from", options->from, "a checkpoint of torch.save, or safetensors")->required();
  command.add_option("to", options->to, "the new file: .pt, .pth, .bin, .ckpt or .safetensors")->required();
  command.add_option("--at", options->at, "only what lies at this path: model_state_dict");
  return [options](Terminal& terminal) { return convert(*options, terminal); };
}

}  // namespace vesta::tools
