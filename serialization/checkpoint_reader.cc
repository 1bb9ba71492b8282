// The zip form, and the choice between the forms.

#include "serialization/checkpoint_reader.h"

#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/utf8.h"
#include "serialization/zip_reader.h"

namespace vesta::serialization {
namespace {

// The archive's one top folder.
class Folder {
 public:
  explicit Folder(const ZipReader& zip) : zip_(zip) {
    for (const ZipEntry& entry : zip.entries()) {
      if (entry.name.ends_with("/data.pkl") && entry.name.find('/') == entry.name.size() - 9) {
        root_ = entry.name.substr(0, entry.name.size() - 8);
      }
    }
  }
  // The member "<folder>/<record>"; null if there is none.
  const ZipEntry* find(std::string_view record) const { return zip_.find(absl::StrCat(root_, std::string(record))); }

 private:
  const ZipReader& zip_;
  std::string root_;
};

absl::StatusOr<bool> is_big_endian(const ZipReader& zip, const Folder& folder) {
  const ZipEntry* entry = folder.find("byteorder");
  if (entry == nullptr) return false;
  if (entry->size > 16) return zip.corrupt(*entry, "the byte order is neither 'little' nor 'big'");
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

absl::StatusOr<CheckpointContents> read_zip_checkpoint(SharedBytes bytes, const std::string& file_name,
                                                       const CheckpointReadOptions& options) {
  ZipReader::Options zip_options;
  zip_options.limits = options.limits;
  // With a check at each reading, what is never read (another member) is checked at the end.
  zip_options.check_crc_at_open = false;
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
  CheckpointContents result;
  VESTA_ASSIGN_OR_RETURN(result.big_endian, is_big_endian(*zip, folder));
  TensorBuilder::Options tensor_options;
  tensor_options.limits = options.limits;
  tensor_options.map_to_cpu = true;
  tensor_options.big_endian = result.big_endian;
  tensor_options.metadata_only = options.metadata_only;
  const bool skip_crc = options.defer_weights || options.metadata_only;
  TensorBuilder tensors(
      [&](std::string_view key, uint64_t size) -> absl::StatusOr<StorageBytes> {
        const ZipEntry* entry = folder.find(absl::StrCat("data/", std::string(key)));
        if (entry == nullptr) return absl::DataLossError(absl::StrFormat("no storage '%s'", printable(key)));
        if (entry->size != size) {
          return absl::DataLossError(
              absl::StrFormat("the record '%s' has %d bytes, its storage %d", entry->name, entry->size, size));
        }
        VESTA_ASSIGN_OR_RETURN(ZipData data, zip->read(*entry, skip_crc));
        return StorageBytes{data.contents, std::move(data.owner)};
      },
      tensor_options);
  CheckpointHandler handler(tensors);
  VESTA_ASSIGN_OR_RETURN(const ZipData data, zip->read(*pickle));
  size_t size = 0;
  const CheckpointValueOptions value_options{options.limits, options.strict, options.metadata_only};
  VESTA_ASSIGN_OR_RETURN(
      result.root, read_checkpoint_pickle(data.contents, absl::StrFormat("%s: member 'data.pkl'", file_name), handler,
                                          value_options, &size));
  if (size != data.contents.size()) return zip->corrupt(*pickle, "bytes follow the end of the pickle");
  if (!skip_crc) VESTA_RETURN_IF_ERROR(zip->verify_unread());
  result.kind = FileKind::kCheckpoint;
  result.storages = handler.storages();
  result.verify = [zip] { return zip->verify_unread(); };
  return result;
}

absl::StatusOr<CheckpointContents> read_checkpoint(SharedBytes bytes, const std::string& file_name,
                                                   const CheckpointReadOptions& options) {
  if (bytes->view().starts_with("PK")) return read_zip_checkpoint(std::move(bytes), file_name, options);
  const FileKind kind = identify(bytes->view());
  if (kind == FileKind::kCheckpointLegacy) return read_stream_checkpoint(std::move(bytes), file_name, options);
  if (kind == FileKind::kCheckpointTar) return read_tar_checkpoint(std::move(bytes), file_name, options);
  return explain(kind, file_name);
}

std::string checkpoint_format_name(FileKind kind) {
  switch (kind) {
    case FileKind::kCheckpointLegacy:
      return "torch.save, stream of before 1.6";
    case FileKind::kCheckpointTar:
      return "torch.save, tar of 0.1";
    case FileKind::kSafetensors:
      return "safetensors";
    default:
      return "torch.save, zip";
  }
}

}  // namespace vesta::serialization
