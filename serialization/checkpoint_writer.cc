// Three steps: a walk that counts what is referred to more than once (only that goes into the pickle's memo) and finds
// the dtypes under which each storage is seen; the pickle; the zip archive. torch.load gives a storage the dtype under
// which it meets it first, so one that is seen under several is written as bytes without a dtype.

#include "serialization/checkpoint_writer.h"

#include <array>
#include <sstream>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/quantized/QTensorImpl.h>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/atomic_file.h"
#include "serialization/npy.h"
#include "serialization/pickle_writer.h"
#include "serialization/tensor_builder.h"
#include "serialization/tensor_pickler.h"
#include "serialization/utf8.h"
#include "serialization/zip_writer.h"

namespace vesta::serialization {
namespace {

using Kind = PyValue::Kind;

constexpr int kMaxDepth = 500;
constexpr std::string_view kFormatVersion = "3\n";
constexpr std::string_view kParameter = "torch.nn.parameter.Parameter";

// dtypes that torch.save has no storage class for.
bool needs_untyped(c10::ScalarType type) {
  static constexpr std::array kTyped = {
      c10::ScalarType::Float,   c10::ScalarType::Double, c10::ScalarType::Half,         c10::ScalarType::BFloat16,
      c10::ScalarType::Long,    c10::ScalarType::Int,    c10::ScalarType::Short,        c10::ScalarType::Char,
      c10::ScalarType::Byte,    c10::ScalarType::Bool,   c10::ScalarType::ComplexFloat, c10::ScalarType::ComplexDouble,
      c10::ScalarType::QInt8,   c10::ScalarType::QUInt8, c10::ScalarType::QInt32,       c10::ScalarType::QUInt4x2,
      c10::ScalarType::QUInt2x4};
  return std::find(kTyped.begin(), kTyped.end(), type) == kTyped.end();
}

// How often each body is referred to, and the dtypes of each storage.
class Survey {
 public:
  absl::Status visit(const PyValue& value, int depth) {
    const PyBody* body = value.body().get();
    if (depth > kMaxDepth || open_.contains(body)) {
      return absl::InvalidArgumentError("a value that nests deeper than 500, or holds itself, cannot be written");
    }
    if (body == nullptr || ++references_[body] > 1) return absl::OkStatus();
    open_.insert(body);
    const absl::Status status = visit_parts(value, *body, depth);
    open_.erase(body);
    return status;
  }

  absl::Status visit_parts(const PyValue& value, const PyBody& of, int depth) {
    const PyBody* body = &of;
    if (value.is_tensor()) see_tensor(body->tensor);
    if (value.kind() == Kind::kStorage) see(body->storage, body->dtype.value_or(c10::ScalarType::Byte), !body->dtype);
    for (const PyValue& item : body->items) VESTA_RETURN_IF_ERROR(visit(item, depth + 1));
    for (const PyValue& argument : body->arguments) VESTA_RETURN_IF_ERROR(visit(argument, depth + 1));
    for (const std::vector<PyEntry>* entries : {&body->entries, &body->attributes}) {
      for (const PyEntry& entry : *entries) {
        VESTA_RETURN_IF_ERROR(visit(entry.first, depth + 1));
        VESTA_RETURN_IF_ERROR(visit(entry.second, depth + 1));
      }
    }
    return visit(body->factory, depth + 1);
  }

  bool is_shared(const PyBody* body) const {
    const auto found = references_.find(body);
    return found != references_.end() && found->second > 1;
  }
  bool is_untyped(const c10::Storage& storage) const {
    const auto found = storages_.find(storage.unsafeGetStorageImpl());
    return found != storages_.end() && found->second.untyped;
  }

 private:
  struct Seen {
    c10::ScalarType type;
    bool untyped = false;
  };
  void see_tensor(const at::Tensor& tensor) {
    for (const at::Tensor& part : parts_of(tensor)) {
      if (part.has_storage()) see(part.storage(), part.scalar_type(), needs_untyped(part.scalar_type()));
    }
  }
  void see(const c10::Storage& storage, c10::ScalarType type, bool untyped) {
    Seen& seen = storages_.try_emplace(storage.unsafeGetStorageImpl(), Seen{type}).first->second;
    seen.untyped = seen.untyped || untyped || seen.type != type || storage.nbytes() % c10::elementSize(type) != 0;
  }

  absl::flat_hash_map<const PyBody*, int64_t> references_;
  absl::flat_hash_set<const PyBody*> open_;
  absl::flat_hash_map<const c10::StorageImpl*, Seen> storages_;
};

class CheckpointPickler {
 public:
  explicit CheckpointPickler(const CheckpointWriteOptions& options) : options_(options) {}

  absl::StatusOr<std::string> write(const PyValue& value) {
    VESTA_RETURN_IF_ERROR(survey_.visit(value, 0));
    VESTA_RETURN_IF_ERROR(put(value, ""));
    return std::move(pickle_).finish();
  }
  // In the order of their keys, "0", "1", ...
  const std::vector<c10::Storage>& storages() const { return storages_; }

 private:
  // What a value's kind is not enough for; the path is only made where an error needs it.
  absl::Status put(const PyValue& value, const std::string& path) {
    const PyBody* body = value.body().get();
    if (body == nullptr) return put_plain(value);
    if (const auto found = memo_.find(body); found != memo_.end()) {
      pickle_.get(found->second);
      return absl::OkStatus();
    }
    if (absl::Status status = put_body(value, *body, path); !status.ok()) return status;
    if (survey_.is_shared(body) && !memo_.contains(body)) memo_.emplace(body, pickle_.memoize());
    return absl::OkStatus();
  }

  absl::Status put_plain(const PyValue& value) {
    switch (value.kind()) {
      case Kind::kBool:
        pickle_.boolean(*value.get<bool>());
        break;
      case Kind::kInt:
        pickle_.integer(*value.get<int64_t>());
        break;
      case Kind::kFloat:
        pickle_.real(*value.get<double>());
        break;
      case Kind::kComplex:
        put_complex(*value.get<c10::complex<double>>());
        break;
      case Kind::kDevice:
        return put_device(*value.get<c10::Device>());
      case Kind::kDtype:
        put_dtype(*value.get<c10::ScalarType>());
        break;
      case Kind::kLayout:
        return put_layout(*value.get<c10::Layout>());
      default:
        pickle_.none();
    }
    return absl::OkStatus();
  }

  absl::Status put_body(const PyValue& value, const PyBody& body, const std::string& path) {
    switch (value.kind()) {
      case Kind::kString:
        return pickle_.text(body.text);
      case Kind::kBytes:
        return put_bytes(body);
      case Kind::kBigInt:
        return pickle_.big_integer(body.text);
      case Kind::kTensor:
        return put_whole_tensor(value, body, path);
      case Kind::kStorage:
        return put_storage(body.storage, body.dtype.value_or(c10::ScalarType::Byte));
      case Kind::kArray:
        return put_array(body, path);
      case Kind::kList:
        pickle_.empty_list();
        remember(body);
        return put_elements(body, path);
      case Kind::kTuple:
        return put_tuple(body, path);
      case Kind::kDict:
        return put_dict(body, path);
      case Kind::kSet:
        pickle_.global("builtins", body.class_name);
        pickle_.empty_list();
        VESTA_RETURN_IF_ERROR(put_elements(body, path));
        call(1);
        return absl::OkStatus();
      case Kind::kGlobal:
      case Kind::kObject:
        return put_object(body, path);
      default:
        return refuse(path, value.summary());
    }
  }

  static absl::Status refuse(const std::string& path, std::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(path.empty() ? "" : absl::StrCat("'", printable(path), "': "),
                                                   std::string(what), " cannot be written"));
  }

  // Containers go into the memo before they are filled.
  void remember(const PyBody& body) {
    if (survey_.is_shared(&body)) memo_.emplace(&body, pickle_.memoize());
  }
  void call(int arguments) {
    pickle_.tuple(arguments);
    pickle_.reduce();
  }

  absl::Status put_elements(const PyBody& body, const std::string& path) {
    if (body.items.empty()) return absl::OkStatus();
    pickle_.mark();
    VESTA_RETURN_IF_ERROR(put_all(body.items, path));
    pickle_.appends();
    return absl::OkStatus();
  }

  absl::Status put_all(const std::vector<PyValue>& values, const std::string& path) {
    for (size_t i = 0; i < values.size(); ++i) {
      VESTA_RETURN_IF_ERROR(put(values[i], internal::py_path(path, std::to_string(i))));
    }
    return absl::OkStatus();
  }

  absl::Status put_entries(const std::vector<PyEntry>& entries, const std::string& path) {
    if (entries.empty()) return absl::OkStatus();
    pickle_.mark();
    for (const PyEntry& entry : entries) {
      const std::string step = entry.first.kind() == Kind::kString ? entry.first.text() : entry.first.summary();
      VESTA_RETURN_IF_ERROR(put(entry.first, path));
      VESTA_RETURN_IF_ERROR(put(entry.second, internal::py_path(path, step)));
    }
    pickle_.set_items();
    return absl::OkStatus();
  }

  // The state that BUILD takes, if there is any.
  absl::Status put_attributes(const PyBody& body, const std::string& path) {
    if (body.attributes.empty()) return absl::OkStatus();
    VESTA_RETURN_IF_ERROR(put_state(body, path));
    pickle_.build();
    return absl::OkStatus();
  }
  absl::Status put_state(const PyBody& body, const std::string& path) {
    const PyEntry& first = body.attributes.front();
    if (body.attributes.size() == 1 && first.first.kind() == Kind::kString && first.first.text() == "__setstate__") {
      return put(first.second, path);
    }
    pickle_.empty_dict();
    return put_entries(body.attributes, path);
  }

  absl::Status put_items_as_tuple(const std::vector<PyValue>& items, const std::string& path) {
    if (items.empty()) {
      pickle_.empty_tuple();
      return absl::OkStatus();
    }
    const bool small = items.size() <= 3;
    if (!small) pickle_.mark();
    VESTA_RETURN_IF_ERROR(put_all(items, path));
    small ? pickle_.tuple(static_cast<int>(items.size())) : pickle_.tuple();
    return absl::OkStatus();
  }

  absl::Status put_tuple(const PyBody& body, const std::string& path) {
    if (body.class_name == "tuple") return put_items_as_tuple(body.items, path);
    const size_t dot = body.class_name.rfind('.');
    if (dot == std::string::npos) return refuse(path, absl::StrCat("a tuple of class '", body.class_name, "'"));
    pickle_.global(body.class_name.substr(0, dot), body.class_name.substr(dot + 1));
    VESTA_RETURN_IF_ERROR(put_items_as_tuple(body.items, path));
    if (body.class_name == "torch.Size") {
      call(1);
      return absl::OkStatus();
    }
    pickle_.empty_dict();
    call(2);
    return absl::OkStatus();
  }

  absl::Status put_dict(const PyBody& body, const std::string& path) {
    if (body.class_name == "dict") {
      pickle_.empty_dict();
      remember(body);
      return put_entries(body.entries, path);
    }
    const size_t dot = body.class_name.rfind('.');
    if (dot == std::string::npos) return refuse(path, absl::StrCat("a dict of class '", body.class_name, "'"));
    pickle_.global(body.class_name.substr(0, dot), body.class_name.substr(dot + 1));
    const bool counter = body.class_name == "collections.Counter";
    if (counter) {
      pickle_.empty_dict();
      VESTA_RETURN_IF_ERROR(put_entries(body.entries, path));
      call(1);
    } else if (body.class_name == "collections.defaultdict") {
      VESTA_RETURN_IF_ERROR(put(body.factory, path));
      call(1);
    } else {
      pickle_.empty_tuple();
      pickle_.reduce();
    }
    remember(body);
    if (!counter) VESTA_RETURN_IF_ERROR(put_entries(body.entries, path));
    return put_attributes(body, path);
  }

  absl::Status put_object(const PyBody& body, const std::string& path) {
    if (body.class_name.empty() || body.class_name[0] == '<' || body.module.empty()) {
      return refuse(path, absl::StrCat("'", body.class_name, "' has no name that Python could look up; it"));
    }
    if (absl::StrContains(body.class_name, '\n') || absl::StrContains(body.module, '\n')) {
      return refuse(path, "a name of several lines");
    }
    if (body.kind == Kind::kGlobal && body.module == "numpy" && absl::StartsWith(body.class_name, "dtype('")) {
      return put_numpy_dtype(body.class_name.substr(7, body.class_name.size() - 9));
    }
    if (body.keyword) pickle_.global("copyreg", "__newobj_ex__");
    pickle_.global(body.module, body.class_name);
    if (body.kind == Kind::kGlobal) return absl::OkStatus();
    std::vector<PyValue> arguments = body.arguments;
    if (body.keyword) arguments.pop_back();
    VESTA_RETURN_IF_ERROR(put_items_as_tuple(arguments, path));
    if (body.keyword) {
      VESTA_RETURN_IF_ERROR(put(body.arguments.back(), path));
      call(3);
    } else {
      body.is_call ? pickle_.reduce() : pickle_.new_object();
    }
    remember(body);
    VESTA_RETURN_IF_ERROR(put_elements(body, path));
    VESTA_RETURN_IF_ERROR(put_entries(body.entries, path));
    return put_attributes(body, path);
  }

  absl::Status put_bytes(const PyBody& body) {
    if (body.class_name != "bytearray") return pickle_.bytes(body.text);
    pickle_.global("builtins", "bytearray");
    VESTA_RETURN_IF_ERROR(pickle_.bytes(body.text));
    call(1);
    return absl::OkStatus();
  }

  void put_complex(c10::complex<double> value) {
    pickle_.global("builtins", "complex");
    pickle_.real(value.real());
    pickle_.real(value.imag());
    call(2);
  }

  absl::Status put_device(const c10::Device& device) {
    pickle_.global("torch", "device");
    VESTA_RETURN_IF_ERROR(pickle_.text(device.str()));
    call(1);
    return absl::OkStatus();
  }

  void put_dtype(c10::ScalarType type) { pickle_.global("torch", scalar_type_name(type)); }

  absl::Status put_layout(c10::Layout layout) {
    pickle_.global("torch.serialization", "_get_layout");
    VESTA_RETURN_IF_ERROR(pickle_.text(python_name(layout)));
    call(1);
    return absl::OkStatus();
  }

  absl::Status put_numpy_dtype(std::string_view code) {
    const bool marked = !code.empty() && (code[0] == '<' || code[0] == '>' || code[0] == '|' || code[0] == '=');
    pickle_.global("numpy", "dtype");
    VESTA_RETURN_IF_ERROR(pickle_.text(code.substr(marked ? 1 : 0)));
    pickle_.boolean(false);
    pickle_.boolean(true);
    call(3);
    pickle_.mark();
    pickle_.integer(3);
    VESTA_RETURN_IF_ERROR(pickle_.text(marked ? code.substr(0, 1) : "|"));
    for (int i = 0; i < 3; ++i) pickle_.none();
    // A string's size is in its code; its dtype's state repeats it.
    const bool text = marked && code.size() > 2 && (code[1] == 'S' || code[1] == 'U' || code[1] == 'V');
    pickle_.integer(text ? std::atoll(std::string(code.substr(2)).c_str()) * (code[1] == 'U' ? 4 : 1) : -1);
    pickle_.integer(text ? (code[1] == 'U' ? 4 : 1) : -1);
    pickle_.integer(code == "|O" ? 63 : text && code[1] == 'U' ? 8 : 0);
    pickle_.tuple();
    pickle_.build();
    return absl::OkStatus();
  }

  absl::Status put_array(const PyBody& body, const std::string& path) {
    std::string code = body.text;
    std::string contents = body.raw;
    if (body.tensor.defined()) {
      const std::string_view name = numpy_code(body.tensor.scalar_type());
      if (name.empty() || !body.tensor.device().is_cpu() || body.tensor.layout() != c10::kStrided ||
          body.tensor.is_conj() || body.tensor.is_neg()) {
        return refuse(path, "an array of this dtype, device or layout");
      }
      code = absl::StrCat(body.tensor.element_size() == 1 ? "|" : "<", std::string(name));
      append_elements(body.tensor, contents);
    }
    if (body.class_name != "numpy.ndarray" && body.shape.empty()) {
      pickle_.global("numpy.core.multiarray", "scalar");
      VESTA_RETURN_IF_ERROR(put_numpy_dtype(code));
      VESTA_RETURN_IF_ERROR(pickle_.bytes(contents));
      call(2);
      return absl::OkStatus();
    }
    pickle_.global("numpy.core.multiarray", "_reconstruct");
    pickle_.global("numpy", "ndarray");
    pickle_.integer(0);
    pickle_.tuple(1);
    VESTA_RETURN_IF_ERROR(pickle_.bytes("b"));
    call(3);
    pickle_.mark();
    pickle_.integer(1);
    put_ints(body.shape);
    VESTA_RETURN_IF_ERROR(put_numpy_dtype(code));
    pickle_.boolean(false);
    if (code == "|O") {
      pickle_.empty_list();
      VESTA_RETURN_IF_ERROR(put_elements(body, path));
    } else {
      VESTA_RETURN_IF_ERROR(pickle_.bytes(contents));
    }
    pickle_.tuple();
    pickle_.build();
    return absl::OkStatus();
  }

  void put_ints(c10::IntArrayRef values) {
    pickle_.mark();
    for (const int64_t value : values) pickle_.integer(value);
    pickle_.tuple();
  }

  absl::Status put_storage(const c10::Storage& storage, c10::ScalarType type) {
    const bool untyped = survey_.is_untyped(storage);
    const std::string_view class_name = untyped ? "UntypedStorage" : storage_class_name(type);
    const auto [found, fresh] = keys_.try_emplace(storage.unsafeGetStorageImpl(), storages_.size());
    if (fresh) storages_.push_back(storage);
    std::string location = options_.location_of ? options_.location_of(storage) : "";
    if (location.empty()) location = "cpu";
    pickle_.mark();
    VESTA_RETURN_IF_ERROR(pickle_.text("storage"));
    pickle_.global(untyped ? "torch.storage" : "torch", class_name);
    VESTA_RETURN_IF_ERROR(pickle_.text(absl::StrCat(found->second)));
    VESTA_RETURN_IF_ERROR(pickle_.text(location));
    pickle_.integer(static_cast<int64_t>(storage.nbytes() / (untyped ? 1 : c10::elementSize(type))));
    pickle_.tuple();
    pickle_.persistent_id();
    return absl::OkStatus();
  }

  absl::Status put_quantizer(const at::Tensor& tensor, const std::string& path) {
    const at::QuantizerPtr quantizer = at::get_qtensorimpl(tensor)->quantizer();
    pickle_.mark();
    if (quantizer->qscheme() == at::kPerTensorAffine) {
      const auto& affine = static_cast<const at::PerTensorAffineQuantizer&>(*quantizer);
      pickle_.global("torch", "per_tensor_affine");
      pickle_.real(affine.scale());
      pickle_.integer(affine.zero_point());
      pickle_.tuple();
      return absl::OkStatus();
    }
    if (quantizer->qscheme() != at::kPerChannelAffine && quantizer->qscheme() != at::kPerChannelAffineFloatQParams) {
      return refuse(path, "a quantized tensor of this scheme");
    }
    const auto& affine = static_cast<const at::PerChannelAffineQuantizer&>(*quantizer);
    pickle_.global("torch", quantizer->qscheme() == at::kPerChannelAffine ? "per_channel_affine"
                                                                          : "per_channel_affine_float_qparams");
    VESTA_RETURN_IF_ERROR(put_dense(affine.scales(), path));
    VESTA_RETURN_IF_ERROR(put_dense(affine.zero_points(), path));
    pickle_.integer(affine.axis());
    pickle_.tuple();
    return absl::OkStatus();
  }

  void put_no_hooks() {
    pickle_.global("collections", "OrderedDict");
    pickle_.empty_tuple();
    pickle_.reduce();
  }

  // A tensor with what Python puts on it.
  absl::Status put_whole_tensor(const PyValue& value, const PyBody& body, const std::string& path) {
    const bool parameter = body.class_name == kParameter;
    const bool state = !body.attributes.empty();
    if (parameter) {
      pickle_.global("torch._utils", state ? "_rebuild_parameter_with_state" : "_rebuild_parameter");
      pickle_.mark();
      VESTA_RETURN_IF_ERROR(put_tensor(body.tensor, path, /*of_parameter=*/true, nullptr));
      pickle_.boolean(body.tensor.requires_grad());
      put_no_hooks();
      if (state) VESTA_RETURN_IF_ERROR(put_state(body, path));
      pickle_.tuple();
      pickle_.reduce();
      return absl::OkStatus();
    }
    const bool plain = !state && (body.class_name == "torch.Tensor" || body.class_name.empty());
    (void)value;
    return put_tensor(body.tensor, path, false, plain ? nullptr : &body);
  }

  absl::Status put_dense(const at::Tensor& tensor, const std::string& path) {
    return put_tensor(tensor, path, false, nullptr);
  }

  // function and arguments, then the call; with a type and a state where Python has given the tensor such.
  absl::Status put_tensor(const at::Tensor& tensor, const std::string& path, bool of_parameter, const PyBody* typed) {
    std::string_view function = tensor.is_quantized() ? "_rebuild_qtensor" : "_rebuild_tensor_v2";
    const bool sparse = is_sparse(tensor);
    const bool meta = tensor.device().is_meta() && !sparse;
    if (!meta &&
        (!tensor.device().is_cpu() || !(sparse || (tensor.layout() == c10::kStrided && tensor.has_storage())))) {
      std::ostringstream layout;
      layout << tensor.layout();
      return refuse(path,
                    absl::StrFormat("a tensor of device '%s' and layout %s", tensor.device().str(), layout.str()));
    }
    const bool untyped = !meta && !sparse && survey_.is_untyped(tensor.storage());
    if (untyped && !tensor.is_quantized()) function = "_rebuild_tensor_v3";
    if (sparse) function = "_rebuild_sparse_tensor";
    if (meta) function = "_rebuild_meta_tensor_no_storage";
    if (typed != nullptr) {
      pickle_.global("torch._tensor", "_rebuild_from_type_v2");
      pickle_.mark();
    }
    pickle_.global("torch._utils", function);
    if (typed != nullptr) {
      const size_t dot = typed->class_name.rfind('.');
      if (dot == std::string::npos) return refuse(path, absl::StrCat("a tensor of class '", typed->class_name, "'"));
      pickle_.global(typed->class_name.substr(0, dot), typed->class_name.substr(dot + 1));
    }
    const bool requires_grad = !of_parameter && tensor.requires_grad();
    if (meta) {
      put_meta_arguments(tensor, requires_grad);
    } else if (sparse) {
      VESTA_RETURN_IF_ERROR(put_sparse_arguments(tensor, path));
    } else {
      VESTA_RETURN_IF_ERROR(put_dense_arguments(tensor, requires_grad, untyped, path));
    }
    if (typed != nullptr) {
      if (typed->attributes.empty()) {
        pickle_.empty_dict();
      } else {
        VESTA_RETURN_IF_ERROR(put_state(*typed, path));
      }
      pickle_.tuple();
    }
    pickle_.reduce();
    return absl::OkStatus();
  }

  void put_meta_arguments(const at::Tensor& tensor, bool requires_grad) {
    pickle_.mark();
    put_dtype(tensor.scalar_type());
    put_ints(tensor.sizes());
    put_ints(tensor.strides());
    pickle_.boolean(requires_grad);
    pickle_.tuple();
  }

  absl::Status put_sparse_arguments(const at::Tensor& tensor, const std::string& path) {
    VESTA_RETURN_IF_ERROR(put_layout(tensor.layout()));
    pickle_.mark();
    for (const at::Tensor& part : parts_of(tensor)) VESTA_RETURN_IF_ERROR(put_dense(part, path));
    pickle_.global("torch", "Size");
    put_ints(tensor.sizes());
    call(1);
    // Left out, "coalesced" is unknown, and versions of torch before it came read the file too.
    if (tensor.layout() == c10::kSparse && tensor.is_coalesced()) {
      pickle_.boolean(true);
    }
    pickle_.tuple();
    pickle_.tuple(2);
    return absl::OkStatus();
  }

  absl::Status put_dense_arguments(const at::Tensor& tensor, bool requires_grad, bool untyped,
                                   const std::string& path) {
    pickle_.mark();
    VESTA_RETURN_IF_ERROR(put_storage(tensor.storage(), tensor.scalar_type()));
    pickle_.integer(tensor.storage_offset());
    put_ints(tensor.sizes());
    put_ints(tensor.strides());
    if (tensor.is_quantized()) VESTA_RETURN_IF_ERROR(put_quantizer(tensor, path));
    pickle_.boolean(requires_grad);
    put_no_hooks();
    if (untyped && !tensor.is_quantized()) put_dtype(tensor.scalar_type());
    if (tensor.is_conj() || tensor.is_neg()) {
      pickle_.empty_dict();
      pickle_.mark();
      for (const auto& [name, set] : {std::pair{"conj", tensor.is_conj()}, std::pair{"neg", tensor.is_neg()}}) {
        if (!set) continue;
        VESTA_RETURN_IF_ERROR(pickle_.text(name));
        pickle_.boolean(true);
      }
      pickle_.set_items();
    }
    pickle_.tuple();
    return absl::OkStatus();
  }

  const CheckpointWriteOptions& options_;
  Survey survey_;
  PickleWriter pickle_;
  std::vector<c10::Storage> storages_;
  absl::flat_hash_map<const c10::StorageImpl*, size_t> keys_;
  absl::flat_hash_map<const PyBody*, uint32_t> memo_;
};

absl::Status write_archive(const PyValue& value, const CheckpointWriteOptions& options, const ZipWriter::Sink& sink) {
  CheckpointPickler pickler(options);
  VESTA_ASSIGN_OR_RETURN(const std::string pickle, pickler.write(value));
  ZipWriter zip(sink);
  VESTA_RETURN_IF_ERROR(zip.add("archive/data.pkl", pickle));
  VESTA_RETURN_IF_ERROR(zip.add("archive/byteorder", "little"));
  for (size_t i = 0; i < pickler.storages().size(); ++i) {
    const c10::Storage& storage = pickler.storages()[i];
    VESTA_RETURN_IF_ERROR(
        zip.add(absl::StrCat("archive/data/", i), {static_cast<const char*>(storage.data()), storage.nbytes()}));
  }
  VESTA_RETURN_IF_ERROR(zip.add("archive/version", kFormatVersion));
  return zip.finish();
}

}  // namespace

absl::Status write_checkpoint(const PyValue& value, const std::string& path, const CheckpointWriteOptions& options) {
  VESTA_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::create(path));
  VESTA_RETURN_IF_ERROR(write_archive(value, options, [&file](std::string_view bytes) { return file.write(bytes); }));
  return file.commit();
}

absl::StatusOr<std::string> write_checkpoint(const PyValue& value, const CheckpointWriteOptions& options) {
  std::string result;
  VESTA_RETURN_IF_ERROR(write_archive(value, options, [&result](std::string_view bytes) {
    result += bytes;
    return absl::OkStatus();
  }));
  return result;
}

}  // namespace vesta::serialization
