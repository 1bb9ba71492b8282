// Everything that can be decided from the directory is decided on opening: the format, the top folder,
// and that what is not weights fits its limit before any of it is inflated.

#include "serialization/archive.h"

#include <array>
#include <charconv>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/utf8.h"

namespace vesta::serialization {
namespace {

constexpr std::array<std::string_view, 4> kWeightFolders = {"data/", "constants/", "tensors/", "traced_inputs/"};

bool is_weight(std::string_view record) {
  for (const std::string_view folder : kWeightFolders) {
    if (record.starts_with(folder)) return true;
  }
  return false;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Archive>> Archive::open(SharedBytes bytes, const std::string& file_name,
                                                             const ArchiveOptions& options) {
  const bool zipped = bytes->view().starts_with("PK");
  if (!zipped) return explain(identify(bytes->view()), file_name);
  ZipReader::Options zip_options;
  zip_options.limits = options.limits;
  zip_options.check_crc_at_open = !options.trust_weights;
  std::shared_ptr<Archive> archive(new Archive);
  archive->options_ = options;
  VESTA_ASSIGN_OR_RETURN(archive->zip_, ZipReader::open(std::move(bytes), file_name, zip_options));
  std::vector<std::string_view> names;
  for (const ZipEntry& entry : archive->zip_->entries()) names.push_back(entry.name);
  archive->kind_ = identify_members(names);
  if (!is_loadable(archive->kind_)) return explain(archive->kind_, file_name);
  VESTA_RETURN_IF_ERROR(archive->find_root());
  VESTA_RETURN_IF_ERROR(archive->check_metadata_size());
  VESTA_RETURN_IF_ERROR(archive->read_version());
  VESTA_RETURN_IF_ERROR(archive->read_byte_order());
  return std::shared_ptr<const Archive>(std::move(archive));
}

absl::Status Archive::find_root() {
  for (const ZipEntry& entry : zip_->entries()) {
    const size_t slash = entry.name.find('/');
    const std::string_view folder = slash == entry.name.npos ? std::string_view() : entry.name.substr(0, slash + 1);
    if (root_.empty()) root_ = folder;
    if (folder.empty() || folder != root_) {
      return zip_->corrupt(entry,
                           absl::StrFormat("every member belongs into one top folder, which is '%s' here", root_));
    }
  }
  if (kind_ == FileKind::kModelJson) return absl::OkStatus();
  for (const std::string_view needed : {"data.pkl", "constants.pkl"}) {
    if (!has(needed)) {
      return absl::DataLossError(
          absl::StrFormat("%s: the TorchScript archive lacks '%s%s'", file_name(), root_, needed));
    }
  }
  return absl::OkStatus();
}

absl::Status Archive::check_metadata_size() const {
  const int64_t limit = options_.limits.metadata_bytes;
  int64_t total = 0;
  for (const ZipEntry& entry : zip_->entries()) {
    if (is_weight(entry.name.substr(root_.size()))) continue;
    // Sizes are bounded by the file's size times the best ratio of deflate; the sum is kept from overflowing.
    if (entry.size > static_cast<uint64_t>(limit - total)) {
      return absl::ResourceExhaustedError(absl::StrFormat(
          "%s: members that are not weights take more than the limit 'metadata_bytes', %d", file_name(), limit));
    }
    total += static_cast<int64_t>(entry.size);
  }
  return absl::OkStatus();
}

absl::Status Archive::read_version() {
  std::optional<int64_t> found;
  for (const std::string_view record : {".data/version", "version"}) {
    if (!has(record)) continue;
    VESTA_ASSIGN_OR_RETURN(const ZipData data, read(record));
    const std::string_view text = trimmed(data.contents);
    int64_t version = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
    if (error != std::errc() || end != text.data() + text.size() || version < kLowestVersion) {
      return absl::DataLossError(absl::StrFormat("%s: '%s' is no version", describe(record), printable(text)));
    }
    if (found && *found != version) {
      return absl::DataLossError(
          absl::StrFormat("%s: 'version' says %d and '.data/version' says %d", file_name(), version, *found));
    }
    found = version;
  }
  if (!found) return absl::DataLossError(absl::StrFormat("%s: the archive has no 'version'", file_name()));
  if (*found > kHighestVersion && !options_.allow_newer) {
    return absl::UnimplementedError(absl::StrFormat(
        "%s: the archive has version %d, versions %d to %d are known; a newer torch wrote it, and its operators may "
        "mean "
        "something else than those of today; LoadOptions::allow_newer (--allow-newer) tries it nevertheless",
        file_name(), *found, kLowestVersion, kHighestVersion));
  }
  version_ = *found;
  return absl::OkStatus();
}

absl::Status Archive::read_byte_order() {
  if (!has("byteorder")) return absl::OkStatus();
  VESTA_ASSIGN_OR_RETURN(const ZipData data, read("byteorder"));
  big_endian_ = data.contents == "big";
  if (big_endian_ || data.contents == "little") return absl::OkStatus();
  return absl::DataLossError(
      absl::StrFormat("%s: '%s' is neither 'little' nor 'big'", describe("byteorder"), printable(data.contents)));
}

bool Archive::has(std::string_view record) const {
  return zip_->find(absl::StrCat(root_, std::string(record))) != nullptr;
}

absl::StatusOr<ZipData> Archive::read(std::string_view record) const {
  const ZipEntry* entry = zip_->find(absl::StrCat(root_, std::string(record)));
  if (entry == nullptr) {
    return absl::NotFoundError(absl::StrFormat("%s: no member '%s'", file_name(), printable(record)));
  }
  return zip_->read(*entry, options_.trust_weights && is_weight(record));
}

std::vector<std::string_view> Archive::list(std::string_view folder) const {
  std::vector<std::string_view> names;
  for (const ZipEntry& entry : zip_->entries()) {
    const std::string_view name = entry.name.substr(root_.size());
    if (name.starts_with(folder) && !name.ends_with('/')) names.push_back(name);
  }
  return names;
}

std::string Archive::describe(std::string_view record) const {
  return absl::StrFormat("%s: member '%s'", file_name(), std::string(record));
}

TensorBuilder::ReadRecord Archive::storage_reader(std::string folder) const {
  return [this, folder = std::move(folder)](std::string_view key, uint64_t size) -> absl::StatusOr<StorageBytes> {
    const std::string record = absl::StrCat(folder, std::string(key));
    const ZipEntry* entry = zip_->find(absl::StrCat(root_, record));
    if (entry == nullptr) {
      return absl::DataLossError(absl::StrFormat("the archive has no storage '%s'", printable(record)));
    }
    if (entry->size != size) {
      return absl::DataLossError(
          absl::StrFormat("the record '%s' has %d bytes, its storage %d", printable(record), entry->size, size));
    }
    VESTA_ASSIGN_OR_RETURN(ZipData data, zip_->read(*entry, options_.trust_weights));
    return StorageBytes{data.contents, std::move(data.owner)};
  };
}

absl::StatusOr<std::map<std::string, std::string>> Archive::extra_files() const {
  static constexpr std::string_view kFolder = "extra/";
  std::map<std::string, std::string> files;
  for (const std::string_view name : list(kFolder)) {
    VESTA_ASSIGN_OR_RETURN(const ZipData data, read(name));
    files.emplace(name.substr(kFolder.size()), data.contents);
  }
  return files;
}

absl::StatusOr<std::optional<std::string>> Archive::serialization_id() const {
  static constexpr std::string_view kRecord = ".data/serialization_id";
  if (!has(kRecord)) return std::optional<std::string>();
  VESTA_ASSIGN_OR_RETURN(const ZipData data, read(kRecord));
  return std::optional<std::string>(data.contents);
}

}  // namespace vesta::serialization
