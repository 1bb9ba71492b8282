#pragma once

// A TorchScript archive: a zip file with one top folder that holds
//   version or .data/version   the version of the operator set, as text
//   model.json                 in place of data.pkl and constants.pkl: torch 1.0 to 1.2, see model_json.h
//   code/**.py                 source, a file for each qualifier ("__torch__.a.b" -> code/__torch__/a/b.py)
//   code/**.py.debug_pkl       where it comes from in the model's source
//   data.pkl, data/N           the module and its storages
//   constants.pkl, constants/N CONSTANTS.cN of the source
//   extra/**                   files that the author added
//   byteorder                  "little" or "big"; little where it is missing
//   bytecode.pkl, traced_inputs.pkl, .data/*   not needed
// Source of these facts: archives of every version (see tests/serialization) and torch's documentation.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "serialization/identify.h"
#include "serialization/tensor_builder.h"
#include "serialization/zip_reader.h"

namespace vesta::serialization {

struct ArchiveOptions {
  Limits limits;
  // Leave out the CRC of weights (data/N, constants/N): for files of one's own that are mapped, where
  // reading every page is what makes loading slow.
  bool trust_weights = false;
  // Take an archive of a version above kHighestVersion for one of kHighestVersion.
  bool allow_newer = false;
};

// The versions of the operator set that are known.
inline constexpr int64_t kLowestVersion = 1;
inline constexpr int64_t kHighestVersion = 10;

// An open archive. Immutable, so thread-safe.
class Archive {
 public:
  // Errors: those of ZipReader::open; InvalidArgument with an explanation where the file is of another
  // format (see identify.h); DataLoss where a needed record is missing or says nonsense.
  static absl::StatusOr<std::shared_ptr<const Archive>> open(SharedBytes bytes, const std::string& file_name,
                                                             const ArchiveOptions& options);

  FileKind kind() const { return kind_; }
  // 1 to 10; above only where ArchiveOptions::allow_newer lets it be.
  int64_t version() const { return version_; }
  bool big_endian() const { return big_endian_; }
  const std::string& file_name() const { return zip_->file_name(); }
  const ZipReader& zip() const { return *zip_; }

  bool has(std::string_view record) const;
  // A record by its name under the top folder ("data.pkl"). NotFound if there is none.
  absl::StatusOr<ZipData> read(std::string_view record) const;
  // The names of all records under `folder` ("code/"), without the top folder, in the order of the file.
  std::vector<std::string_view> list(std::string_view folder) const;
  // "model.pt: member 'data.pkl'", for messages.
  std::string describe(std::string_view record) const;

  // Storages under a folder ("data/" or "constants/"), for a TensorBuilder.
  TensorBuilder::ReadRecord storage_reader(std::string folder) const;

  // The files of extra/, by their names below it.
  absl::StatusOr<std::map<std::string, std::string>> extra_files() const;

  // What is known of the writer: ids and serialization facts under .data/, by name.
  absl::StatusOr<std::optional<std::string>> serialization_id() const;

 private:
  Archive() = default;
  absl::Status find_root();
  absl::Status read_version();
  absl::Status read_byte_order();
  absl::Status check_metadata_size() const;

  std::shared_ptr<const ZipReader> zip_;
  ArchiveOptions options_;
  FileKind kind_ = FileKind::kTorchScript;
  std::string root_;  // with its slash
  int64_t version_ = 0;
  bool big_endian_ = false;
};

}  // namespace vesta::serialization
