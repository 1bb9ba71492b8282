// The tar file of torch 0.1. Three members matter:
//   storages  pickled count; for each: pickled (key, location, class), then the count of elements in 8 bytes and the
//             contents; at last a pickled list of views (key, root's key, offset, count)
//   tensors   pickled count; for each: pickled (key, storage's key, class), then rank (4 bytes), 4 bytes of nothing,
//   sizes,
//             strides and the offset, 8 bytes each
//   pickle    the value, whose persistent ids are keys of tensors and storages, or (class, file, source)
// Blocks of tar are 512 bytes: a header with the name at 0, the size in octal at 124 and the kind at 156, then the
// contents.

#include <charconv>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/checkpoint_arrays.h"
#include "serialization/checkpoint_reader.h"
#include "serialization/little_endian.h"
#include "serialization/utf8.h"

namespace vesta::serialization {
namespace {

using c10::IValue;

constexpr size_t kBlock = 512;

absl::Status corrupt(const std::string& file, size_t at, std::string_view what) {
  return absl::DataLossError(absl::StrFormat("%s: at byte %d: %s", file, at, std::string(what)));
}

absl::StatusOr<std::map<std::string, std::string_view>> tar_members(std::string_view bytes, const std::string& file) {
  std::map<std::string, std::string_view> members;
  size_t at = 0;
  while (at + kBlock <= bytes.size() && bytes[at] != '\0') {
    const std::string_view header = bytes.substr(at, kBlock);
    const std::string_view name = header.substr(0, 100);
    std::string_view digits = header.substr(124, 12);
    while (!digits.empty() && (digits.front() == ' ')) digits.remove_prefix(1);
    uint64_t size = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size, 8);
    if (error != std::errc() || (end != digits.data() + digits.size() && *end != ' ' && *end != '\0')) {
      return corrupt(file, at, "a member's size is no octal number");
    }
    if (size > bytes.size() - at - kBlock) return corrupt(file, at, "a member reaches past the end of the file");
    const std::string plain(name.substr(0, name.find('\0')));
    // Extended headers and folders are not what torch refers to.
    if (header[156] == '0' || header[156] == '\0') {
      if (!members.emplace(plain.starts_with("./") ? plain.substr(2) : plain, bytes.substr(at + kBlock, size)).second) {
        return corrupt(file, at, absl::StrCat("member '", printable(plain), "' comes twice"));
      }
    }
    const uint64_t blocks = (size + kBlock - 1) / kBlock;
    at += kBlock + static_cast<size_t>(std::min<uint64_t>(blocks * kBlock, bytes.size() - at - kBlock));
  }
  return members;
}

std::string key_text(const IValue& key) {
  return key.isInt() ? absl::StrCat(key.toInt()) : key.isString() ? key.toStringRef() : std::string();
}

// A member, read from its start.
class Member {
 public:
  Member(std::string_view contents, std::string name, const Limits& limits)
      : contents_(contents), name_(std::move(name)) {
    options_.limits = limits;
  }
  absl::StatusOr<IValue> pickle(PickleHandler& handler) {
    VESTA_ASSIGN_OR_RETURN(PickleResult result, read_pickle(contents_.substr(at_), here(), handler, options_));
    at_ += result.size;
    return std::move(result.value);
  }
  absl::StatusOr<std::string_view> take(uint64_t size) {
    if (size > contents_.size() - at_) {
      return absl::DataLossError(
          absl::StrFormat("%s: %d bytes are announced, %d are left", here(), size, contents_.size() - at_));
    }
    const std::string_view result = contents_.substr(at_, size);
    at_ += size;
    return result;
  }
  absl::StatusOr<int64_t> number() {
    VESTA_ASSIGN_OR_RETURN(const std::string_view raw, take(8));
    return load_little<int64_t>(raw.data());
  }
  absl::Status malformed(std::string_view what) const {
    return absl::DataLossError(absl::StrCat(here(), ": ", std::string(what)));
  }
  std::string here() const { return absl::StrFormat("%s at byte %d", name_, at_); }

 private:
  std::string_view contents_;
  std::string name_;
  PickleOptions options_;
  size_t at_ = 0;
};

class TarReader {
 public:
  TarReader(SharedBytes bytes, const std::string& file, const CheckpointReadOptions& options)
      : bytes_(std::move(bytes)),
        file_(file),
        options_(options),
        tensors_(no_records(), tensor_options()),
        handler_(tensors_) {}

  absl::StatusOr<CheckpointContents> read() {
    VESTA_ASSIGN_OR_RETURN(const auto members, tar_members(bytes_->view(), file_));
    for (const char* name : {"storages", "tensors", "pickle"}) {
      if (!members.contains(name)) {
        return absl::InvalidArgumentError(
            absl::StrCat(file_, " is a tar file without a member '", name, "': torch.save did not write it"));
      }
    }
    VESTA_RETURN_IF_ERROR(read_storages(members.at("storages")));
    VESTA_RETURN_IF_ERROR(read_tensors(members.at("tensors")));
    handler_.persistent_hook = [this](const IValue& id) { return persistent(id); };
    CheckpointContents result;
    result.kind = FileKind::kCheckpointTar;
    const CheckpointValueOptions value_options{options_.limits, options_.strict, options_.metadata_only};
    VESTA_ASSIGN_OR_RETURN(result.root, read_checkpoint_pickle(members.at("pickle"), file_ + ": member 'pickle'",
                                                               handler_, value_options));
    result.storages = handler_.storages();
    result.verify = [] { return absl::OkStatus(); };
    return result;
  }

 private:
  static TensorBuilder::ReadRecord no_records() {
    return [](std::string_view key, uint64_t) -> absl::StatusOr<StorageBytes> {
      return absl::DataLossError(absl::StrCat("no storage '", printable(key), "'"));
    };
  }
  TensorBuilder::Options tensor_options() const {
    TensorBuilder::Options options;
    options.limits = options_.limits;
    options.map_to_cpu = true;
    options.metadata_only = options_.metadata_only;
    return options;
  }

  absl::Status read_storages(std::string_view contents) {
    Member member(contents, file_ + ": member 'storages'", options_.limits);
    CheckpointHandler plain(tensors_);
    VESTA_ASSIGN_OR_RETURN(const IValue count, member.pickle(plain));
    if (!count.isInt()) return member.malformed("a count is expected");
    for (int64_t i = 0; i < count.toInt(); ++i) {
      VESTA_ASSIGN_OR_RETURN(const IValue described, member.pickle(plain));
      const auto parts = elements_of(described);
      const PickleObject* type_global = parts.size() == 3 ? PickleObject::from(parts[2]) : nullptr;
      const auto type = type_global == nullptr ? std::nullopt : storage_scalar_type(type_global->name);
      if (!type || key_text(parts[0]).empty() || !parts[1].isString()) {
        return member.malformed("(key, location, class of a storage) is expected");
      }
      VESTA_ASSIGN_OR_RETURN(const int64_t elements, member.number());
      int64_t size = 0;
      if (elements < 0 || __builtin_mul_overflow(elements, static_cast<int64_t>(c10::elementSize(*type)), &size)) {
        return member.malformed("a storage's count of elements makes no sense");
      }
      VESTA_ASSIGN_OR_RETURN(const std::string_view data, member.take(static_cast<uint64_t>(size)));
      VESTA_ASSIGN_OR_RETURN(c10::Storage storage, make_storage({data, bytes_}, c10::elementSize(*type), false));
      handler_.add_storage({key_text(parts[0]), parts[1].toStringRef(), storage});
      storages_[key_text(parts[0])] = {std::move(storage), *type};
    }
    VESTA_ASSIGN_OR_RETURN(const IValue views, member.pickle(plain));
    for (const IValue& view : elements_of(views)) {
      const auto parts = elements_of(view);
      const auto root = parts.size() == 4 ? storages_.find(key_text(parts[1])) : storages_.end();
      if (root == storages_.end() || !parts[2].isInt() || !parts[3].isInt()) {
        return member.malformed("(key, root's key, offset, count) of a view is expected");
      }
      const Typed from = root->second;
      VESTA_ASSIGN_OR_RETURN(c10::Storage part,
                             tensors_.view_of_storage(from.storage, c10::elementSize(from.type), key_text(parts[0]),
                                                      parts[2].toInt(), parts[3].toInt()));
      storages_[key_text(parts[0])] = {std::move(part), from.type};
    }
    return absl::OkStatus();
  }

  absl::Status read_tensors(std::string_view contents) {
    Member member(contents, file_ + ": member 'tensors'", options_.limits);
    CheckpointHandler plain(tensors_);
    VESTA_ASSIGN_OR_RETURN(const IValue count, member.pickle(plain));
    if (!count.isInt()) return member.malformed("a count is expected");
    for (int64_t i = 0; i < count.toInt(); ++i) {
      VESTA_ASSIGN_OR_RETURN(const IValue described, member.pickle(plain));
      const auto parts = elements_of(described);
      const auto storage = parts.size() == 3 ? storages_.find(key_text(parts[1])) : storages_.end();
      if (storage == storages_.end() || key_text(parts[0]).empty()) {
        return member.malformed("(key, storage's key, class) of a tensor is expected");
      }
      VESTA_ASSIGN_OR_RETURN(const int64_t wide_rank, member.number());
      const auto rank = static_cast<int32_t>(wide_rank & 0xffffffff);
      if (rank < 0 || rank > options_.limits.tensor_rank) return member.malformed("a tensor's rank makes no sense");
      std::vector<IValue> sizes;
      std::vector<IValue> strides;
      for (std::vector<IValue>* into : {&sizes, &strides}) {
        for (int32_t d = 0; d < rank; ++d) {
          VESTA_ASSIGN_OR_RETURN(const int64_t number, member.number());
          into->emplace_back(number);
        }
      }
      VESTA_ASSIGN_OR_RETURN(const int64_t offset, member.number());
      VESTA_ASSIGN_OR_RETURN(
          IValue tensor,
          tensors_.rebuild_tensor({TensorBuilder::wrap_storage(storage->second.storage, storage->second.type),
                                   IValue(offset), c10::ivalue::Tuple::create(std::move(sizes)),
                                   c10::ivalue::Tuple::create(std::move(strides))}));
      made_[key_text(parts[0])] = std::move(tensor);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<IValue> persistent(const IValue& id) {
    const auto parts = elements_of(id);
    if (id.isTuple() && !parts.empty()) return parts[0];
    const std::string key = key_text(id);
    if (const auto tensor = made_.find(key); tensor != made_.end()) return tensor->second;
    if (const auto storage = storages_.find(key); storage != storages_.end()) {
      return TensorBuilder::wrap_storage(storage->second.storage, storage->second.type);
    }
    return absl::DataLossError(absl::StrCat("there is no tensor or storage '", printable(key), "'"));
  }

  struct Typed {
    c10::Storage storage;
    c10::ScalarType type = c10::ScalarType::Byte;
  };

  SharedBytes bytes_;
  const std::string& file_;
  const CheckpointReadOptions& options_;
  TensorBuilder tensors_;
  CheckpointHandler handler_;
  std::map<std::string, Typed> storages_;
  std::map<std::string, IValue> made_;
};

}  // namespace

absl::StatusOr<CheckpointContents> read_tar_checkpoint(SharedBytes bytes, const std::string& file_name,
                                                       const CheckpointReadOptions& options) {
  absl::StatusOr<CheckpointContents> result = TarReader(std::move(bytes), file_name, options).read();
  if (result.ok() || absl::StartsWith(result.status().message(), file_name)) return result;
  return support::with_context(result.status(), file_name);
}

}  // namespace vesta::serialization
