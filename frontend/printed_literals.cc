#include "frontend/printed_literals.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <ATen/core/enum_type.h>

#include "absl/strings/str_cat.h"

namespace vesta::frontend {
namespace {

using c10::IValue;

std::string finite_text(double value) {
  char buffer[64];
  std::string text(buffer, std::to_chars(buffer, buffer + sizeof(buffer), value).ptr);
  if (text.find_first_of(".e") == std::string::npos) text += ".";
  return text;
}

std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return finite_text(value);
}

bool has_complex_literal(c10::complex<double> value) {
  return std::isfinite(value.real()) && std::isfinite(value.imag()) &&
         !(value.imag() == 0 && std::signbit(value.imag())) && !(value.real() == 0 && std::signbit(value.real()));
}

std::string complex_text(c10::complex<double> value) {
  const std::string imaginary = finite_text(value.imag());
  return absl::StrCat(finite_text(value.real()), imaginary[0] == '-' ? "" : "+", imaginary, "j");
}

// Types that a literal tells by itself.
bool tells_itself(const IValue& value) {
  return value.isInt() || value.isDouble() || value.isBool() || value.isString() || value.isComplexDouble() ||
         value.isTensor() || value.isEnum();
}

bool is_plain_list(const IValue& value) {
  if (!value.isList() || value.toListRef().empty()) return false;
  const c10::ArrayRef<IValue> elements = value.toListRef();
  for (const IValue& element : elements) {
    if (!tells_itself(element) || element.tagKind() != elements[0].tagKind()) return false;
  }
  return elements[0].type()->isSubtypeOf(*value.toList().elementType());
}

// Whether no literal gives `value`. A container goes into the table as a whole.
bool needs_table(const IValue& value) {
  if (value.isString()) return !is_printable_text(value.toStringRef());
  if (value.isComplexDouble()) return !has_complex_literal(value.toComplexDouble());
  if (value.isList()) return std::any_of(value.toListRef().begin(), value.toListRef().end(), needs_table);
  if (value.isTuple()) {
    const auto& elements = value.toTupleRef().elements();
    return std::any_of(elements.begin(), elements.end(), needs_table);
  }
  if (value.isGenericDict()) {
    for (const auto& item : value.toGenericDict()) {
      if (needs_table(item.key()) || needs_table(item.value())) return true;
    }
    return false;
  }
  return !value.isNone() && !value.isInt() && !value.isBool() && !value.isDouble() && !value.isDevice() &&
         !value.isEnum();
}

class LiteralPrinter {
 public:
  LiteralPrinter(ProgramNames& names, ConstantTable& constants) : names_(names), constants_(constants) {}

  std::string print(const IValue& value) {
    if (needs_table(value)) return absl::StrCat("CONSTANTS.c", constants_.index_of(value));
    if (value.isNone()) return "None";
    if (value.isInt()) return absl::StrCat(value.toInt());
    if (value.isBool()) return value.toBool() ? "True" : "False";
    if (value.isDouble()) return float_text(value.toDouble());
    if (value.isString()) return string_literal(value.toStringRef());
    if (value.isDevice()) return absl::StrCat("torch.device(", string_literal(value.toDevice().str()), ")");
    if (value.isComplexDouble()) return complex_text(value.toComplexDouble());
    if (value.isEnum()) {
      const auto holder = value.toEnumHolder();
      return absl::StrCat(names_.of(named_type(*holder->type())), ".", holder->name());
    }
    if (value.isList()) return list(value);
    if (value.isTuple()) return tuple(value);
    return dict(value);
  }

 private:
  std::string list(const IValue& value) {
    std::string text;
    for (const IValue& element : value.toListRef()) absl::StrAppend(&text, text.empty() ? "" : ", ", print(element));
    text = absl::StrCat("[", text, "]");
    if (is_plain_list(value)) return text;
    return absl::StrCat("annotate(List[", names_.annotation(*value.toList().elementType()), "], ", text, ")");
  }

  std::string tuple(const IValue& value) {
    const auto& elements = value.toTupleRef().elements();
    std::string text;
    for (const IValue& element : elements) absl::StrAppend(&text, text.empty() ? "" : ", ", print(element));
    const c10::TypePtr type = value.type();
    if (is_program_tuple(type->expectRef<c10::TupleType>()))
      return absl::StrCat(names_.of(named_type(*type)), "(", text, ")");
    return absl::StrCat("(", text, elements.size() == 1 ? ",)" : ")");
  }

  std::string dict(const IValue& value) {
    const auto items = value.toGenericDict();
    std::string text;
    for (const auto& item : items)
      absl::StrAppend(&text, text.empty() ? "" : ", ", print(item.key()), ": ", print(item.value()));
    return absl::StrCat("annotate(Dict[", names_.annotation(*items.keyType()), ", ",
                        names_.annotation(*items.valueType()), "], {", text, "})");
  }

  ProgramNames& names_;
  ConstantTable& constants_;
};

bool same_constant(const IValue& a, const IValue& b) {
  if (a.isString() && b.isString()) return a.toStringRef() == b.toStringRef();
  if (a.isTensor() && b.isTensor()) return a.toTensor().is_same(b.toTensor());
  return a.isPtrType() && b.isPtrType() && a.is(b);
}

}  // namespace

size_t ConstantTable::index_of(const IValue& value) {
  for (size_t i = 0; i < values_.size(); ++i) {
    if (same_constant(values_[i], value)) return i;
  }
  values_.push_back(value);
  return values_.size() - 1;
}

bool is_printable_text(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80 || c == '\0') return false;
  }
  return true;
}

std::string string_literal(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    switch (c) {
      case '\n':
        result += "\\n";
        break;
      case '\t':
        result += "\\t";
        break;
      case '\r':
        result += "\\r";
        break;
      case '"':
      case '\\':
        result += '\\';
        result += c;
        break;
      default:
        if (c >= ' ' && c < 0x7f) {
          result += c;
        } else {  // Octal, three digits: every reader of archives knows it.
          const unsigned code = static_cast<unsigned char>(c);
          for (const int shift : {6, 3, 0}) {
            if (shift == 6) result += '\\';
            result += static_cast<char>('0' + (code >> shift & 7));
          }
        }
    }
  }
  return result + "\"";
}

bool same_plain_constant(const IValue& a, const IValue& b) {
  if (a.isNone() || b.isNone()) return a.isNone() && b.isNone();
  if (a.isInt() && b.isInt()) return a.toInt() == b.toInt();
  if (a.isBool() && b.isBool()) return a.toBool() == b.toBool();
  if (a.isDouble() && b.isDouble()) return a.toDouble() == b.toDouble();
  if (a.isString() && b.isString()) return a.toStringRef() == b.toStringRef();
  if (a.isDevice() && b.isDevice()) return a.toDevice() == b.toDevice();
  if (a.isEnum() && b.isEnum()) {
    const auto x = a.toEnumHolder(), y = b.toEnumHolder();
    return x->name() == y->name() && x->type() == y->type();
  }
  if (!a.isList() || !b.isList()) return false;
  const auto x = a.toListRef(), y = b.toListRef();
  if (x.size() != y.size()) return false;
  for (size_t i = 0; i < x.size(); ++i) {
    if (!same_plain_constant(x[i], y[i])) return false;
  }
  return true;
}

std::string literal(const IValue& value, const c10::TypePtr& type, ProgramNames& names, ConstantTable& constants) {
  const std::string text = LiteralPrinter(names, constants).print(value);
  if (value.isNone() && type != nullptr && type->kind() != c10::TypeKind::NoneType)
    return absl::StrCat("annotate(", names.annotation(*type), ", None)");
  return text;
}

}  // namespace vesta::frontend
