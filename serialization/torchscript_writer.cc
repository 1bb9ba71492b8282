// data.pkl is made first: it names the classes whose code has to be printed, and printing finds the constants. The
// members stand in the order in which torch writes them.

#include "serialization/torchscript_writer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "frontend/source_printer.h"
#include "ir/support/status.h"
#include "serialization/atomic_file.h"
#include "serialization/debug_ranges.h"
#include "serialization/script_pickler.h"

namespace vesta::serialization {
namespace {

using c10::IValue;

// The top folder. Not the file's name: a copy of the file is the same file.
constexpr std::string_view kFolder = "archive/";

class ScriptArchiveWriter {
 public:
  ScriptArchiveWriter(const ZipWriter::Sink& sink, const WriteOptions& options) : zip_(sink), options_(options) {
    names_.type_name = [this](const c10::NamedTypePtr& type) { return printer_.names().of(type); };
    names_.annotation = [this](const c10::Type& type) { return printer_.names().annotation(type); };
    names_.run = options.run;
  }

  absl::Status write(const IValue& root) {
    if (!root.isObject()) return absl::InvalidArgumentError(absl::StrCat("no module, but ", root.tagKind()));
    const TensorPickler::Options tensor_options{options_.to_cpu != nullptr};
    TensorPickler tensors(tensor_options);
    VESTA_ASSIGN_OR_RETURN(const std::string data, ScriptPickler(tensors, names_).write(root));
    VESTA_ASSIGN_OR_RETURN(const std::vector<frontend::PrintedSource> sources, printer_.print());
    TensorPickler constant_tensors(tensor_options);
    VESTA_ASSIGN_OR_RETURN(
        const std::string constants,
        ScriptPickler(constant_tensors, names_).write(c10::ivalue::Tuple::create(printer_.constants())));
    for (const auto& [name, contents] : options_.extra_files)
      VESTA_RETURN_IF_ERROR(add(absl::StrCat("extra/", name), contents));
    VESTA_RETURN_IF_ERROR(add_storages("data/", tensors));
    VESTA_RETURN_IF_ERROR(add("data.pkl", data));
    // A program that knows no line of its author's has its own text for that; one that knows some says of the others
    // that they are of no line.
    const bool has_ranges = std::any_of(sources.begin(), sources.end(), has_known_mark);
    for (const frontend::PrintedSource& source : sources) VESTA_RETURN_IF_ERROR(add_source(source, has_ranges));
    VESTA_RETURN_IF_ERROR(add_storages("constants/", constant_tensors));
    VESTA_RETURN_IF_ERROR(add("constants.pkl", constants));
    VESTA_RETURN_IF_ERROR(add("version", absl::StrCat(printer_.version(), "\n")));
    VESTA_RETURN_IF_ERROR(add("byteorder", "little"));
    // 40 digits that tell one archive from another. Readers tell by it, too, that no torch before 2.1 wrote the file,
    // whose operators had other meanings.
    const std::string id = absl::StrFormat("%020u%020u", names_hash_, contents_hash_);
    VESTA_RETURN_IF_ERROR(add(".data/serialization_id", id));
    return zip_.finish();
  }

 private:
  absl::Status add(std::string_view name, std::string_view contents) {
    std::string full(kFolder);
    full += name;
    VESTA_RETURN_IF_ERROR(zip_.add(full, contents));
    for (const char c : full) mix(names_hash_, static_cast<uint8_t>(c));
    mix(contents_hash_, zip_.last_crc32());
    return absl::OkStatus();
  }

  // FNV-1a.
  static void mix(uint64_t& hash, uint64_t value) { hash = (hash ^ value) * 0x100000001b3; }

  absl::Status add_storages(const std::string& folder, const TensorPickler& tensors) {
    for (size_t i = 0; i < tensors.storages().size(); ++i) {
      c10::Storage storage = tensors.storages()[i];
      if (!storage.device().is_cpu()) {
        VESTA_ASSIGN_OR_RETURN(storage, options_.to_cpu(storage));
      }
      VESTA_RETURN_IF_ERROR(add(absl::StrCat(folder, i), {static_cast<const char*>(storage.data()), storage.nbytes()}));
    }
    return absl::OkStatus();
  }

  static bool has_known_mark(const frontend::PrintedSource& printed) {
    const auto& marks = printed.source.marks();
    return std::any_of(marks.begin(), marks.end(), [](const frontend::SourceMark& mark) { return mark.range.known(); });
  }

  absl::Status add_source(const frontend::PrintedSource& printed, bool has_ranges) {
    const std::string name = absl::StrCat("code/", absl::StrReplaceAll(printed.qualifier, {{".", "/"}}), ".py");
    VESTA_RETURN_IF_ERROR(add(name, printed.source.text()));
    if (!has_ranges) return absl::OkStatus();
    VESTA_ASSIGN_OR_RETURN(const std::string ranges, write_debug_ranges(printed.source.marks()));
    return ranges.empty() ? absl::OkStatus() : add(absl::StrCat(name, ".debug_pkl"), ranges);
  }

  ZipWriter zip_;
  uint64_t names_hash_ = 0xcbf29ce484222325;
  uint64_t contents_hash_ = 0xcbf29ce484222325;
  const WriteOptions& options_;
  frontend::SourcePrinter printer_;
  ScriptNames names_;
};

}  // namespace

absl::Status write_torchscript(const IValue& root, const ZipWriter::Sink& sink, const WriteOptions& options) {
  return ScriptArchiveWriter(sink, options).write(root);
}

absl::Status write_torchscript(const IValue& root, const std::string& path, const WriteOptions& options) {
  VESTA_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::create(path));
  VESTA_RETURN_IF_ERROR(write_torchscript(
      root, [&file](std::string_view bytes) { return file.write(bytes); }, options));
  return file.commit();
}

}  // namespace vesta::serialization
