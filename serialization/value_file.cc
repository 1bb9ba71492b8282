// Reading: the zip and pickle readers with torch's common globals.

#include "serialization/value_file.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/identify.h"
#include "serialization/torch_values.h"
#include "serialization/utf8.h"
#include "serialization/zip_reader.h"

namespace vesta::serialization {
namespace {

using c10::IValue;

// The member "<folder>/<record>" of the archive's one top folder; null if there is none.
class Folder {
 public:
  explicit Folder(const ZipReader& zip) : zip_(zip) {
    for (const ZipEntry& entry : zip.entries()) {
      if (entry.name.ends_with("/data.pkl") && entry.name.find('/') == entry.name.size() - 9) {
        root_ = entry.name.substr(0, entry.name.size() - 8);
      }
    }
  }
  const ZipEntry* find(std::string_view record) const { return zip_.find(absl::StrCat(root_, std::string(record))); }

 private:
  const ZipReader& zip_;
  std::string root_;
};

absl::StatusOr<bool> is_big_endian(const ZipReader& zip, const Folder& folder) {
  const ZipEntry* entry = folder.find("byteorder");
  if (entry == nullptr) return false;
  VESTA_ASSIGN_OR_RETURN(const ZipData data, zip.read(*entry));
  if (data.contents == "big" || data.contents == "little") return data.contents == "big";
  return zip.corrupt(*entry, "the byte order is neither 'little' nor 'big'");
}

absl::Status check_pickle_size(const ZipReader& zip, const ZipEntry& entry, const Limits& limits) {
  if (entry.size <= static_cast<uint64_t>(limits.metadata_bytes)) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrFormat("%s: member '%s' has %d bytes, the limit 'metadata_bytes' is %d",
                                                      zip.file_name(), entry.name, entry.size, limits.metadata_bytes));
}

}  // namespace

absl::StatusOr<IValue> read_value(SharedBytes bytes, const std::string& file_name, const ValueFileOptions& options) {
  if (!bytes->view().starts_with("PK")) {
    const FileKind kind = identify(bytes->view());
    if (kind == FileKind::kCheckpointLegacy) {
      return absl::UnimplementedError(absl::StrCat(
          file_name,
          " was written by torch.save before 1.6 (or with _use_new_zipfile_serialization=False); this format "
          "is not read yet; torch.save(torch.load(file), file) of a newer torch writes the one that is"));
    }
    return explain(kind, file_name);
  }
  ZipReader::Options zip_options;
  zip_options.limits = options.limits;
  VESTA_ASSIGN_OR_RETURN(const std::shared_ptr<const ZipReader> zip,
                         ZipReader::open(std::move(bytes), file_name, zip_options));
  const Folder folder(*zip);
  const ZipEntry* pickle = folder.find("data.pkl");
  if (pickle == nullptr) return explain(FileKind::kZip, file_name);
  if (folder.find("constants.pkl") != nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(file_name, " is a TorchScript archive: a program, not a file of values"));
  }
  VESTA_RETURN_IF_ERROR(check_pickle_size(*zip, *pickle, options.limits));
  TensorBuilder::Options tensor_options;
  tensor_options.limits = options.limits;
  tensor_options.map_to_cpu = options.map_to_cpu;
  VESTA_ASSIGN_OR_RETURN(tensor_options.big_endian, is_big_endian(*zip, folder));
  TensorBuilder tensors(
      [&](std::string_view key, uint64_t size) -> absl::StatusOr<StorageBytes> {
        const ZipEntry* entry = folder.find(absl::StrCat("data/", std::string(key)));
        if (entry == nullptr) return absl::DataLossError(absl::StrFormat("no storage '%s'", printable(key)));
        if (entry->size != size) {
          return absl::DataLossError(
              absl::StrFormat("the record '%s' has %d bytes, its storage %d", entry->name, entry->size, size));
        }
        VESTA_ASSIGN_OR_RETURN(ZipData data, zip->read(*entry));
        return StorageBytes{data.contents, std::move(data.owner)};
      },
      tensor_options);
  TorchHandler handler(tensors);
  PickleOptions pickle_options;
  pickle_options.limits = options.limits;
  VESTA_ASSIGN_OR_RETURN(const ZipData data, zip->read(*pickle));
  const std::string name = absl::StrFormat("%s: member 'data.pkl'", file_name);
  VESTA_ASSIGN_OR_RETURN(PickleResult result, read_pickle(data.contents, name, handler, pickle_options));
  if (result.size != data.contents.size()) return zip->corrupt(*pickle, "bytes follow the end of the pickle");
  if (result.holds_pickle_objects) {
    return absl::UnimplementedError(absl::StrCat(
        name, ": the value holds bytes, a set, a class or an int of more than 64 bits, which are not read"));
  }
  return std::move(result.value);
}

}  // namespace vesta::serialization
