// Recursive descent over the schema's text. A type is parsed into three things at once: the type that
// programs see (ScalarType and SymInt are ints there), the type as declared, and the alias annotation,
// which nests as the type does (`Tensor(a!)[](b)`).

#include "ir/schema_parser.h"

#include <array>
#include <cctype>
#include <charconv>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/class_type.h>
#include <ATen/core/enum_type.h>
#include <ATen/core/jit_type.h>
#include <c10/core/Layout.h>
#include <c10/core/MemoryFormat.h>
#include <c10/core/ScalarType.h>
#include <c10/util/Exception.h>
#include <torch/custom_class_detail.h>

#include "ir/support/status.h"

namespace vesta::ir {
namespace {

// A type as programs see it and as the schema declares it.
struct ParsedType {
  c10::TypePtr fake;
  c10::TypePtr real;
  std::optional<int32_t> fixed_size;  // N of `int[N]`
  std::optional<c10::AliasInfo> alias;
};

struct NamedType {
  std::string_view name;
  c10::TypePtr (*fake)();
  c10::TypePtr (*real)();
};

template <class T>
c10::TypePtr get() {
  return T::get();
}
c10::TypePtr list_of_tensors() { return c10::ListType::ofTensors(); }

constexpr auto kTypes = std::to_array<NamedType>({
    {"Tensor", get<c10::TensorType>, get<c10::TensorType>},
    {"int", get<c10::IntType>, get<c10::IntType>},
    {"float", get<c10::FloatType>, get<c10::FloatType>},
    {"bool", get<c10::BoolType>, get<c10::BoolType>},
    {"complex", get<c10::ComplexType>, get<c10::ComplexType>},
    {"str", get<c10::StringType>, get<c10::StringType>},
    {"Scalar", get<c10::NumberType>, get<c10::NumberType>},
    {"number", get<c10::NumberType>, get<c10::NumberType>},
    {"SymInt", get<c10::IntType>, get<c10::SymIntType>},
    {"SymFloat", get<c10::SymFloatType>, get<c10::SymFloatType>},
    {"SymBool", get<c10::SymBoolType>, get<c10::SymBoolType>},
    {"ScalarType", get<c10::IntType>, get<c10::ScalarTypeType>},
    {"Layout", get<c10::IntType>, get<c10::LayoutType>},
    {"MemoryFormat", get<c10::IntType>, get<c10::MemoryFormatType>},
    {"Device", get<c10::DeviceObjType>, get<c10::DeviceObjType>},
    {"DeviceIndex", get<c10::IntType>, get<c10::IntType>},
    {"Stream", get<c10::StreamObjType>, get<c10::StreamObjType>},
    {"Generator", get<c10::GeneratorType>, get<c10::GeneratorType>},
    {"Storage", get<c10::StorageType>, get<c10::StorageType>},
    {"QScheme", get<c10::QSchemeType>, get<c10::QSchemeType>},
    {"Quantizer", get<c10::QuantizerType>, get<c10::QuantizerType>},
    {"ConstQuantizerPtr", get<c10::IntType>, get<c10::IntType>},
    {"Capsule", get<c10::CapsuleType>, get<c10::CapsuleType>},
    {"Any", get<c10::AnyType>, get<c10::AnyType>},
    {"AnyClassType", get<c10::AnyClassType>, get<c10::AnyClassType>},
    {"AnyEnumType", get<c10::AnyEnumType>, get<c10::AnyEnumType>},
    {"AnyListType", get<c10::AnyListType>, get<c10::AnyListType>},
    {"AnyTupleType", get<c10::AnyTupleType>, get<c10::AnyTupleType>},
    {"AnyList", get<c10::AnyListType>, get<c10::AnyListType>},
    {"AnyTuple", get<c10::AnyTupleType>, get<c10::AnyTupleType>},
    {"None", get<c10::NoneType>, get<c10::NoneType>},
    {"NoneType", get<c10::NoneType>, get<c10::NoneType>},
    {"PyObject", get<c10::PyObjectType>, get<c10::PyObjectType>},
    {"Dimname", get<c10::StringType>, get<c10::StringType>},
    {"TensorList", list_of_tensors, list_of_tensors},
});

struct NamedInt {
  std::string_view name;
  int64_t value;
};

// Names that stand for numbers in defaults.
constexpr auto kNamedInts = std::to_array<NamedInt>({
    {"Mean", 1},
    {"Sum", 2},
    {"contiguous_format", static_cast<int64_t>(c10::MemoryFormat::Contiguous)},
    {"preserve_format", static_cast<int64_t>(c10::MemoryFormat::Preserve)},
    {"channels_last", static_cast<int64_t>(c10::MemoryFormat::ChannelsLast)},
    {"channels_last_3d", static_cast<int64_t>(c10::MemoryFormat::ChannelsLast3d)},
    {"strided", static_cast<int64_t>(c10::Layout::Strided)},
    {"sparse_coo", static_cast<int64_t>(c10::Layout::Sparse)},
    {"float", static_cast<int64_t>(c10::ScalarType::Float)},
    {"double", static_cast<int64_t>(c10::ScalarType::Double)},
    {"long", static_cast<int64_t>(c10::ScalarType::Long)},
    {"int", static_cast<int64_t>(c10::ScalarType::Int)},
    {"bool", static_cast<int64_t>(c10::ScalarType::Bool)},
});

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  absl::StatusOr<c10::FunctionSchema> schema() {
    std::string name = identifier();
    while (!name.empty() && take("::")) absl::StrAppend(&name, "::", identifier());
    if (name.empty()) return expected("an operator's name");
    std::string overload;
    if (take(".")) overload = identifier();
    VESTA_RETURN_IF_ERROR(expect("("));
    std::vector<c10::Argument> arguments;
    bool vararg = false;
    bool keyword_only = false;
    while (!take(")")) {
      if (!arguments.empty() || keyword_only) VESTA_RETURN_IF_ERROR(expect(","));
      if (take("...")) {
        vararg = true;
        VESTA_RETURN_IF_ERROR(expect(")"));
        break;
      }
      if (take("*")) {
        keyword_only = true;
        continue;
      }
      VESTA_ASSIGN_OR_RETURN(c10::Argument argument, this->argument(keyword_only));
      arguments.push_back(std::move(argument));
    }
    VESTA_RETURN_IF_ERROR(expect("->"));
    std::vector<c10::Argument> results;
    bool varret = false;
    VESTA_RETURN_IF_ERROR(this->results(results, varret));
    skip_space();
    if (at_ != text_.size()) return expected("the end");
    try {  // c10 checks the order of defaults and throws.
      return c10::FunctionSchema(std::move(name), std::move(overload), std::move(arguments), std::move(results), vararg,
                                 varret);
    } catch (const c10::Error& error) {
      return expected(absl::StrCat("a valid schema (", error.what_without_backtrace(), ")"));
    }
  }

 private:
  static constexpr int kMaxDepth = 32;

  void skip_space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  bool peek(std::string_view token) {
    skip_space();
    return text_.substr(at_).starts_with(token);
  }
  bool take(std::string_view token) {
    if (!peek(token)) return false;
    at_ += token.size();
    return true;
  }
  absl::Status expected(std::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat("schema '", std::string(text_), "': expected ", std::string(what), " at byte ", at_));
  }
  absl::Status expect(std::string_view token) {
    if (take(token)) return absl::OkStatus();
    return expected(absl::StrCat("'", std::string(token), "'"));
  }
  static bool is_name_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
  std::string identifier() {
    skip_space();
    const size_t begin = at_;
    while (at_ < text_.size() && is_name_char(text_[at_])) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  absl::Status results(std::vector<c10::Argument>& into, bool& varret) {
    if (take("...")) {
      varret = true;
      return absl::OkStatus();
    }
    if (!take("(")) {
      VESTA_ASSIGN_OR_RETURN(c10::Argument result, this->result());
      into.push_back(std::move(result));
      return absl::OkStatus();
    }
    while (!take(")")) {
      if (!into.empty()) VESTA_RETURN_IF_ERROR(expect(","));
      if (take("...")) {
        varret = true;
        return expect(")");
      }
      VESTA_ASSIGN_OR_RETURN(c10::Argument result, this->result());
      into.push_back(std::move(result));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<c10::Argument> result() {
    VESTA_ASSIGN_OR_RETURN(ParsedType type, this->type(0));
    std::string name = identifier();
    return c10::Argument(std::move(name), type.fake, type.real, type.fixed_size, std::nullopt, false,
                         std::move(type.alias));
  }

  absl::StatusOr<c10::Argument> argument(bool keyword_only) {
    VESTA_ASSIGN_OR_RETURN(ParsedType type, this->type(0));
    std::string name = identifier();
    std::optional<c10::IValue> fallback;
    if (take("=")) {
      VESTA_ASSIGN_OR_RETURN(fallback, default_value(*type.real, type.fixed_size));
    }
    return c10::Argument(std::move(name), type.fake, type.real, type.fixed_size, std::move(fallback), keyword_only,
                         std::move(type.alias));
  }

  // ---- Types

  absl::StatusOr<ParsedType> type(int depth) {
    if (depth > kMaxDepth) return expected("a type nested less deep");
    VESTA_ASSIGN_OR_RETURN(ParsedType result, base_type(depth));
    VESTA_ASSIGN_OR_RETURN(std::optional<c10::AliasInfo> own, alias());
    if (own.has_value()) {
      if (result.alias.has_value()) {
        for (const c10::AliasInfo& contained : result.alias->containedTypes()) own->addContainedType(contained);
      }
      result.alias = std::move(own);
    }
    while (true) {
      if (take("[")) {
        const std::string size = identifier();
        VESTA_RETURN_IF_ERROR(expect("]"));
        if (!size.empty()) {
          int32_t n = 0;
          if (std::from_chars(size.data(), size.data() + size.size(), n).ec != std::errc())
            return expected("a list's size");
          result.fixed_size = n;
        }
        result.fake = c10::ListType::create(result.fake);
        result.real = c10::ListType::create(result.real);
        VESTA_ASSIGN_OR_RETURN(std::optional<c10::AliasInfo> outer, alias());
        if (outer.has_value() || result.alias.has_value()) {
          c10::AliasInfo info = outer.value_or(c10::AliasInfo());
          // Writing to elements counts as writing to the list, unless the list says otherwise itself.
          if (!outer.has_value()) info.setIsWrite(result.alias->isWrite());
          if (result.alias.has_value()) info.addContainedType(*std::move(result.alias));
          result.alias = std::move(info);
        }
      } else if (take("?")) {
        result.fake = c10::OptionalType::create(result.fake);
        result.real = c10::OptionalType::create(result.real);
      } else {
        return result;
      }
    }
  }

  absl::StatusOr<ParsedType> base_type(int depth) {
    if (take("(")) return tuple(depth);
    const size_t begin = (skip_space(), at_);
    std::string name = identifier();
    while (peek(".") && !peek("...") && take(".")) absl::StrAppend(&name, ".", identifier());
    if (name == "Dict") return dict(depth);
    if (name == "Future" || name == "RRef" || name == "Await") return wrapper(name, depth);
    if (name == "Union") return union_of(depth);
    for (const NamedType& known : kTypes) {
      if (known.name == name) return ParsedType{known.fake(), known.real(), std::nullopt, std::nullopt};
    }
    constexpr std::string_view kCustom = "__torch__.torch.classes.";
    if (name.starts_with(kCustom)) {
      const c10::ClassTypePtr registered = torch::getCustomClass(name);
      if (registered == nullptr) return expected(absl::StrCat("a registered custom class, found '", name, "'"));
      const c10::TypePtr type(registered);
      return ParsedType{type, type, std::nullopt, std::nullopt};
    }
    // A lower-case identifier that is no known type is a type variable: t, key, tVal.
    if (!name.empty() && std::islower(static_cast<unsigned char>(name[0])) != 0) {
      c10::TypePtr variable = c10::VarType::create(name);
      return ParsedType{variable, variable, std::nullopt, std::nullopt};
    }
    at_ = begin;
    return expected("a type");
  }

  absl::StatusOr<ParsedType> tuple(int depth) {
    std::vector<c10::TypePtr> fake;
    std::vector<c10::TypePtr> real;
    while (!take(")")) {
      if (!fake.empty()) VESTA_RETURN_IF_ERROR(expect(","));
      VESTA_ASSIGN_OR_RETURN(ParsedType element, type(depth + 1));
      fake.push_back(element.fake);
      real.push_back(element.real);
    }
    return ParsedType{c10::TupleType::create(std::move(fake)), c10::TupleType::create(std::move(real)), std::nullopt,
                      std::nullopt};
  }

  absl::StatusOr<ParsedType> dict(int depth) {
    VESTA_RETURN_IF_ERROR(expect("("));
    VESTA_ASSIGN_OR_RETURN(ParsedType key, type(depth + 1));
    VESTA_RETURN_IF_ERROR(expect(","));
    VESTA_ASSIGN_OR_RETURN(ParsedType value, type(depth + 1));
    VESTA_RETURN_IF_ERROR(expect(")"));
    static constexpr std::array kKeyKinds = {
        c10::TypeKind::AnyType,     c10::TypeKind::IntType,    c10::TypeKind::BoolType,   c10::TypeKind::FloatType,
        c10::TypeKind::ComplexType, c10::TypeKind::StringType, c10::TypeKind::TensorType, c10::TypeKind::DeviceObjType};
    bool valid_key = false;
    for (const c10::TypeKind kind : kKeyKinds) valid_key = valid_key || key.fake->kind() == kind;
    if (!valid_key) return expected("a type that can be a dict's key");
    c10::TypePtr type = c10::DictType::create(key.fake, value.fake);
    ParsedType result{type, type, std::nullopt, std::nullopt};
    if (value.alias.has_value()) {
      c10::AliasInfo info;
      info.addContainedType(*std::move(value.alias));
      result.alias = std::move(info);
    }
    return result;
  }

  absl::StatusOr<ParsedType> wrapper(const std::string& name, int depth) {
    VESTA_RETURN_IF_ERROR(expect("("));
    VESTA_ASSIGN_OR_RETURN(ParsedType inner, type(depth + 1));
    VESTA_RETURN_IF_ERROR(expect(")"));
    c10::TypePtr type = c10::FutureType::create(inner.fake);
    if (name == "RRef") type = c10::RRefType::create(inner.fake);
    if (name == "Await") type = c10::AwaitType::create(inner.fake);
    return ParsedType{type, type, std::nullopt, std::nullopt};
  }

  absl::StatusOr<ParsedType> union_of(int depth) {
    const std::string_view close = peek("[") ? "]" : ")";
    VESTA_RETURN_IF_ERROR(expect(close == "]" ? "[" : "("));
    std::vector<c10::TypePtr> members;
    while (!take(close)) {
      if (!members.empty()) VESTA_RETURN_IF_ERROR(expect(","));
      VESTA_ASSIGN_OR_RETURN(ParsedType member, type(depth + 1));
      members.push_back(member.fake);
    }
    if (members.empty()) return expected("a member of the union");
    c10::TypePtr type = c10::UnionType::create(std::move(members));
    return ParsedType{type, type, std::nullopt, std::nullopt};
  }

  // ---- Alias annotations: (a), (a!), (a -> *), (a|b)

  absl::StatusOr<std::optional<c10::AliasInfo>> alias() {
    if (!peek("(")) return std::optional<c10::AliasInfo>();
    take("(");
    c10::AliasInfo info;
    std::vector<c10::Symbol> before;
    VESTA_RETURN_IF_ERROR(alias_sets(before));
    for (const c10::Symbol& set : before) info.addBeforeSet(set);
    if (take("!")) info.setIsWrite(true);
    if (take("->")) {
      std::vector<c10::Symbol> after;
      VESTA_RETURN_IF_ERROR(alias_sets(after));
      for (const c10::Symbol& set : after) info.addAfterSet(set);
    } else {
      for (const c10::Symbol& set : before) info.addAfterSet(set);
    }
    VESTA_RETURN_IF_ERROR(expect(")"));
    return std::optional<c10::AliasInfo>(std::move(info));
  }

  absl::Status alias_sets(std::vector<c10::Symbol>& into) {
    do {
      if (take("*")) {
        into.push_back(c10::AliasInfo::wildcardSet());
        continue;
      }
      const std::string name = identifier();
      if (name.empty()) return expected("an alias set");
      into.push_back(c10::Symbol::fromQualString("alias::" + name));
    } while (take("|"));
    return absl::OkStatus();
  }

  // ---- Default values

  absl::StatusOr<c10::IValue> default_value(const c10::Type& type, std::optional<int32_t> fixed_size) {
    if (take("None")) return c10::IValue();
    switch (type.kind()) {
      case c10::TypeKind::OptionalType:
        return default_value(*type.castRaw<c10::OptionalType>()->getElementType(), fixed_size);
      case c10::TypeKind::ListType:
        return default_list(*type.castRaw<c10::ListType>()->getElementType(), fixed_size);
      case c10::TypeKind::StringType:
        return quoted();
      case c10::TypeKind::DeviceObjType: {
        const std::string name = peek("\"") ? std::string() : identifier();
        if (name == "cpu") return c10::IValue(c10::Device(c10::kCPU));
        return expected("'cpu' or None as a device's default");
      }
      case c10::TypeKind::TensorType:
      case c10::TypeKind::GeneratorType:
        return expected("'None'");
      default:
        return scalar(type);
    }
  }

  absl::StatusOr<c10::IValue> default_list(const c10::Type& element, std::optional<int32_t> fixed_size) {
    std::vector<c10::IValue> values;
    if (take("[")) {
      while (!take("]")) {
        if (!values.empty()) VESTA_RETURN_IF_ERROR(expect(","));
        VESTA_ASSIGN_OR_RETURN(c10::IValue value, default_value(element, std::nullopt));
        values.push_back(std::move(value));
      }
    } else {
      VESTA_ASSIGN_OR_RETURN(c10::IValue value, default_value(element, std::nullopt));
      values.assign(static_cast<size_t>(fixed_size.value_or(1)), value);
    }
    return list_value(element, values);
  }

  absl::StatusOr<c10::IValue> list_value(const c10::Type& element, const std::vector<c10::IValue>& values) {
    auto convert = [&]<class T>(auto read) {
      c10::List<T> list;
      for (const c10::IValue& value : values) list.push_back(read(value));
      return c10::IValue(std::move(list));
    };
    switch (element.kind()) {
      case c10::TypeKind::FloatType:
        return convert.template operator()<double>([](const c10::IValue& v) { return v.toDouble(); });
      case c10::TypeKind::BoolType:
        return convert.template operator()<bool>([](const c10::IValue& v) { return v.toBool(); });
      case c10::TypeKind::StringType:
        return convert.template operator()<std::string>([](const c10::IValue& v) { return v.toStringRef(); });
      case c10::TypeKind::TensorType:
        if (values.empty()) return c10::IValue(c10::List<at::Tensor>());
        return expected("an empty list of tensors");
      case c10::TypeKind::IntType:
      case c10::TypeKind::SymIntType:
        return convert.template operator()<int64_t>([](const c10::IValue& v) { return v.toInt(); });
      default: {
        c10::List<c10::IValue> list(c10::AnyType::get());
        for (const c10::IValue& value : values) list.push_back(value);
        return c10::IValue(std::move(list));
      }
    }
  }

  absl::StatusOr<c10::IValue> quoted() {
    skip_space();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '"' && quote != '\'') return expected("a string");
    std::string value;
    for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
        ++at_;
        const char escaped = text_[at_];
        constexpr std::string_view kLetters = "ntrfv";
        constexpr std::string_view kMeanings = "\n\t\r\f\v";
        const size_t letter = kLetters.find(escaped);
        value.push_back(letter == std::string_view::npos ? escaped : kMeanings[letter]);
      } else {
        value.push_back(text_[at_]);
      }
    }
    if (at_ == text_.size()) return expected("the string's end");
    ++at_;
    return c10::IValue(std::move(value));
  }

  absl::StatusOr<c10::IValue> scalar(const c10::Type& type) {
    skip_space();
    if (peek("\"")) return quoted();
    const size_t begin = at_;
    while (at_ < text_.size() &&
           (is_name_char(text_[at_]) || text_[at_] == '.' || text_[at_] == '-' || text_[at_] == '+')) {
      const bool sign = text_[at_] == '-' || text_[at_] == '+';
      if (sign && at_ > begin && text_[at_ - 1] != 'e') break;
      ++at_;
    }
    const std::string_view word = text_.substr(begin, at_ - begin);
    if (word == "True" || word == "False") return c10::IValue(word == "True");
    const bool wants_float = type.kind() == c10::TypeKind::FloatType || type.kind() == c10::TypeKind::SymFloatType;
    if (word == "inf" || word == "-inf") {
      const double infinity = std::numeric_limits<double>::infinity();
      return c10::IValue(word == "inf" ? infinity : -infinity);
    }
    int64_t integer = 0;
    const char* end = word.data() + word.size();
    if (auto parsed = std::from_chars(word.data(), end, integer); parsed.ec == std::errc() && parsed.ptr == end) {
      if (wants_float) return c10::IValue(static_cast<double>(integer));
      return c10::IValue(integer);
    }
    double number = 0;
    if (auto parsed = std::from_chars(word.data(), end, number); parsed.ec == std::errc() && parsed.ptr == end) {
      return c10::IValue(number);
    }
    for (const NamedInt& known : kNamedInts) {
      if (known.name == word) return c10::IValue(known.value);
    }
    at_ = begin;
    return expected("a default value");
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

absl::StatusOr<c10::FunctionSchema> parse_schema(std::string_view text) {
  try {  // c10 refuses some types, such as Optional[None], by throwing.
    return Parser(text).schema();
  } catch (const c10::Error& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("schema '", std::string(text), "': ", error.what_without_backtrace()));
  }
}

}  // namespace vesta::ir
