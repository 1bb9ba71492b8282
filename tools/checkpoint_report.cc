#include "tools/checkpoint_report.h"

#include <algorithm>
#include <map>
#include <set>

#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/crc32.h"
#include "serialization/identify.h"
#include "serialization/npy.h"
#include "serialization/safetensors.h"
#include "serialization/tensor_builder.h"
#include "serialization/utf8.h"
#include "tools/text.h"

namespace vesta::tools {
namespace {

using nlohmann::ordered_json;
using serialization::CheckpointContents;
using serialization::CheckpointStorage;
using serialization::FileKind;
using serialization::printable;
using Kind = PyValue::Kind;

bool is_compressed(const at::Tensor& tensor) {
  return tensor.layout() == c10::kSparseCsr || tensor.layout() == c10::kSparseCsc ||
         tensor.layout() == c10::kSparseBsr || tensor.layout() == c10::kSparseBsc;
}

struct Part {
  const char* name;  // "" for the tensor itself
  at::Tensor tensor;
};

// The dense tensors that a tensor is made of.
std::vector<Part> parts_of(const at::Tensor& tensor) {
  if (tensor.layout() == c10::kSparse) return {{"indices", tensor._indices()}, {"values", tensor._values()}};
  if (!is_compressed(tensor)) return {{"", tensor}};
  const bool rows = tensor.layout() == c10::kSparseCsr || tensor.layout() == c10::kSparseBsr;
  return {{rows ? "crow_indices" : "ccol_indices", rows ? tensor.crow_indices() : tensor.ccol_indices()},
          {rows ? "col_indices" : "row_indices", rows ? tensor.col_indices() : tensor.row_indices()},
          {"values", tensor.values()}};
}

// Which bytes of each storage its tensors reach, and how many tensors there are.
class StorageUse {
 public:
  explicit StorageUse(const std::vector<CheckpointStorage>& storages) {
    for (const CheckpointStorage& storage : storages) {
      known_.emplace(storage.storage.unsafeGetStorageImpl(), &storage);
      // Views of a storage (of the stream format) lie within it.
      by_address_.emplace(static_cast<const char*>(storage.storage.data()), &storage);
    }
  }

  const CheckpointStorage* find(const c10::Storage& storage) const {
    if (const auto found = known_.find(storage.unsafeGetStorageImpl()); found != known_.end()) return found->second;
    auto after = by_address_.upper_bound(static_cast<const char*>(storage.data()));
    if (after == by_address_.begin()) return nullptr;
    const CheckpointStorage* before = std::prev(after)->second;
    const auto* end = static_cast<const char*>(before->storage.data()) + before->storage.nbytes();
    return static_cast<const char*>(storage.data()) < end ? before : nullptr;
  }

  void add(const at::Tensor& tensor) {
    if (!tensor.has_storage() || tensor.is_meta()) return;
    const CheckpointStorage* storage = find(tensor.storage());
    if (storage == nullptr) return;
    if (seen_.insert(tensor.unsafeGetTensorImpl()).second) ++tensors_[storage];
    int64_t last = tensor.storage_offset();
    for (int64_t d = 0; d < tensor.dim(); ++d) last += (tensor.size(d) - 1) * tensor.stride(d);
    if (tensor.numel() == 0) return;
    const auto item = static_cast<int64_t>(tensor.element_size());
    const auto base =
        static_cast<const char*>(tensor.storage().data()) - static_cast<const char*>(storage->storage.data());
    ranges_[storage].emplace_back(base + tensor.storage_offset() * item, base + (last + 1) * item);
  }

  int64_t tensors(const CheckpointStorage* storage) const {
    const auto found = tensors_.find(storage);
    return found == tensors_.end() ? 0 : found->second;
  }

  int64_t used_bytes(const CheckpointStorage* storage) const {
    const auto found = ranges_.find(storage);
    if (found == ranges_.end()) return 0;
    std::vector<std::pair<int64_t, int64_t>> ranges = found->second;
    std::sort(ranges.begin(), ranges.end());
    int64_t used = 0;
    int64_t reached = 0;
    for (const auto& [begin, end] : ranges) {
      used += std::max<int64_t>(0, end - std::max(begin, reached));
      reached = std::max(reached, end);
    }
    return used;
  }

 private:
  std::map<const c10::StorageImpl*, const CheckpointStorage*> known_;
  std::map<const char*, const CheckpointStorage*> by_address_;
  std::map<const CheckpointStorage*, int64_t> tensors_;
  std::set<const c10::TensorImpl*> seen_;
  std::map<const CheckpointStorage*, std::vector<std::pair<int64_t, int64_t>>> ranges_;
};

StorageUse use_of(const CheckpointContents& contents) {
  StorageUse use(contents.storages);
  contents.root.walk([&](const std::string&, const PyValue& value) {
    if (value.is_tensor()) {
      for (const Part& part : parts_of(value.tensor())) use.add(part.tensor);
    }
    return true;
  });
  return use;
}

at::Tensor plain(const at::Tensor& tensor) {
  const at::Tensor detached = tensor.detach();
  return detached.is_quantized() ? detached.int_repr() : detached.resolve_conj().resolve_neg();
}

void add_rows(const PyValue& value, const std::string& name, int depth, int limit, const StorageUse& use,
              std::vector<std::vector<std::string>>& rows) {
  std::string storage;
  std::string size;
  if (value.is_tensor() && !value.tensor().is_meta()) {
    int64_t bytes = 0;
    for (const Part& part : parts_of(value.tensor())) {
      const CheckpointStorage* found = use.find(part.tensor.storage());
      bytes += part.tensor.numel() * static_cast<int64_t>(part.tensor.element_size());
      if (found == nullptr) continue;
      absl::StrAppend(&storage, storage.empty() ? "storage " : ", ", printable(found->key));
      if (use.tensors(found) > 1) absl::StrAppend(&storage, " (shared by ", use.tensors(found), ")");
    }
    size = byte_size(bytes);
  }
  rows.push_back(
      {absl::StrCat(std::string(2 * static_cast<size_t>(depth), ' '), name), value.summary(), storage, size});
  if (limit >= 0 && depth >= limit) return;
  constexpr size_t kMaxShown = 1000;
  const auto children = value.children();
  // Long lists of plain numbers say nothing that their count does not.
  const bool plain_list = children.size() > 20 && std::all_of(children.begin(), children.end(), [](const auto& child) {
                            return child.second.body() == nullptr;
                          });
  if (plain_list) return;
  for (size_t i = 0; i < children.size() && i < kMaxShown; ++i) {
    add_rows(children[i].second, printable(children[i].first), depth + 1, limit, use, rows);
  }
  if (children.size() > kMaxShown) {
    rows.push_back({absl::StrCat(std::string(2 * static_cast<size_t>(depth + 1), ' '), "..."),
                    absl::StrCat(children.size() - kMaxShown, " more"), "", ""});
  }
}

ordered_json json_of_part(const at::Tensor& tensor, const StorageUse& use) {
  ordered_json json = {{"dtype", std::string(serialization::scalar_type_name(tensor.scalar_type()))},
                       {"shape", tensor.sizes().vec()},
                       {"strides", tensor.strides().vec()},
                       {"offset", tensor.storage_offset()}};
  const CheckpointStorage* storage = tensor.is_meta() ? nullptr : use.find(tensor.storage());
  json["storage"] = storage == nullptr ? ordered_json(nullptr) : ordered_json(storage->key);
  json["device"] = tensor.is_meta() ? "meta" : storage == nullptr ? "cpu" : storage->location;
  json["checksum"] = tensor.is_meta() ? ordered_json(nullptr) : ordered_json(tensor_checksum(tensor));
  return json;
}

ordered_json json_of_tensor(const std::string& path, const PyValue& value, const StorageUse& use) {
  const at::Tensor tensor = value.tensor();
  ordered_json json = {{"path", path}};
  const std::vector<Part> parts = parts_of(tensor);
  if (parts.size() == 1) {
    json.update(json_of_part(tensor, use));
  } else {
    json["dtype"] = std::string(serialization::scalar_type_name(tensor.scalar_type()));
    json["shape"] = tensor.sizes().vec();
    for (const Part& part : parts) json["parts"][part.name] = json_of_part(part.tensor, use);
  }
  json["layout"] = python_name(tensor.layout()).substr(6);
  json["requires_grad"] = tensor.requires_grad();
  json["class"] = value.class_name();
  if (tensor.is_quantized()) {
    if (tensor.qscheme() == c10::kPerTensorAffine) {
      json["quantizer"] = {{"scale", tensor.q_scale()}, {"zero_point", tensor.q_zero_point()}};
    } else {
      json["quantizer"] = {{"axis", tensor.q_per_channel_axis()},
                           {"scales", json_of_part(tensor.q_per_channel_scales(), use)},
                           {"zero_points", json_of_part(tensor.q_per_channel_zero_points(), use)}};
    }
  }
  return json;
}

ordered_json json_of_array(const std::string& path, const PyValue& value) {
  const std::string raw(value.raw());
  return {{"path", path},
          {"class", value.class_name()},
          {"dtype", value.text()},
          {"shape", value.shape()},
          {"checksum", value.tensor().defined() ? tensor_checksum(value.tensor())
                                                : absl::StrFormat("crc32:%08x", serialization::crc32_of(raw))}};
}

// Everything that is no tensor: what it is, and plain values as text.
ordered_json json_of_value(const std::string& path, const PyValue& value) {
  ordered_json json = {{"path", path}, {"class", value.class_name()}};
  switch (value.kind()) {
    case Kind::kString:
      json["value"] = value.text();
      break;
    case Kind::kBytes:
      json["value"] = absl::BytesToHexString({value.body()->text.data(), value.body()->text.size()});
      break;
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kSet:
      json["count"] = value.items().size();
      break;
    case Kind::kDict:
      json["count"] = value.entries().size();
      break;
    case Kind::kObject:
      json["inert"] = value.is_call() ? "call" : "object";
      break;
    case Kind::kStorage:
      json["checksum"] = absl::StrFormat(
          "crc32:%08x",
          serialization::crc32_of({static_cast<const char*>(value.storage().data()), value.storage().nbytes()}));
      break;
    default:
      json["value"] = value.summary();
  }
  return json;
}

}  // namespace

bool is_value_file(const std::string& path) {
  const auto bytes = serialization::map_file(path, Limits().file_bytes);
  if (!bytes.ok()) return false;
  const FileKind kind = serialization::identify((*bytes)->view());
  return kind == FileKind::kCheckpoint || kind == FileKind::kCheckpointLegacy || kind == FileKind::kCheckpointTar ||
         kind == FileKind::kSafetensors;
}

absl::StatusOr<CheckpointContents> open_value_file(const std::string& path, bool weights) {
  const Limits limits;
  VESTA_ASSIGN_OR_RETURN(serialization::SharedBytes bytes, weights ? serialization::read_file(path, limits.file_bytes)
                                                                   : serialization::map_file(path, limits.file_bytes));
  if (serialization::is_safetensors(bytes->view())) {
    return serialization::read_safetensors(std::move(bytes), path, limits);
  }
  serialization::CheckpointReadOptions options;
  options.limits = limits;
  options.metadata_only = !weights;
  return serialization::read_checkpoint(std::move(bytes), path, options);
}

std::string tensor_bytes(const at::Tensor& tensor) {
  std::string contents;
  serialization::append_elements(plain(tensor), contents);
  return contents;
}

std::string tensor_checksum(const at::Tensor& tensor) {
  const at::Tensor values = plain(tensor);
  const auto size = static_cast<size_t>(values.numel()) * values.element_size();
  if (values.is_contiguous()) {
    return absl::StrFormat("crc32:%08x",
                           serialization::crc32_of({static_cast<const char*>(values.const_data_ptr()), size}));
  }
  std::string contents;
  serialization::append_elements(values, contents);
  return absl::StrFormat("crc32:%08x", serialization::crc32_of(contents));
}

absl::Status print_value_file(const std::string& path, int depth, std::ostream& out) {
  VESTA_ASSIGN_OR_RETURN(const CheckpointContents contents, open_value_file(path, /*weights=*/false));
  const StorageUse use = use_of(contents);
  int64_t tensors = 0;
  int64_t inert = 0;
  contents.root.walk([&](const std::string&, const PyValue& value) {
    tensors += value.is_tensor() ? 1 : 0;
    inert += value.kind() == Kind::kObject ? 1 : 0;
    return true;
  });
  int64_t bytes = 0;
  int64_t wasted = 0;
  for (const CheckpointStorage& storage : contents.storages) {
    bytes += static_cast<int64_t>(storage.storage.nbytes());
    wasted += static_cast<int64_t>(storage.storage.nbytes()) - use.used_bytes(&storage);
  }
  VESTA_ASSIGN_OR_RETURN(const serialization::SharedBytes file, serialization::map_file(path, Limits().file_bytes));
  out << path << "\n  format: " << serialization::checkpoint_format_name(contents.kind)
      << (contents.big_endian ? ", big-endian" : "") << "\n  size: " << byte_size(static_cast<int64_t>(file->size()))
      << "\n  tensors: " << with_commas(tensors) << " in "
      << with_commas(static_cast<int64_t>(contents.storages.size())) << " storages of " << byte_size(bytes)
      << ", of which no tensor reaches " << byte_size(wasted) << "\n";
  if (inert > 0) out << "  objects of classes that are not known, and calls that are not made: " << inert << "\n";
  std::vector<std::vector<std::string>> rows;
  add_rows(contents.root, "(root)", 0, depth, use, rows);
  out << "\n" << table(rows, {3}, 0);
  return absl::OkStatus();
}

absl::Status print_value_file_json(const std::string& path, std::ostream& out) {
  VESTA_ASSIGN_OR_RETURN(const CheckpointContents contents, open_value_file(path, /*weights=*/true));
  const StorageUse use = use_of(contents);
  ordered_json tensors = ordered_json::array();
  ordered_json arrays = ordered_json::array();
  ordered_json values = ordered_json::array();
  contents.root.walk([&](const std::string& at, const PyValue& value) {
    if (value.is_tensor()) {
      tensors.push_back(json_of_tensor(at, value, use));
    } else if (value.kind() == Kind::kArray) {
      arrays.push_back(json_of_array(at, value));
    } else {
      values.push_back(json_of_value(at, value));
    }
    return true;
  });
  ordered_json storages = ordered_json::array();
  for (const CheckpointStorage& storage : contents.storages) {
    storages.push_back({{"key", storage.key},
                        {"device", storage.location},
                        {"bytes", storage.storage.nbytes()},
                        {"used_bytes", use.used_bytes(&storage)}});
  }
  const ordered_json all = {{"path", path},
                            {"format", serialization::checkpoint_format_name(contents.kind)},
                            {"tensors", std::move(tensors)},
                            {"storages", std::move(storages)},
                            {"arrays", std::move(arrays)},
                            {"values", std::move(values)}};
  out << all.dump(2, ' ', false, ordered_json::error_handler_t::replace) << "\n";
  return absl::OkStatus();
}

}  // namespace vesta::tools
