#pragma once

// A module object and its program to a TorchScript archive, which Python's torch.jit.load, libtorch and
// read_torchscript() read.

#include <functional>
#include <map>
#include <string>

#include <ATen/core/ivalue.h>
#include <c10/core/Storage.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ir/program.h"
#include "serialization/zip_writer.h"

namespace vesta::serialization {

struct WriteOptions {
  // Files of the author, by name; they are put below extra/.
  std::map<std::string, std::string> extra_files;
  // Runs a method: the object on the stack is replaced by the result. Used for `__getstate__` alone. Null: objects with
  // a
  // `__getstate__` are an error.
  std::function<absl::Status(const ir::Function&, ir::Stack&)> run;
  // A copy on the CPU of a storage of another device. Null: tensors of other devices are an error.
  std::function<absl::StatusOr<c10::Storage>(const c10::Storage&)> to_cpu;
};

// Writes the archive: `root` is the module object; code is printed for its class and for all that this leads to. The
// same module gives the same bytes, and so does what read_torchscript() makes of them. Storages that are shared are
// written once; what shares identity (submodules, lists, tensors) does so when it is read.
// Errors: InvalidArgument for what an archive cannot hold (tensors that are not dense, values without a written form,
// objects that hold themselves), Unimplemented for functions that source cannot say (unknown operators), those of
// `run` and of the sink.
absl::Status write_torchscript(const c10::IValue& root, const ZipWriter::Sink& sink, const WriteOptions& options);

// The same to a file, which appears whole or not at all (see AtomicFile).
absl::Status write_torchscript(const c10::IValue& root, const std::string& path, const WriteOptions& options);

}  // namespace vesta::serialization
