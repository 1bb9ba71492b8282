// Layout: "\x93NUMPY", major, minor, length of the header (2 bytes, from version 2.0 on 4), the header: a Python
// dict literal with 'descr', 'fortran_order' and 'shape', padded with spaces and ended by a line break
// so that the data starts at a multiple of 64; then the elements.

#include "serialization/npy.h"

#include <array>
#include <charconv>
#include <cstring>
#include <numeric>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/atomic_file.h"
#include "serialization/little_endian.h"
#include "serialization/tensor_builder.h"
#include "serialization/utf8.h"

namespace vesta::serialization {
namespace {

using c10::ScalarType;

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kAlignment = 64;

struct Descr {
  std::string_view code;  // without the mark of byte order
  ScalarType type;
};

constexpr std::array kDescrs = {
    Descr{"f4", ScalarType::Float},        Descr{"f8", ScalarType::Double},
    Descr{"f2", ScalarType::Half},         Descr{"i8", ScalarType::Long},
    Descr{"i4", ScalarType::Int},          Descr{"i2", ScalarType::Short},
    Descr{"i1", ScalarType::Char},         Descr{"u1", ScalarType::Byte},
    Descr{"u2", ScalarType::UInt16},       Descr{"u4", ScalarType::UInt32},
    Descr{"u8", ScalarType::UInt64},       Descr{"b1", ScalarType::Bool},
    Descr{"c8", ScalarType::ComplexFloat}, Descr{"c16", ScalarType::ComplexDouble},
};

// Reads the header's dict literal, as NumPy writes it; keys may come in any order.
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : text_(text) {}

  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<std::vector<int64_t>> shape;

  bool parse() {
    if (!take('{')) return false;
    while (!take('}')) {
      const std::optional<std::string> key = string();
      if (!key || !take(':') || !value(*key)) return false;
      if (take('}')) break;
      if (!take(',')) return false;
    }
    skip();
    return at_ == text_.size() && descr && fortran_order && shape;
  }

 private:
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool take(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool word(std::string_view expected) {
    skip();
    if (!text_.substr(at_).starts_with(expected)) return false;
    at_ += expected.size();
    return true;
  }
  std::optional<std::string> string() {
    skip();
    if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) return std::nullopt;
    const size_t end = text_.find(text_[at_], at_ + 1);
    if (end == text_.npos) return std::nullopt;
    std::string result(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return result;
  }
  bool value(const std::string& key) {
    if (key == "descr" && !descr) {
      descr = string();
      // A list of fields is a structure.
      if (!descr) descr = word("[") ? "[...]" : "";
      return !descr->empty() && *descr != "[...]";
    }
    if (key == "fortran_order" && !fortran_order) {
      if (word("True"))
        fortran_order = true;
      else if (word("False"))
        fortran_order = false;
      return fortran_order.has_value();
    }
    return key == "shape" && !shape && tuple();
  }
  bool tuple() {
    std::vector<int64_t> sizes;
    if (!take('(')) return false;
    while (!take(')')) {
      skip();
      int64_t size = 0;
      const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), size);
      if (error != std::errc() || size < 0) return false;
      at_ = static_cast<size_t>(end - text_.data());
      sizes.push_back(size);
      if (take(')')) break;
      if (!take(',')) return false;
    }
    shape = std::move(sizes);
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
};

struct Header {
  ScalarType type = ScalarType::Float;
  bool big_endian = false;
  bool fortran_order = false;
  std::vector<int64_t> sizes;
  std::string_view data;
};

absl::StatusOr<Header> read_header(std::string_view bytes, const std::string& file_name) {
  const auto corrupt = [&](std::string_view what) {
    return absl::DataLossError(absl::StrFormat("%s: %s", file_name, std::string(what)));
  };
  if (!bytes.starts_with(kMagic) || bytes.size() < 12) return corrupt("no .npy file");
  const int major = bytes[6];
  if (major < 1 || major > 3) return corrupt(absl::StrFormat("version %d of the .npy format is not known", major));
  const size_t prefix = major == 1 ? 10 : 12;
  const size_t length = major == 1 ? load_u16(bytes.data() + 8) : load_u32(bytes.data() + 8);
  if (length > bytes.size() - prefix) return corrupt("the header reaches past the end of the file");
  HeaderParser parser(bytes.substr(prefix, length));
  const bool parsed = parser.parse();
  if (parser.descr == "[...]")
    return absl::UnimplementedError(absl::StrCat(file_name, ": arrays of structures are not read"));
  if (!parsed) return corrupt("the header is not {'descr': ..., 'fortran_order': ..., 'shape': ...}");
  Header header;
  std::string_view code = *parser.descr;
  if (!code.empty() && (code[0] == '<' || code[0] == '>' || code[0] == '|' || code[0] == '=')) {
    header.big_endian = code[0] == '>';
    code.remove_prefix(1);
  }
  const std::optional<ScalarType> type = numpy_scalar_type(code);
  if (!type) {
    return absl::UnimplementedError(absl::StrFormat("%s: arrays of dtype '%s' are not read; no tensor has it",
                                                    file_name, printable(*parser.descr)));
  }
  header.type = *type;
  header.fortran_order = *parser.fortran_order;
  header.sizes = *std::move(parser.shape);
  header.data = bytes.substr(prefix + length);
  return header;
}

}  // namespace

std::optional<ScalarType> numpy_scalar_type(std::string_view code) {
  for (const Descr& row : kDescrs) {
    if (row.code == code) return row.type;
  }
  return std::nullopt;
}

std::string_view numpy_code(ScalarType type) {
  for (const Descr& row : kDescrs) {
    if (row.type == type) return row.code;
  }
  return {};
}

absl::StatusOr<at::Tensor> make_array(std::string_view contents, ScalarType type, const std::vector<int64_t>& sizes,
                                      bool fortran_order, bool big_endian) {
  int64_t expected = static_cast<int64_t>(c10::elementSize(type));
  bool overflow = false;
  for (const int64_t size : sizes) {
    overflow = overflow || size < 0 || __builtin_mul_overflow(expected, size, &expected);
  }
  if (overflow || expected != static_cast<int64_t>(contents.size())) {
    return absl::DataLossError(
        absl::StrFormat("the shape needs %d bytes of data, there are %d", overflow ? -1 : expected, contents.size()));
  }
  if (type == ScalarType::Bool && contents.find_first_not_of(std::string_view("\0\1", 2)) != contents.npos) {
    return absl::DataLossError("bools other than 0 and 1");
  }
  const size_t unit = c10::elementSize(type) / (c10::isComplexType(type) ? 2 : 1);
  VESTA_ASSIGN_OR_RETURN(const SharedBytes data, copy_bytes(contents));
  VESTA_ASSIGN_OR_RETURN(const c10::Storage storage, make_storage({data->view(), data}, unit, big_endian));
  std::vector<int64_t> strides(sizes.size());
  int64_t stride = 1;
  for (size_t k = 0; k < strides.size(); ++k) {
    const size_t d = fortran_order ? k : strides.size() - 1 - k;
    strides[d] = stride;
    stride *= std::max<int64_t>(sizes[d], 1);
  }
  return make_strided_tensor(storage, type, sizes, strides, 0);
}

void append_elements(const at::Tensor& tensor, std::string& out) {
  if (tensor.is_contiguous()) {
    out.append(static_cast<const char*>(tensor.const_data_ptr()),
               static_cast<size_t>(tensor.numel()) * tensor.element_size());
    return;
  }
  const auto item = static_cast<int64_t>(tensor.element_size());
  const auto* data = static_cast<const char*>(tensor.const_data_ptr());
  const auto rank = static_cast<size_t>(tensor.dim());
  std::vector<int64_t> index(rank, 0);
  int64_t at = 0;
  for (int64_t k = 0; k < tensor.numel(); ++k) {
    out.append(data + at * item, static_cast<size_t>(item));
    for (size_t d = rank; d-- > 0;) {
      at += tensor.stride(static_cast<int64_t>(d));
      if (++index[d] < tensor.size(static_cast<int64_t>(d))) break;
      at -= tensor.stride(static_cast<int64_t>(d)) * index[d];
      index[d] = 0;
    }
  }
}

absl::StatusOr<at::Tensor> read_npy(std::string_view bytes, const std::string& file_name) {
  VESTA_ASSIGN_OR_RETURN(const Header header, read_header(bytes, file_name));
  absl::StatusOr<at::Tensor> tensor =
      make_array(header.data, header.type, header.sizes, header.fortran_order, header.big_endian);
  if (!tensor.ok()) return support::with_context(tensor.status(), file_name);
  return tensor;
}

absl::StatusOr<std::string> write_npy(const at::Tensor& tensor) {
  if (!tensor.defined()) return absl::InvalidArgumentError("an undefined tensor cannot be written as .npy");
  if (!tensor.device().is_cpu() || tensor.layout() != c10::kStrided || tensor.is_conj() || tensor.is_neg()) {
    return absl::InvalidArgumentError("only dense tensors on the CPU, with their own values, can be written as .npy");
  }
  const std::string_view code = numpy_code(tensor.scalar_type());
  if (code.empty()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("NumPy has no dtype for tensors of %s; write a .pt file, or convert to float32",
                        c10::toString(tensor.scalar_type())));
  }
  std::string shape;
  for (const int64_t size : tensor.sizes()) absl::StrAppend(&shape, size, ", ");
  if (tensor.dim() > 1) shape.resize(shape.size() - 2);
  if (tensor.dim() == 1) shape.resize(shape.size() - 1);
  std::string header = absl::StrCat("{'descr': '", tensor.element_size() == 1 ? "|" : "<", std::string(code),
                                    "', 'fortran_order': False, 'shape': (", shape, "), }");
  const size_t prefix = kMagic.size() + 4;
  header.append((kAlignment - (prefix + header.size() + 1) % kAlignment) % kAlignment, ' ');
  header += '\n';
  std::string out(kMagic);
  out += '\1';
  out += '\0';
  out += static_cast<char>(header.size() & 0xff);
  out += static_cast<char>(header.size() >> 8 & 0xff);
  out += header;
  out.reserve(out.size() + static_cast<size_t>(tensor.numel()) * tensor.element_size());
  append_elements(tensor, out);
  return out;
}

absl::Status write_npy(const at::Tensor& tensor, const std::string& path) {
  VESTA_ASSIGN_OR_RETURN(const std::string bytes, write_npy(tensor));
  VESTA_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::create(path));
  VESTA_RETURN_IF_ERROR(file.write(bytes));
  return file.commit();
}

}  // namespace vesta::serialization
