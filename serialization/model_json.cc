// The message is read into JSON values first; every field is looked up with its type, and what is missing has the
// default that protobuf gives it. A module's class is made from the message, its methods from the text.

#include "serialization/model_json.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <ATen/core/class_type.h>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/conform.h"
#include "serialization/tensor_builder.h"
#include "serialization/utf8.h"

namespace vesta::serialization {
namespace {

using c10::IValue;
using nlohmann::json;
using support::Source;

constexpr const char* kRecord = "model.json";
constexpr size_t kMaxDepth = 200;  // of modules

struct DataType {
  std::string_view name;
  c10::ScalarType plain;
  c10::ScalarType quantized;
};
constexpr c10::ScalarType kNone = c10::ScalarType::Undefined;
constexpr std::array kDataTypes = {
    DataType{"FLOAT", c10::kFloat, kNone},      DataType{"DOUBLE", c10::kDouble, kNone},
    DataType{"FLOAT16", c10::kHalf, kNone},     DataType{"BFLOAT16", c10::kBFloat16, kNone},
    DataType{"INT32", c10::kInt, c10::kQInt32}, DataType{"UINT8", c10::kByte, c10::kQUInt8},
    DataType{"INT8", c10::kChar, c10::kQInt8},  DataType{"INT16", c10::kShort, kNone},
    DataType{"INT64", c10::kLong, kNone},       DataType{"BOOL", c10::kBool, kNone},
    DataType{"BYTE", c10::kByte, c10::kQUInt8},
};

absl::StatusOr<json> parse(const Archive& archive) {
  VESTA_ASSIGN_OR_RETURN(const ZipData data, archive.read(kRecord));
  // The size is bounded by the limit 'metadata_bytes', the depth here; without exceptions.
  const json::parser_callback_t shallow = [](int depth, json::parse_event_t, json&) {
    return depth < static_cast<int>(3 * kMaxDepth);
  };
  json parsed = json::parse(data.contents, shallow, /*allow_exceptions=*/false);
  if (parsed.is_discarded() || !parsed.is_object()) {
    return absl::DataLossError(absl::StrFormat("%s: it is no JSON object", archive.describe(kRecord)));
  }
  return parsed;
}

class ModelReader {
 public:
  explicit ModelReader(const ModelJsonContext& context) : context_(context) {}

  absl::StatusOr<IValue> read() {
    VESTA_ASSIGN_OR_RETURN(const json model, parse(context_.archive));
    VESTA_ASSIGN_OR_RETURN(const json* tensors, array(model, "tensors"));
    for (const json& one : *tensors) {
      VESTA_ASSIGN_OR_RETURN(at::Tensor tensor, read_tensor(one));
      table_.push_back(std::move(tensor));
    }
    context_.values.tensor_table = table_;
    context_.importer.set_constants(std::vector<IValue>(table_.begin(), table_.end()));
    VESTA_RETURN_IF_ERROR(read_attributes());
    const auto main = model.find("mainModule");
    if (main == model.end() || !main->is_object()) return corrupt("it has no 'mainModule'");
    return read_module(*main, "__torch__", 0);
  }

 private:
  absl::Status corrupt(const std::string& what) const {
    return absl::DataLossError(absl::StrCat(context_.archive.describe(kRecord), ": ", what));
  }

  // --- Fields. Missing ones are the default.
  absl::StatusOr<const json*> array(const json& object, const char* name) const {
    static const json* const none = new json(json::array());
    const auto found = object.find(name);
    if (found == object.end()) return none;
    if (found->is_array()) return &*found;
    return corrupt(absl::StrCat("'", name, "' is no array"));
  }
  absl::StatusOr<int64_t> as_int(const json& value, const char* name) const {
    if (value.is_number_integer()) return value.get<int64_t>();
    if (value.is_string()) {
      const auto& text = value.get_ref<const std::string&>();
      int64_t number = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error == std::errc() && end == text.data() + text.size()) return number;
    }
    return corrupt(absl::StrCat("'", name, "' is no 64-bit int"));
  }
  absl::StatusOr<int64_t> integer(const json& object, const char* name, int64_t missing) const {
    const auto found = object.find(name);
    return found == object.end() ? absl::StatusOr<int64_t>(missing) : as_int(*found, name);
  }
  absl::StatusOr<std::vector<int64_t>> integers(const json& object, const char* name) const {
    VESTA_ASSIGN_OR_RETURN(const json* elements, array(object, name));
    std::vector<int64_t> result;
    for (const json& element : *elements) {
      VESTA_ASSIGN_OR_RETURN(const int64_t number, as_int(element, name));
      result.push_back(number);
    }
    return result;
  }
  absl::StatusOr<std::string> text(const json& object, const char* name) const {
    const auto found = object.find(name);
    if (found == object.end()) return std::string();
    if (found->is_string()) return found->get<std::string>();
    return corrupt(absl::StrCat("'", name, "' is no string"));
  }
  absl::StatusOr<std::string> key(const json& object, const char* name) const {
    const auto found = object.find(name);
    if (found == object.end()) return std::string();
    if (!found->is_object()) return corrupt(absl::StrCat("'", name, "' is no object"));
    return text(*found, "key");
  }
  static bool flag(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_boolean() && found->get<bool>();
  }

  // --- Tensors
  absl::StatusOr<at::Tensor> read_tensor(const json& described) {
    if (!described.is_object()) return corrupt("a tensor is no object");
    if (static_cast<int64_t>(table_.size()) >= context_.limits.tensors) {
      return absl::ResourceExhaustedError(absl::StrFormat("%s: more tensors than the limit 'tensors', %d",
                                                          context_.archive.file_name(), context_.limits.tensors));
    }
    VESTA_ASSIGN_OR_RETURN(const std::string type_name, text(described, "dataType"));
    const auto row =
        std::find_if(kDataTypes.begin(), kDataTypes.end(), [&](const DataType& one) { return one.name == type_name; });
    const bool quantized = flag(described, "isQuantized");
    const c10::ScalarType type = row == kDataTypes.end() ? kNone : quantized ? row->quantized : row->plain;
    if (type == kNone) return corrupt(absl::StrCat("'", printable(type_name), "' is no type of elements"));
    VESTA_ASSIGN_OR_RETURN(const std::string device, text(described, "device"));
    if (device != "cpu" && !context_.map_to_cpu) {
      return absl::FailedPreconditionError(
          absl::StrFormat("%s: a tensor was saved on device '%s'; load with LoadOptions::device set to the device that "
                          "it is to be on",
                          context_.archive.file_name(), printable(device)));
    }
    VESTA_ASSIGN_OR_RETURN(const std::vector<int64_t> sizes, integers(described, "dims"));
    VESTA_ASSIGN_OR_RETURN(const std::vector<int64_t> strides, integers(described, "strides"));
    VESTA_ASSIGN_OR_RETURN(const int64_t offset, integer(described, "offset", 0));
    if (static_cast<int64_t>(sizes.size()) > context_.limits.tensor_rank) {
      return absl::ResourceExhaustedError(
          absl::StrFormat("%s: a tensor of %d dimensions; the limit 'tensor_rank' is %d", context_.archive.file_name(),
                          sizes.size(), context_.limits.tensor_rank));
    }
    VESTA_ASSIGN_OR_RETURN(const std::string record, key(described, "data"));
    VESTA_ASSIGN_OR_RETURN(const c10::Storage storage, read_storage(record));
    absl::StatusOr<at::Tensor> tensor = quantized ? quantized_tensor(described, storage, type, sizes, strides, offset)
                                                  : make_strided_tensor(storage, type, sizes, strides, offset);
    if (!tensor.ok()) return support::with_context(tensor.status(), context_.archive.describe(record));
    if (flag(described, "requiresGrad")) {
      if (!c10::isFloatingType(type)) return corrupt("a tensor of ints requires a gradient");
      tensor->set_requires_grad(true);
    }
    return tensor;
  }

  absl::StatusOr<c10::Storage> read_storage(const std::string& record) {
    const auto known = storages_.find(record);
    if (known != storages_.end()) return known->second;
    if (!context_.archive.has(record)) {
      return corrupt(absl::StrCat("a tensor lies in '", printable(record), "', which the archive does not have"));
    }
    VESTA_ASSIGN_OR_RETURN(const ZipData data, context_.archive.read(record));
    VESTA_ASSIGN_OR_RETURN(c10::Storage storage, make_storage(StorageBytes{data.contents, data.owner}, 1, false));
    storages_.emplace(record, storage);
    return storage;
  }

  absl::StatusOr<at::Tensor> quantized_tensor(const json& described, const c10::Storage& storage, c10::ScalarType type,
                                              const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides,
                                              int64_t offset) {
    const auto scale = described.find("scale");
    if (scale == described.end() || !scale->is_number()) return corrupt("a quantized tensor has no 'scale'");
    VESTA_ASSIGN_OR_RETURN(const int64_t zero_point, integer(described, "zeroPoint", 0));
    auto held = c10::make_intrusive<PickleObject>(PickleObject::Kind::kStorage);
    held->number = static_cast<int64_t>(type);
    held->items.emplace_back(storage);
    auto scheme = c10::make_intrusive<PickleObject>(PickleObject::Kind::kGlobal);
    scheme->module = "torch";
    scheme->name = "per_tensor_affine";
    TensorBuilder builder([](std::string_view, uint64_t) { return absl::InternalError("not asked for"); },
                          TensorBuilder::Options{context_.limits});
    const std::vector<IValue> arguments = {
        PickleObject::wrap(std::move(held)), IValue(offset), IValue(sizes), IValue(strides),
        c10::ivalue::Tuple::create(PickleObject::wrap(std::move(scheme)), IValue(scale->get<double>()),
                                   IValue(zero_point))};
    VESTA_ASSIGN_OR_RETURN(const IValue tensor, builder.rebuild_qtensor(arguments));
    return tensor.toTensor();
  }

  // --- Modules
  absl::Status read_attributes() {
    static constexpr const char* kAttributes = "attributes.pkl";
    if (!context_.archive.has(kAttributes)) return absl::OkStatus();
    VESTA_ASSIGN_OR_RETURN(const ZipData data, context_.archive.read(kAttributes));
    TensorBuilder tensors([](std::string_view, uint64_t) { return absl::DataLossError("storages lie in model.json"); },
                          TensorBuilder::Options{context_.limits});
    PickleOptions options;
    options.limits = context_.limits;
    options.signed_binint1 = true;
    VESTA_ASSIGN_OR_RETURN(
        const IValue values,
        read_script_pickle(data.contents, context_.archive.describe(kAttributes), tensors, context_.values, options));
    if (values.isTuple()) {
      attributes_ = values.toTupleRef().elements().vec();
    } else if (values.isList()) {
      attributes_ = values.toListRef().vec();
    } else {
      return absl::DataLossError(absl::StrCat(context_.archive.describe(kAttributes), ": the value is no tuple"));
    }
    return absl::OkStatus();
  }

  // `where`: the qualified name of the module around it.
  absl::StatusOr<IValue> read_module(const json& described, const std::string& where, size_t depth) {
    if (!described.is_object()) return corrupt("a module is no object");
    if (depth >= kMaxDepth) return absl::ResourceExhaustedError(corrupt("modules nest too deep").message());
    VESTA_ASSIGN_OR_RETURN(const std::string name, text(described, "name"));
    const std::string qualified = absl::StrCat(where, ".", class_name(name));
    const c10::ClassTypePtr type =
        context_.program.create_class(context_.program.unique_name(c10::QualifiedName(qualified)), /*is_module=*/true);
    auto object = c10::ivalue::Object::create(c10::StrongTypePtr(context_.values.unit, type), 0);

    VESTA_ASSIGN_OR_RETURN(const json* submodules, array(described, "submodules"));
    for (const json& one : *submodules) {
      VESTA_ASSIGN_OR_RETURN(IValue child, read_module(one, qualified, depth + 1));
      VESTA_ASSIGN_OR_RETURN(const std::string child_name, text(one, "name"));
      const c10::TypePtr child_type = child.type();
      VESTA_RETURN_IF_ERROR(add(*type, *object, child_name, child_type, std::move(child), Slot::kAttribute));
    }
    VESTA_RETURN_IF_ERROR(add_parameters(described, *type, *object));
    VESTA_RETURN_IF_ERROR(add_attributes(described, *type, *object));
    VESTA_RETURN_IF_ERROR(add_methods(described, type));
    VESTA_RETURN_IF_ERROR(set_state(described, type, IValue(object)));
    return IValue(object);
  }

  // A part of a qualified name: what is no character of a name becomes '_'; a name of digits gets one in front.
  static std::string class_name(const std::string& name) {
    std::string result;
    for (const char c : name) result += (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') ? c : '_';
    if (result.empty() || std::isdigit(static_cast<unsigned char>(result[0])) != 0) result.insert(0, "_");
    return result;
  }

  enum class Slot { kAttribute, kParameter, kBuffer };
  absl::Status add(c10::ClassType& type, c10::ivalue::Object& object, const std::string& name,
                   const c10::TypePtr& declared, IValue value, Slot slot) const {
    if (name.empty()) return corrupt("an attribute has no name");
    if (type.findAttributeSlot(name).has_value()) {
      return corrupt(absl::StrCat("'", printable(name), "' is there twice in one module"));
    }
    type.addAttribute(name, declared, slot == Slot::kParameter, slot == Slot::kBuffer);
    object.setSlot(type.numAttributes() - 1, std::move(value));
    return absl::OkStatus();
  }

  absl::Status add_parameters(const json& described, c10::ClassType& type, c10::ivalue::Object& object) const {
    VESTA_ASSIGN_OR_RETURN(const json* parameters, array(described, "parameters"));
    for (const json& one : *parameters) {
      if (!one.is_object()) return corrupt("a parameter is no object");
      VESTA_ASSIGN_OR_RETURN(const std::string name, text(one, "name"));
      VESTA_ASSIGN_OR_RETURN(const int64_t id, integer(one, "tensorId", 0));
      if (id < 0 || id >= static_cast<int64_t>(table_.size())) {
        return corrupt(absl::StrCat("parameter '", printable(name), "' is tensor ", id, " of ", table_.size()));
      }
      VESTA_RETURN_IF_ERROR(add(type, object, name, c10::TensorType::get(), table_[static_cast<size_t>(id)],
                                flag(one, "isBuffer") ? Slot::kBuffer : Slot::kParameter));
    }
    return absl::OkStatus();
  }

  absl::Status add_attributes(const json& described, c10::ClassType& type, c10::ivalue::Object& object) const {
    VESTA_ASSIGN_OR_RETURN(const json* attributes, array(described, "attributes"));
    const bool has_state = described.contains("getStateAttributeId");
    for (const json& one : *attributes) {
      if (!one.is_object()) return corrupt("an attribute is no object");
      VESTA_ASSIGN_OR_RETURN(const std::string name, text(one, "name"));
      if (type.findAttributeSlot(name).has_value()) continue;  // a buffer, which is listed in both places
      VESTA_ASSIGN_OR_RETURN(const std::string annotation, text(one, "type"));
      VESTA_ASSIGN_OR_RETURN(const c10::TypePtr declared, context_.importer.load_annotation(annotation));
      VESTA_ASSIGN_OR_RETURN(const int64_t id, integer(one, "id", 0));
      IValue value;
      if (id >= 0) {
        if (id >= static_cast<int64_t>(attributes_.size())) {
          return corrupt(absl::StrCat("attribute '", printable(name), "' is value ", id, " of ", attributes_.size()));
        }
        value = attributes_[static_cast<size_t>(id)];
        VESTA_RETURN_IF_ERROR(
            conform(value, declared, absl::StrCat("attribute '", printable(name), "'"), context_.limits));
      } else if (!has_state) {
        return corrupt(absl::StrCat("attribute '", printable(name), "' has no value"));
      }
      VESTA_RETURN_IF_ERROR(add(type, object, name, declared, std::move(value), Slot::kAttribute));
    }
    return absl::OkStatus();
  }

  absl::Status add_methods(const json& described, const c10::ClassTypePtr& type) const {
    VESTA_ASSIGN_OR_RETURN(const std::string record, key(described, "torchscriptArena"));
    if (record.empty()) return absl::OkStatus();
    if (!context_.archive.has(record)) {
      return corrupt(absl::StrCat("a module's code is '", printable(record), "', which the archive does not have"));
    }
    VESTA_ASSIGN_OR_RETURN(const std::string debug, key(described, "torchscriptDebugArena"));
    VESTA_ASSIGN_OR_RETURN(std::shared_ptr<const Source> source, context_.read_source(record, debug));
    return context_.importer.define_methods(type, std::move(source));
  }

  absl::Status set_state(const json& described, const c10::ClassTypePtr& type, const IValue& object) const {
    VESTA_ASSIGN_OR_RETURN(const int64_t id, integer(described, "getStateAttributeId", -1));
    if (id < 0 || !context_.values.set_state) return absl::OkStatus();
    torch::jit::Function* method = type->findMethod("__setstate__");
    if (id >= static_cast<int64_t>(attributes_.size()) || method == nullptr ||
        method->getSchema().arguments().size() != 2) {
      return corrupt(absl::StrCat("'", type->annotation_str(), "' has a state but no '__setstate__' that takes it"));
    }
    IValue state = attributes_[static_cast<size_t>(id)];
    VESTA_RETURN_IF_ERROR(conform(state, method->getSchema().arguments()[1].type(), "a state", context_.limits));
    VESTA_RETURN_IF_ERROR(context_.values.set_state(object, type, std::move(state)));
    const c10::ivalue::Object& made = object.toObjectRef();
    for (size_t i = 0; i < type->numAttributes(); ++i) {
      IValue value = made.getSlot(i);
      VESTA_RETURN_IF_ERROR(conform(value, type->getAttribute(i),
                                    absl::StrCat("attribute '", type->getAttributeName(i), "' after '__setstate__'"),
                                    context_.limits));
    }
    return absl::OkStatus();
  }

  const ModelJsonContext& context_;
  std::vector<at::Tensor> table_;
  std::vector<IValue> attributes_;
  absl::flat_hash_map<std::string, c10::Storage> storages_;
};

}  // namespace

absl::StatusOr<int64_t> read_proto_version(const Archive& archive) {
  VESTA_ASSIGN_OR_RETURN(const json model, parse(archive));
  const auto found = model.find("protoVersion");
  if (found == model.end()) return int64_t{1};
  if (found->is_number_integer()) return found->get<int64_t>();
  int64_t version = 0;
  if (found->is_string()) {
    const auto& text = found->get_ref<const std::string&>();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
    if (error == std::errc() && end == text.data() + text.size()) return version;
  }
  return absl::DataLossError(absl::StrCat(archive.describe(kRecord), ": 'protoVersion' is no number"));
}

absl::StatusOr<IValue> read_model_json(const ModelJsonContext& context) { return ModelReader(context).read(); }

}  // namespace vesta::serialization
