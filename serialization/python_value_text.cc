// How a PyValue is written for a person: one line of it, or the tree of what it holds; numbers as Python's repr has
// them.

#include "serialization/python_value.h"

#include <cmath>
#include <cstdlib>
#include <functional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "serialization/python_value_parts.h"
#include "serialization/tensor_builder.h"
#include "serialization/utf8.h"

namespace vesta {

using internal::in_quotes;
using internal::kMaxPyDepth;
using serialization::printable;
using Kind = PyValue::Kind;

std::string python_name(c10::ScalarType dtype) {
  return absl::StrCat("torch.", std::string(serialization::scalar_type_name(dtype)));
}

std::string python_name(c10::Layout layout) {
  switch (layout) {
    case c10::Layout::Strided:
      return "torch.strided";
    case c10::Layout::Sparse:
      return "torch.sparse_coo";
    case c10::Layout::SparseCsr:
      return "torch.sparse_csr";
    case c10::Layout::SparseCsc:
      return "torch.sparse_csc";
    case c10::Layout::SparseBsr:
      return "torch.sparse_bsr";
    case c10::Layout::SparseBsc:
      return "torch.sparse_bsc";
    case c10::Layout::Mkldnn:
      return "torch._mkldnn";
    default:
      return "torch.jagged";
  }
}

namespace {

// Divides a number of decimal digits in place; for printing big ints.
std::string decimal(std::string_view little_endian) {
  if (little_endian.empty()) return "0";
  const bool negative = (static_cast<uint8_t>(little_endian.back()) & 0x80) != 0;
  std::vector<uint8_t> digits(little_endian.begin(), little_endian.end());
  if (negative) {
    int carry = 1;
    for (uint8_t& digit : digits) {
      carry += static_cast<uint8_t>(~digit);
      digit = static_cast<uint8_t>(carry);
      carry >>= 8;
    }
  }
  if (digits.size() > 4096) return absl::StrCat(negative ? "-" : "", "<int of ", digits.size(), " bytes>");
  std::string text;
  while (!digits.empty()) {
    int remainder = 0;
    for (size_t i = digits.size(); i-- > 0;) {
      const int value = remainder * 256 + digits[i];
      digits[i] = static_cast<uint8_t>(value / 10);
      remainder = value % 10;
    }
    text += static_cast<char>('0' + remainder);
    while (!digits.empty() && digits.back() == 0) digits.pop_back();
  }
  if (negative) text += '-';
  return std::string(text.rbegin(), text.rend());
}

// As Python's repr has it: the shortest digits that read back.
std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::string text;
  for (int digits = 1; digits <= 17; ++digits) {
    text = absl::StrFormat("%.*g", digits, value);
    if (std::strtod(text.c_str(), nullptr) == value) break;
  }
  if (text.find_first_of(".en") == text.npos) text += ".0";
  return text;
}

std::string shape_text(const std::vector<int64_t>& shape) { return absl::StrCat("[", absl::StrJoin(shape, ", "), "]"); }

std::string tensor_summary(const PyValue& value) {
  const at::Tensor tensor = value.tensor();
  const bool parameter = value.class_name() == "torch.nn.parameter.Parameter";
  std::string text = absl::StrCat(parameter ? "Parameter " : "Tensor ",
                                  std::string(serialization::scalar_type_name(tensor.scalar_type())), " ",
                                  shape_text(tensor.sizes().vec()));
  if (tensor.layout() != c10::kStrided) absl::StrAppend(&text, " ", python_name(tensor.layout()).substr(6));
  if (!tensor.device().is_cpu()) absl::StrAppend(&text, " on ", tensor.device().str());
  if (tensor.requires_grad() && !parameter) text += " requires_grad";
  return text;
}

std::string counted(const PyValue& value, size_t count) {
  const std::string name = value.class_name();
  const size_t dot = name.rfind('.');
  return absl::StrCat(dot == name.npos ? name : name.substr(dot + 1), " of ", count);
}

std::string object_summary(const PyValue& value) {
  const std::string name = printable(value.class_name());
  if (value.is_call()) return absl::StrCat("call of '", name, "', not made");
  return absl::StrCat("object of class '", name, "'");
}

}  // namespace

std::string PyValue::text() const {
  if (kind() == Kind::kBigInt) return decimal(body()->text);
  return body() ? body()->text : std::string();
}

std::string PyValue::summary() const {
  switch (kind()) {
    case Kind::kNone:
      return "None";
    case Kind::kBool:
      return std::get<bool>(value_) ? "True" : "False";
    case Kind::kInt:
      return absl::StrCat(std::get<int64_t>(value_));
    case Kind::kBigInt:
      return text();
    case Kind::kFloat:
      return float_text(std::get<double>(value_));
    case Kind::kComplex: {
      const auto number = std::get<c10::complex<double>>(value_);
      return absl::StrCat("(", float_text(number.real()), number.imag() < 0 ? "" : "+", float_text(number.imag()),
                          "j)");
    }
    case Kind::kString:
      return in_quotes(body()->text);
    case Kind::kBytes:
      return absl::StrCat(body()->class_name, " of ", body()->text.size());
    case Kind::kTensor:
      return tensor_summary(*this);
    case Kind::kStorage:
      return absl::StrCat("storage of ", body()->storage.nbytes(), " bytes");
    case Kind::kArray:
      return absl::StrCat(class_name(), " ",
                          tensor().defined() ? std::string(serialization::scalar_type_name(tensor().scalar_type()))
                                             : printable(body()->text),
                          " ", shape_text(body()->shape));
    case Kind::kDtype:
      return python_name(std::get<c10::ScalarType>(value_));
    case Kind::kDevice:
      return absl::StrCat("device '", std::get<c10::Device>(value_).str(), "'");
    case Kind::kLayout:
      return python_name(std::get<c10::Layout>(value_));
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kSet:
      return counted(*this, items().size());
    case Kind::kDict:
      return counted(*this, entries().size());
    case Kind::kGlobal:
      return absl::StrCat("class or function '", printable(class_name()), "'");
    case Kind::kObject:
      return object_summary(*this);
  }
  return "";
}

std::string PyValue::to_string(int64_t max_items) const {
  std::string text;
  const std::function<void(const PyValue&, std::string_view, int)> print = [&](const PyValue& value,
                                                                               std::string_view name, int depth) {
    absl::StrAppend(&text, std::string(static_cast<size_t>(2 * depth), ' '), name.empty() ? "" : printable(name),
                    name.empty() ? "" : ": ", value.summary(), "\n");
    if (depth >= kMaxPyDepth) return;
    int64_t shown = 0;
    const auto children = value.children();
    for (const auto& [step, child] : children) {
      if (++shown > max_items) {
        absl::StrAppend(&text, std::string(static_cast<size_t>(2 * depth + 2), ' '), "... ",
                        static_cast<int64_t>(children.size()) - max_items, " more\n");
        return;
      }
      print(child, step, depth + 1);
    }
  };
  print(*this, "", 0);
  if (!text.empty()) text.pop_back();
  return text;
}

}  // namespace vesta
