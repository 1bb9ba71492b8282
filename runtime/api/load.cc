// Bytes -> reader -> program -> module. The program's runner is set while it is read, because `__setstate__` may have
// to run.

#include <vesta/load.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ir/support/status.h"
#include "runtime/api/call.h"
#include "runtime/api/context.h"
#include "runtime/api/deep_copy.h"
#include "runtime/api/live_methods.h"
#include "runtime/api/native.h"
#include "runtime/api/produced_by.h"
#include "serialization/bytes.h"
#include "serialization/native_reader.h"
#include "serialization/torchscript_reader.h"

namespace vesta {
namespace {

void give_extra_files(std::map<std::string, std::string> found, const LoadOptions& options) {
  if (options.extra_files == nullptr) return;
  ExtraFiles& wanted = *options.extra_files;
  for (auto it = wanted.begin(); it != wanted.end();) {
    it = found.count(it->first) > 0 ? std::next(it) : wanted.erase(it);
  }
  for (auto& [name, contents] : found) {
    if (options.all_extra_files || wanted.count(name) > 0) wanted[name] = std::move(contents);
  }
}

absl::StatusOr<Module> load_bytes(serialization::SharedBytes bytes, const std::string& name,
                                  const LoadOptions& options) {
  if (serialization::is_native(bytes->view())) {
    return internal::load_native(std::move(bytes), name, options, [&](std::map<std::string, std::string> found) {
      give_extra_files(std::move(found), options);
    });
  }
  serialization::ReadOptions read;
  read.limits = options.limits;
  read.trust_weights = options.immutable_file;
  read.map_to_cpu = options.device.has_value();
  read.run = internal::run_while_loading;
  read.allow_newer = options.allow_newer;
  VESTA_ASSIGN_OR_RETURN(read.written_by, serialization::named_release(options.written_by));
  absl::StatusOr<serialization::LoadedModule> read_module =
      serialization::read_torchscript(std::move(bytes), name, read);
  // What the frontend finds has places in the model's source, but not the file's name.
  if (absl::IsUnimplemented(read_module.status()) && !absl::StartsWith(read_module.status().message(), name)) {
    return support::with_context(read_module.status(), name);
  }
  VESTA_ASSIGN_OR_RETURN(serialization::LoadedModule loaded, std::move(read_module));
  if (!loaded.root.isObject() || !loaded.root.toObjectRef().type()->is_module()) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": the archive holds no module"));
  }
  auto context = std::make_shared<internal::Context>();
  context->program = loaded.program;
  context->produced_by = std::make_shared<const ProducedBy>(internal::produced_by(loaded));
  internal::prepare(*loaded.program);
  c10::IValue root = std::move(loaded.root);
  if (options.device.has_value() && !options.device->is_cpu()) {
    VESTA_ASSIGN_OR_RETURN(root, internal::DeepCopier({.device = options.device}).copy(root));
  }
  give_extra_files(std::move(loaded.extra_files), options);
  VESTA_ASSIGN_OR_RETURN(context->live_methods, internal::LiveMethods::create(root.toObject(), options.optimization));
  return internal::Access::module(std::move(context), root.toObject());
}

}  // namespace

absl::StatusOr<Module> load(const std::string& path, const LoadOptions& options) {
  VESTA_ASSIGN_OR_RETURN(serialization::SharedBytes bytes,
                         options.immutable_file ? serialization::map_file(path, options.limits.file_bytes)
                                                : serialization::read_file(path, options.limits.file_bytes,
                                                                           serialization::BlockCrcs::kOfArchives));
  return load_bytes(std::move(bytes), path, options);
}

absl::StatusOr<Module> load(std::span<const std::byte> bytes, const LoadOptions& options) {
  const std::string_view contents(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (options.immutable_file) {
    return load_bytes(serialization::borrow_bytes(contents, /*writable=*/true), "<memory>", options);
  }
  VESTA_ASSIGN_OR_RETURN(serialization::SharedBytes copy, serialization::copy_bytes(contents));
  return load_bytes(std::move(copy), "<memory>", options);
}

absl::StatusOr<Module> load(Source& source, const LoadOptions& options) {
  VESTA_ASSIGN_OR_RETURN(const uint64_t size, source.size());
  if (size > static_cast<uint64_t>(std::max<int64_t>(options.limits.file_bytes, 0))) {
    return absl::ResourceExhaustedError(
        absl::StrCat("<source>: ", size, " bytes, the limit 'file_bytes' is ", options.limits.file_bytes));
  }
  VESTA_ASSIGN_OR_RETURN(const std::shared_ptr<serialization::OwnedBytes> bytes,
                         serialization::OwnedBytes::allocate(size));
  constexpr uint64_t kPiece = 16 * kMiB;
  for (uint64_t at = 0; at < size; at += kPiece) {
    auto* const begin = reinterpret_cast<std::byte*>(bytes->mutable_data()) + at;
    VESTA_RETURN_IF_ERROR(source.read(at, {begin, std::min(kPiece, size - at)}));
  }
  return load_bytes(bytes, "<source>", options);
}

absl::StatusOr<Module> load(std::istream& stream, const LoadOptions& options) {
  VESTA_ASSIGN_OR_RETURN(serialization::SharedBytes bytes,
                         serialization::read_stream(stream, options.limits.file_bytes));
  return load_bytes(std::move(bytes), "<stream>", options);
}

}  // namespace vesta
