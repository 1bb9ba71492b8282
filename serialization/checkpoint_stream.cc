// The stream of before 1.6. Storages lie behind the pickle that refers to them, so the pickle is read twice: first to
// find where it ends and what each storage is, then, when the places of the storages are known, for its value.

#include <algorithm>
#include <map>

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

constexpr int64_t kProtocolVersion = 1001;

// Takes part in nothing: tells of each storage how large its elements are.
class Scanner : public PickleHandler {
 public:
  IValue empty_dict() override { return plain(); }
  absl::StatusOr<IValue> persistent(const IValue& id) override {
    const auto elements = elements_of(id);
    if (elements.size() >= 5 && elements[2].isString()) {
      const PickleObject* storage_class = PickleObject::from(elements[1]);
      const auto type = storage_class == nullptr ? std::nullopt : storage_scalar_type(storage_class->name);
      if (type) element_sizes.try_emplace(elements[2].toStringRef(), c10::elementSize(*type));
    }
    return plain();
  }
  absl::StatusOr<IValue> reduce(const IValue&, IValue) override { return plain(); }
  absl::StatusOr<IValue> new_object(const IValue&, IValue, IValue) override { return plain(); }
  absl::StatusOr<IValue> build(IValue object, IValue) override { return object; }
  absl::Status append(const IValue&, IValue) override { return absl::OkStatus(); }
  absl::Status set_item(const IValue&, IValue, IValue) override { return absl::OkStatus(); }

  std::map<std::string, size_t, std::less<>> element_sizes;

 private:
  static IValue plain() { return PickleObject::wrap(c10::make_intrusive<PickleObject>(PickleObject::Kind::kObject)); }
};

class Stream {
 public:
  Stream(const SharedBytes& bytes, std::string name, const Limits& limits)
      : bytes_(bytes), name_(std::move(name)), limits_(limits) {
    options_.limits = limits;
    options_.limits.pickle_depth *= 3;
    options_.allow_cycles = true;
  }

  std::string_view rest() const { return bytes_->view().substr(at_); }
  void skip(size_t size) { at_ += size; }
  std::string part(std::string_view what) const {
    return absl::StrFormat("%s: %s at byte %d", name_, std::string(what), at_);
  }

  // The next pickle's value, which must be taken apart while its holder lives.
  absl::StatusOr<PickleResult> next(std::string_view what, PickleHandler& handler) {
    VESTA_ASSIGN_OR_RETURN(PickleResult result, read_pickle(rest(), part(what), handler, options_));
    skip(result.size);
    return result;
  }

  // A storage: its count of elements, then the contents.
  absl::StatusOr<StorageBytes> next_storage(const std::string& key, size_t element_size, bool big_endian) {
    const auto corrupt = [&](std::string_view why) {
      return absl::DataLossError(
          absl::StrCat(part(absl::StrCat("storage '", printable(key), "'")), ": ", std::string(why)));
    };
    if (rest().size() < 8) return corrupt("the file ends before its size");
    uint64_t count = load_u64(rest().data());
    if (big_endian) count = __builtin_bswap64(count);
    skip(8);
    uint64_t size = 0;
    if (__builtin_mul_overflow(count, static_cast<uint64_t>(element_size), &size) || size > rest().size()) {
      return corrupt(absl::StrFormat("%d elements of %d bytes are announced, %d bytes are left", count, element_size,
                                     rest().size()));
    }
    StorageBytes result{rest().substr(0, size), bytes_};
    skip(size);
    return result;
  }

 private:
  const SharedBytes& bytes_;
  std::string name_;
  const Limits& limits_;
  PickleOptions options_;
  size_t at_ = 0;
};

absl::Status check_protocol(Stream& stream, Scanner& scanner) {
  VESTA_RETURN_IF_ERROR(stream.next("the magic number", scanner).status());
  VESTA_ASSIGN_OR_RETURN(const PickleResult version, stream.next("the protocol's version", scanner));
  if (version.value.isInt() && version.value.toInt() == kProtocolVersion) return absl::OkStatus();
  return absl::DataLossError(stream.part("the protocol's version is not 1001; it ends"));
}

// {"protocol_version": 1001, "little_endian": True, "type_sizes": {...}}
absl::StatusOr<bool> read_byte_order(Stream& stream) {
  class Facts : public Scanner {
   public:
    absl::Status set_item(const IValue&, IValue key, IValue value) override {
      if (key.isString() && key.toStringRef() == "little_endian" && value.isBool()) little_endian = value.toBool();
      return absl::OkStatus();
    }
    bool little_endian = true;
  } facts;
  VESTA_RETURN_IF_ERROR(stream.next("the machine's facts", facts).status());
  return !facts.little_endian;
}

}  // namespace

absl::StatusOr<CheckpointContents> read_stream_checkpoint(SharedBytes bytes, const std::string& file_name,
                                                          const CheckpointReadOptions& options) {
  Stream stream(bytes, file_name, options.limits);
  Scanner scanner;
  CheckpointContents result;
  result.kind = FileKind::kCheckpointLegacy;
  VESTA_RETURN_IF_ERROR(check_protocol(stream, scanner));
  VESTA_ASSIGN_OR_RETURN(result.big_endian, read_byte_order(stream));
  const std::string_view pickle = stream.rest();
  const std::string name = stream.part("the value");
  VESTA_RETURN_IF_ERROR(stream.next("the value", scanner).status());
  Scanner keys_scanner;
  VESTA_ASSIGN_OR_RETURN(const PickleResult keys, stream.next("the list of storages", keys_scanner));
  if (!keys.value.isList()) return absl::DataLossError(stream.part("the list of storages is none; it ends"));
  std::map<std::string, StorageBytes, std::less<>> places;
  for (const IValue& key : keys.value.toListRef()) {
    if (!key.isString() || !scanner.element_sizes.contains(key.toStringRef())) {
      return absl::DataLossError(stream.part("the list of storages names one that the value does not; it ends"));
    }
    VESTA_ASSIGN_OR_RETURN(
        StorageBytes place,
        stream.next_storage(key.toStringRef(), scanner.element_sizes.at(key.toStringRef()), result.big_endian));
    if (!places.emplace(key.toStringRef(), std::move(place)).second) {
      return absl::DataLossError(stream.part("a storage comes twice; the second ends"));
    }
  }
  if (!stream.rest().empty()) {
    return absl::DataLossError(
        stream.part(absl::StrCat(stream.rest().size(), " bytes follow the last storage, which ends")));
  }
  TensorBuilder::Options tensor_options;
  tensor_options.limits = options.limits;
  tensor_options.map_to_cpu = true;
  tensor_options.big_endian = result.big_endian;
  tensor_options.metadata_only = options.metadata_only;
  TensorBuilder tensors(
      [&](std::string_view key, uint64_t) -> absl::StatusOr<StorageBytes> {
        const auto found = places.find(key);
        if (found == places.end()) return absl::DataLossError(absl::StrFormat("no storage '%s'", printable(key)));
        return found->second;
      },
      tensor_options);
  CheckpointHandler handler(tensors);
  const CheckpointValueOptions value_options{options.limits, options.strict, options.metadata_only};
  VESTA_ASSIGN_OR_RETURN(result.root, read_checkpoint_pickle(pickle, name, handler, value_options));
  result.storages = handler.storages();
  result.verify = [] { return absl::OkStatus(); };
  return result;
}

}  // namespace vesta::serialization
