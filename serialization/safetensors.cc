// The header is checked as a whole before a tensor is made: sorted by their offsets, the tensors have to follow one
// another from the first byte of the data to the last.

#include "serialization/safetensors.h"

#include <algorithm>
#include <array>
#include <set>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/atomic_file.h"
#include "serialization/little_endian.h"
#include "serialization/npy.h"
#include "serialization/tensor_builder.h"
#include "serialization/utf8.h"

namespace vesta::serialization {
namespace {

using c10::ScalarType;
using nlohmann::json;
using nlohmann::ordered_json;

constexpr uint64_t kMaxHeader = 100'000'000;
constexpr size_t kAlignment = 64;

struct Dtype {
  std::string_view name;
  ScalarType type;
};
constexpr std::array kDtypes = {
    Dtype{"F64", ScalarType::Double},
    Dtype{"F32", ScalarType::Float},
    Dtype{"F16", ScalarType::Half},
    Dtype{"BF16", ScalarType::BFloat16},
    Dtype{"I64", ScalarType::Long},
    Dtype{"I32", ScalarType::Int},
    Dtype{"I16", ScalarType::Short},
    Dtype{"I8", ScalarType::Char},
    Dtype{"U64", ScalarType::UInt64},
    Dtype{"U32", ScalarType::UInt32},
    Dtype{"U16", ScalarType::UInt16},
    Dtype{"U8", ScalarType::Byte},
    Dtype{"BOOL", ScalarType::Bool},
    Dtype{"F8_E4M3", ScalarType::Float8_e4m3fn},
    Dtype{"F8_E5M2", ScalarType::Float8_e5m2},
    Dtype{"F8_E8M0", ScalarType::Float8_e8m0fnu},
    Dtype{"C64", ScalarType::ComplexFloat},
};

struct Entry {
  std::string name;
  ScalarType type = ScalarType::Float;
  std::vector<int64_t> shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};

struct Header {
  std::vector<Entry> entries;
  json metadata = json::object();
  std::string_view data;
};

class HeaderReader {
 public:
  HeaderReader(const std::string& file, const Limits& limits) : file_(file), limits_(limits) {}

  absl::StatusOr<Header> read(std::string_view bytes) {
    const uint64_t length = bytes.size() < 8 ? 0 : load_u64(bytes.data());
    if (bytes.size() < 10 || length > bytes.size() - 8) return corrupt("the header reaches past the end of the file");
    if (length > std::min<uint64_t>(kMaxHeader, static_cast<uint64_t>(limits_.metadata_bytes))) {
      return absl::ResourceExhaustedError(absl::StrFormat("%s: the header has %d bytes", file_, length));
    }
    VESTA_ASSIGN_OR_RETURN(const json parsed, parse(bytes.substr(8, length)));
    Header header;
    header.data = bytes.substr(8 + length);
    for (const auto& [name, described] : parsed.items()) {
      if (name == "__metadata__") {
        if (!described.is_object()) return corrupt("'__metadata__' is no object");
        header.metadata = described;
        continue;
      }
      VESTA_ASSIGN_OR_RETURN(Entry entry, read_entry(name, described));
      header.entries.push_back(std::move(entry));
    }
    if (static_cast<int64_t>(header.entries.size()) > limits_.tensors) {
      return absl::ResourceExhaustedError(absl::StrFormat("%s: the limit 'tensors' is %d", file_, limits_.tensors));
    }
    VESTA_RETURN_IF_ERROR(check_layout(header));
    return header;
  }

  absl::Status corrupt(std::string_view what) const {
    return absl::DataLossError(absl::StrCat(file_, ": ", std::string(what)));
  }

 private:
  // Depth is bounded, and no key may come twice: two readers would disagree on what it means.
  absl::StatusOr<json> parse(std::string_view text) {
    std::vector<std::set<std::string>> keys;
    std::string wrong;
    const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
      if (depth > 16) wrong = "it nests too deep";
      if (event == json::parse_event_t::object_start) keys.emplace_back();
      if (event == json::parse_event_t::object_end && !keys.empty()) keys.pop_back();
      if (event == json::parse_event_t::key && !keys.empty() && !keys.back().insert(parsed.get<std::string>()).second) {
        wrong = absl::StrCat("'", printable(parsed.get<std::string>()), "' comes twice");
      }
      return wrong.empty();
    };
    // The nesting is checked first, without recursion: brackets outside of strings.
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.size() && depth <= 32; ++i) {
      if (in_string && text[i] == '\\') {
        ++i;
      } else if (text[i] == '"') {
        in_string = !in_string;
      } else if (!in_string) {
        depth += text[i] == '{' || text[i] == '[' ? 1 : text[i] == '}' || text[i] == ']' ? -1 : 0;
      }
    }
    if (depth > 32) return corrupt("the header nests too deep");
    json parsed = json::parse(text, watch, /*allow_exceptions=*/false);
    if (!wrong.empty()) return corrupt(absl::StrCat("the header: ", wrong));
    if (parsed.is_discarded() || !parsed.is_object() || text[0] != '{') return corrupt("the header is no JSON object");
    return parsed;
  }

  absl::StatusOr<Entry> read_entry(const std::string& name, const json& described) {
    const auto wrong = [&](std::string_view what) {
      return corrupt(absl::StrCat("tensor '", printable(name), "': ", std::string(what)));
    };
    if (!described.is_object() || !described.contains("dtype") || !described.contains("shape") ||
        !described.contains("data_offsets") || described.size() != 3) {
      return wrong("expected 'dtype', 'shape' and 'data_offsets'");
    }
    const json& offsets = described["data_offsets"];
    const json& shape = described["shape"];
    const auto is_size = [](const json& number) {
      return number.is_number_unsigned() && number.get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX);
    };
    if (!offsets.is_array() || offsets.size() != 2 || !std::all_of(offsets.begin(), offsets.end(), is_size) ||
        !shape.is_array() || !std::all_of(shape.begin(), shape.end(), is_size) || !described["dtype"].is_string()) {
      return wrong("its shape and offsets are no whole numbers, or its dtype no string");
    }
    if (static_cast<int64_t>(shape.size()) > limits_.tensor_rank) return wrong("it has too many dimensions");
    Entry entry;
    entry.name = name;
    const std::string dtype = described["dtype"].get<std::string>();
    const auto row = std::find_if(kDtypes.begin(), kDtypes.end(), [&](const Dtype& d) { return d.name == dtype; });
    if (row == kDtypes.end()) {
      return absl::UnimplementedError(absl::StrCat(file_, ": tensor '", printable(name), "' has dtype '",
                                                   printable(dtype), "', which is not read"));
    }
    entry.type = row->type;
    entry.shape = shape.get<std::vector<int64_t>>();
    entry.begin = offsets[0].get<uint64_t>();
    entry.end = offsets[1].get<uint64_t>();
    uint64_t size = c10::elementSize(entry.type);
    bool overflow = entry.begin > entry.end;
    for (const int64_t s : entry.shape)
      overflow = overflow || __builtin_mul_overflow(size, static_cast<uint64_t>(s), &size);
    if (overflow || entry.end - entry.begin != size) return wrong("its offsets do not fit its shape");
    return entry;
  }

  absl::Status check_layout(Header& header) {
    std::vector<const Entry*> sorted;
    for (const Entry& entry : header.entries) sorted.push_back(&entry);
    std::sort(sorted.begin(), sorted.end(),
              [](const Entry* a, const Entry* b) { return std::pair(a->begin, a->end) < std::pair(b->begin, b->end); });
    uint64_t at = 0;
    for (const Entry* entry : sorted) {
      if (entry->begin != at) {
        return corrupt(absl::StrFormat("tensor '%s' starts at byte %d of the data; %d is expected: no gap, no overlap",
                                       printable(entry->name), entry->begin, at));
      }
      at = entry->end;
    }
    if (at > header.data.size()) return corrupt("the tensors reach past the end of the file");
    const bool r_object = header.metadata.contains("__r__") || header.metadata.contains("..r");
    if (at != header.data.size() && !r_object) {
      return corrupt(absl::StrFormat("%d bytes follow the last tensor", header.data.size() - at));
    }
    return absl::OkStatus();
  }

  const std::string& file_;
  const Limits& limits_;
};

// jsonlite writes a scalar as an array of one.
const json& unboxed(const json& value) { return value.is_array() && value.size() == 1 ? value[0] : value; }

// What R torch noted, as an object; JSON in a string too. Null if R did not write the file.
json r_facts(const json& metadata) {
  for (const char* key : {"__r__", "..r"}) {
    if (!metadata.contains(key)) continue;
    const json& facts = unboxed(metadata[key]);
    return facts.is_string() ? json::parse(facts.get<std::string>(), nullptr, false) : facts;
  }
  return nullptr;
}

// Complex tensors, which R writes as bytes.
absl::StatusOr<at::Tensor> r_tensor(const at::Tensor& bytes, const json& special) {
  static constexpr std::array kComplex = {std::pair<std::string_view, ScalarType>{"cfloat", ScalarType::ComplexFloat},
                                          std::pair<std::string_view, ScalarType>{"cdouble", ScalarType::ComplexDouble},
                                          std::pair<std::string_view, ScalarType>{"chalf", ScalarType::ComplexHalf}};
  const auto malformed = [] { return absl::DataLossError("R's note on a complex tensor makes no sense"); };
  if (!special.is_object() || !special.contains("dtype") || !special.contains("shape")) return malformed();
  const json& dtype = unboxed(special["dtype"]);
  std::vector<int64_t> sizes;
  const json& shape = special["shape"];
  for (const json& size : shape.is_array() ? shape : json::array({shape})) {
    if (!size.is_number_integer() || size.get<int64_t>() < 0) return malformed();
    sizes.push_back(size.get<int64_t>());
  }
  for (const auto& [name, type] : kComplex) {
    if (!dtype.is_string() || dtype.get<std::string>() != name) continue;
    std::vector<int64_t> strides(sizes.size());
    int64_t count = 1;
    for (size_t i = sizes.size(); i-- > 0;) {
      strides[i] = count;
      if (__builtin_mul_overflow(count, std::max<int64_t>(sizes[i], 1), &count)) return malformed();
    }
    return make_strided_tensor(bytes.storage(), type, sizes, strides, 0);
  }
  return malformed();
}

absl::Status apply_r_facts(PyValue& root, const json& facts) {
  if (!facts.is_object()) return absl::OkStatus();
  if (facts.contains("special_dtype") && facts["special_dtype"].is_object()) {
    for (const auto& [name, special] : facts["special_dtype"].items()) {
      const auto bytes = root.get<at::Tensor>(name);
      if (!bytes.ok()) return absl::DataLossError(absl::StrCat("R's notes name a tensor '", printable(name), "'"));
      VESTA_ASSIGN_OR_RETURN(at::Tensor tensor, r_tensor(*bytes, unboxed(special)));
      VESTA_RETURN_IF_ERROR(root.set(name, tensor));
    }
  }
  if (facts.contains("requires_grad") && facts["requires_grad"].is_object()) {
    for (const auto& [name, wanted] : facts["requires_grad"].items()) {
      const auto tensor = root.get<at::Tensor>(name);
      if (!tensor.ok() || !(c10::isFloatingType(tensor->scalar_type()) || c10::isComplexType(tensor->scalar_type()))) {
        return absl::DataLossError(absl::StrCat("R's notes give a gradient to '", printable(name), "'"));
      }
      const json& flag = unboxed(wanted);
      if (flag.is_boolean() && flag.get<bool>()) tensor->set_requires_grad(true);
    }
  }
  const json type = facts.contains("type") ? unboxed(facts["type"]) : json();
  if (type == "tensor" && root.entries().size() == 1) {
    const PyValue alone = root.entries()[0].second;
    root = alone;
  }
  return absl::OkStatus();
}

absl::StatusOr<at::Tensor> tensor_of(const Entry& entry, std::string_view data, const SharedBytes& owner) {
  const std::string_view contents = data.substr(entry.begin, entry.end - entry.begin);
  if (entry.type == ScalarType::Bool && contents.find_first_not_of(std::string_view("\0\1", 2)) != contents.npos) {
    return absl::DataLossError(absl::StrCat("tensor '", printable(entry.name), "' has bools other than 0 and 1"));
  }
  VESTA_ASSIGN_OR_RETURN(const c10::Storage storage,
                         make_storage({contents, owner}, c10::elementSize(entry.type), false,
                                      std::max<size_t>(c10::elementSize(entry.type), 1)));
  std::vector<int64_t> strides(entry.shape.size());
  int64_t stride = 1;
  for (size_t i = strides.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= std::max<int64_t>(entry.shape[i], 1);
  }
  return make_strided_tensor(storage, entry.type, entry.shape, strides, 0);
}

}  // namespace

bool is_safetensors(std::string_view bytes) {
  return bytes.size() >= 10 && load_u64(bytes.data()) <= bytes.size() - 8 && bytes[8] == '{';
}

absl::StatusOr<CheckpointContents> read_safetensors(SharedBytes bytes, const std::string& file_name,
                                                    const Limits& limits) {
  VESTA_ASSIGN_OR_RETURN(Header header, HeaderReader(file_name, limits).read(bytes->view()));
  CheckpointContents result;
  result.kind = FileKind::kSafetensors;
  result.root = PyValue::dict();
  std::stable_sort(header.entries.begin(), header.entries.end(),
                   [](const Entry& a, const Entry& b) { return a.begin < b.begin; });
  for (const Entry& entry : header.entries) {
    absl::StatusOr<at::Tensor> tensor = tensor_of(entry, header.data, bytes);
    if (!tensor.ok()) return support::with_context(tensor.status(), file_name);
    result.storages.push_back({entry.name, "cpu", tensor->storage()});
    VESTA_RETURN_IF_ERROR(result.root.set(entry.name, *std::move(tensor)));
  }
  PyValue metadata = PyValue::dict();
  for (const auto& [name, text] : header.metadata.items()) {
    VESTA_RETURN_IF_ERROR(metadata.set(name, text.is_string() ? text.get<std::string>() : text.dump()));
  }
  if (!metadata.entries().empty()) VESTA_RETURN_IF_ERROR(result.root.set_attribute("__metadata__", metadata));
  VESTA_RETURN_IF_ERROR(support::with_context(apply_r_facts(result.root, r_facts(header.metadata)), file_name));
  result.verify = [] { return absl::OkStatus(); };
  return result;
}

namespace {

struct Written {
  std::string name;
  at::Tensor tensor;
  std::string_view dtype;
};

absl::StatusOr<std::vector<Written>> tensors_to_write(const PyValue& value) {
  VESTA_ASSIGN_OR_RETURN(const auto named, value.state_dict());
  std::vector<Written> result;
  for (const auto& [name, tensor] : named) {
    const auto row = std::find_if(kDtypes.begin(), kDtypes.end(),
                                  [&, type = tensor.scalar_type()](const Dtype& d) { return d.type == type; });
    if (row == kDtypes.end() || !tensor.device().is_cpu() || tensor.layout() != c10::kStrided) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", printable(name), "' is ", PyValue(tensor).summary(),
                       ", which safetensors does not have; dense tensors of ",
                       "float, int, bool, bfloat16, float8 and complex64 can be written"));
    }
    result.push_back({name, tensor.resolve_conj().resolve_neg(), row->name});
  }
  std::stable_sort(result.begin(), result.end(), [](const Written& a, const Written& b) {
    return std::pair(b.tensor.element_size(), std::string_view(a.name)) <
           std::pair(a.tensor.element_size(), std::string_view(b.name));
  });
  return result;
}

absl::Status write(const PyValue& value, const std::function<absl::Status(std::string_view)>& sink) {
  VESTA_ASSIGN_OR_RETURN(const std::vector<Written> tensors, tensors_to_write(value));
  ordered_json header = ordered_json::object();
  for (const PyEntry& attribute : value.attributes()) {
    if (attribute.first.text() != "__metadata__") continue;
    for (const PyEntry& entry : attribute.second.entries()) {
      header["__metadata__"][entry.first.text()] = entry.second.text();
    }
  }
  uint64_t at = 0;
  for (const Written& one : tensors) {
    const uint64_t size = static_cast<uint64_t>(one.tensor.numel()) * one.tensor.element_size();
    header[one.name] = {
        {"dtype", std::string(one.dtype)}, {"shape", one.tensor.sizes().vec()}, {"data_offsets", {at, at + size}}};
    at += size;
  }
  std::string text = header.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  text.append((kAlignment - (8 + text.size()) % kAlignment) % kAlignment, ' ');
  std::string length;
  for (int i = 0; i < 8; ++i) length += static_cast<char>(text.size() >> (8 * i) & 0xff);
  VESTA_RETURN_IF_ERROR(sink(length));
  VESTA_RETURN_IF_ERROR(sink(text));
  for (const Written& one : tensors) {
    if (one.tensor.is_contiguous()) {
      VESTA_RETURN_IF_ERROR(sink({static_cast<const char*>(one.tensor.const_data_ptr()),
                                  static_cast<size_t>(one.tensor.numel()) * one.tensor.element_size()}));
      continue;
    }
    std::string contents;
    append_elements(one.tensor, contents);
    VESTA_RETURN_IF_ERROR(sink(contents));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status write_safetensors(const PyValue& value, const std::string& path) {
  VESTA_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::create(path));
  VESTA_RETURN_IF_ERROR(write(value, [&file](std::string_view bytes) { return file.write(bytes); }));
  return file.commit();
}

absl::StatusOr<std::string> write_safetensors(const PyValue& value) {
  std::string result;
  VESTA_RETURN_IF_ERROR(write(value, [&result](std::string_view bytes) {
    result += bytes;
    return absl::OkStatus();
  }));
  return result;
}

}  // namespace vesta::serialization
