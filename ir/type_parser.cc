// Recursive descent. A base type is a tuple in parentheses, a name with arguments in brackets or parentheses,
// or a plain name; then follow any number of `[]`, `[N]`, `?` and alias annotations. Each level of nesting,
// suffixes included, counts against the limit, since c10 walks types by recursion.

#include "ir/type_parser.h"

#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/class_type.h>
#include <ATen/core/enum_type.h>
#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>
#include <c10/util/Exception.h>
#include <torch/custom_class_detail.h>

#include "absl/strings/str_cat.h"
#include "ir/program.h"
#include "ir/support/status.h"

namespace vesta::ir {
namespace {

template <class T>
c10::TypePtr get() {
  return T::get();
}

struct NamedType {
  std::string_view name;
  c10::TypePtr (*make)();
};

constexpr auto kNamedTypes = std::to_array<NamedType>({
    {"Tensor", get<c10::TensorType>},
    {"int", get<c10::IntType>},
    {"float", get<c10::FloatType>},
    {"bool", get<c10::BoolType>},
    {"str", get<c10::StringType>},
    {"complex", get<c10::ComplexType>},
    {"number", get<c10::NumberType>},
    {"Scalar", get<c10::NumberType>},
    {"Any", get<c10::AnyType>},
    {"None", get<c10::NoneType>},
    {"NoneType", get<c10::NoneType>},
    {"Device", get<c10::DeviceObjType>},
    {"Stream", get<c10::StreamObjType>},
    {"Generator", get<c10::GeneratorType>},
    {"Storage", get<c10::StorageType>},
    {"Capsule", get<c10::CapsuleType>},
    {"PyObject", get<c10::PyObjectType>},
    {"QScheme", get<c10::QSchemeType>},
    {"Quantizer", get<c10::QuantizerType>},
    {"ScalarType", get<c10::ScalarTypeType>},
    {"Layout", get<c10::LayoutType>},
    {"MemoryFormat", get<c10::MemoryFormatType>},
    {"SymInt", get<c10::SymIntType>},
    {"SymFloat", get<c10::SymFloatType>},
    {"SymBool", get<c10::SymBoolType>},
    {"list", get<c10::AnyListType>},
    {"AnyList", get<c10::AnyListType>},
    {"AnyListType", get<c10::AnyListType>},
    {"tuple", get<c10::AnyTupleType>},
    {"AnyTuple", get<c10::AnyTupleType>},
    {"AnyTupleType", get<c10::AnyTupleType>},
    {"AnyClassType", get<c10::AnyClassType>},
    {"AnyEnumType", get<c10::AnyEnumType>},
});

using Types = std::vector<c10::TypePtr>;

// Types with arguments. `count` of them are wanted (-1: any number).
struct GenericType {
  std::string_view name;
  int count;
  c10::TypePtr (*make)(Types&& arguments);
};

constexpr auto kGenericTypes = std::to_array<GenericType>({
    {"List", 1, [](Types&& a) -> c10::TypePtr { return c10::ListType::create(std::move(a[0])); }},
    {"list", 1, [](Types&& a) -> c10::TypePtr { return c10::ListType::create(std::move(a[0])); }},
    {"Dict", 2, [](Types&& a) -> c10::TypePtr { return c10::DictType::create(std::move(a[0]), std::move(a[1])); }},
    {"dict", 2, [](Types&& a) -> c10::TypePtr { return c10::DictType::create(std::move(a[0]), std::move(a[1])); }},
    {"Optional", 1, [](Types&& a) -> c10::TypePtr { return c10::OptionalType::create(std::move(a[0])); }},
    {"Tuple", -1, [](Types&& a) -> c10::TypePtr { return c10::TupleType::create(std::move(a)); }},
    {"tuple", -1, [](Types&& a) -> c10::TypePtr { return c10::TupleType::create(std::move(a)); }},
    {"Union", -1, [](Types&& a) -> c10::TypePtr { return c10::UnionType::create(std::move(a)); }},
    {"Future", 1, [](Types&& a) -> c10::TypePtr { return c10::FutureType::create(std::move(a[0])); }},
    {"Await", 1, [](Types&& a) -> c10::TypePtr { return c10::AwaitType::create(std::move(a[0])); }},
    {"RRef", 1, [](Types&& a) -> c10::TypePtr { return c10::RRefType::create(std::move(a[0])); }},
});

bool is_name_char(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0; }

std::optional<c10::ScalarType> scalar_type_of(std::string_view name) {
  for (int8_t i = 0; i < static_cast<int8_t>(c10::ScalarType::NumOptions); ++i) {
    const auto type = static_cast<c10::ScalarType>(i);
    if (name == c10::toString(type)) return type;
  }
  return std::nullopt;
}

// What a printed graph tells of a tensor: `Float(2, *, strides=[3, 1], requires_grad=0, device=cpu)`.
struct TensorFacts {
  std::optional<c10::ScalarType> scalar_type;
  std::optional<std::vector<std::optional<int64_t>>> sizes;
  std::optional<std::vector<int64_t>> strides;
  std::optional<bool> requires_grad;
  std::optional<c10::Device> device;
  bool undefined = false;
};

class TypeParser {
 public:
  TypeParser(std::string_view text, size_t position, const TypeResolver& resolver, const Limits& limits)
      : text_(text), at_(position), resolver_(resolver), limits_(limits) {}

  // c10 checks keys of dicts and members of unions and optionals, and throws; here that is an error.
  absl::StatusOr<c10::TypePtr> guarded_type() {
    try {
      return type();
    } catch (const c10::Error& error) {
      return expected(absl::StrCat("another type before here (", error.what_without_backtrace(), ")"));
    }
  }
  size_t position() const { return at_; }
  void skip_space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }
  absl::Status expected(std::string_view what) const {
    constexpr size_t kShown = 60;
    const std::string shown(text_.substr(0, kShown));
    return absl::InvalidArgumentError(absl::StrCat("type '", shown, text_.size() > kShown ? "..." : "", "': expected ",
                                                   std::string(what), " at byte ", at_));
  }

 private:
  bool peek(std::string_view token) {
    skip_space();
    return text_.substr(at_).starts_with(token);
  }
  bool take(std::string_view token) {
    if (!peek(token)) return false;
    at_ += token.size();
    return true;
  }
  absl::Status expect(std::string_view token) {
    if (take(token)) return absl::OkStatus();
    return expected(absl::StrCat("'", std::string(token), "'"));
  }
  std::string_view word() {
    skip_space();
    const size_t begin = at_;
    while (at_ < text_.size() && is_name_char(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }
  std::string_view dotted_name();
  absl::StatusOr<int64_t> integer();
  // Negative sizes are c10's numbers of unknown ones.
  absl::StatusOr<int64_t> not_negative() {
    VESTA_ASSIGN_OR_RETURN(const int64_t number, integer());
    if (number < 0) return expected("a number that is not negative before here");
    return number;
  }
  absl::Status go_deeper();

  absl::StatusOr<c10::TypePtr> type();
  absl::StatusOr<c10::TypePtr> base();
  absl::StatusOr<bool> suffix(c10::TypePtr& type);
  bool take_alias_annotation();
  absl::Status list_of_types(std::string_view close, Types& types);
  absl::StatusOr<c10::TypePtr> generic(const GenericType& generic);
  absl::StatusOr<c10::TypePtr> bracketed_name(std::string_view close);
  absl::StatusOr<c10::TypePtr> named_tuple();
  absl::StatusOr<c10::TypePtr> resolve(std::string_view name, size_t begin);
  bool at_tensor_facts(std::string_view name);
  absl::StatusOr<c10::TypePtr> tensor(std::string_view name);
  absl::Status tensor_fact(TensorFacts& facts);
  absl::StatusOr<c10::TypePtr> make_tensor(const TensorFacts& facts);

  std::string_view text_;
  size_t at_;
  const TypeResolver& resolver_;
  const Limits& limits_;
  int64_t depth_ = 0;
};

std::string_view TypeParser::dotted_name() {
  const size_t begin = (skip_space(), at_);
  word();
  while (at_ + 1 < text_.size() && text_[at_] == '.' && is_name_char(text_[at_ + 1])) {
    ++at_;
    word();
  }
  return text_.substr(begin, at_ - begin);
}

absl::StatusOr<int64_t> TypeParser::integer() {
  skip_space();
  int64_t value = 0;
  const auto parsed = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
  if (parsed.ec != std::errc()) return expected("a number");
  at_ = static_cast<size_t>(parsed.ptr - text_.data());
  return value;
}

absl::Status TypeParser::go_deeper() {
  if (++depth_ <= limits_.type_depth) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("type '", std::string(text_.substr(0, 60)),
                                                   "...' nests deeper than ", limits_.type_depth, " levels"));
}

absl::StatusOr<c10::TypePtr> TypeParser::type() {
  const int64_t depth = depth_;
  VESTA_RETURN_IF_ERROR(go_deeper());
  VESTA_ASSIGN_OR_RETURN(c10::TypePtr type, base());
  for (;;) {
    VESTA_ASSIGN_OR_RETURN(const bool more, suffix(type));
    if (!more) break;
    VESTA_RETURN_IF_ERROR(go_deeper());
  }
  depth_ = depth;
  return type;
}

// Takes one `[]`, `[N]`, `?` or alias annotation, if there is one.
absl::StatusOr<bool> TypeParser::suffix(c10::TypePtr& type) {
  if (take("?")) {
    type = c10::OptionalType::create(type);
    return true;
  }
  const size_t begin = at_;
  if (take("[")) {
    if (!peek("]")) {
      const absl::StatusOr<int64_t> size = integer();
      if (!size.ok()) {  // not ours: an attribute list of the text around
        at_ = begin;
        return false;
      }
    }
    VESTA_RETURN_IF_ERROR(expect("]"));
    type = c10::ListType::create(type);
    return true;
  }
  return take_alias_annotation();
}

// `(a!)`, `(a|b -> *)`
bool TypeParser::take_alias_annotation() {
  const size_t begin = at_;
  const auto sets = [&] {
    do {
      if (!take("*") && word().empty()) return false;
    } while (take("|"));
    return true;
  };
  if (take("(") && sets()) {
    take("!");
    if ((!take("->") || sets()) && take(")")) return true;
  }
  at_ = begin;
  return false;
}

absl::Status TypeParser::list_of_types(std::string_view close, Types& types) {
  while (!take(close)) {
    if (!types.empty()) {
      VESTA_RETURN_IF_ERROR(expect(","));
      if (take(close)) break;
    }
    VESTA_ASSIGN_OR_RETURN(c10::TypePtr element, type());
    types.push_back(std::move(element));
  }
  return absl::OkStatus();
}

absl::StatusOr<c10::TypePtr> TypeParser::generic(const GenericType& generic) {
  const std::string_view close = take("[") ? "]" : ")";
  if (close == ")") VESTA_RETURN_IF_ERROR(expect("("));
  Types arguments;
  if (generic.count < 0 && close == "]" && peek("()")) {  // Tuple[()]
    take("()");
    VESTA_RETURN_IF_ERROR(expect("]"));
  } else {
    VESTA_RETURN_IF_ERROR(list_of_types(close, arguments));
  }
  if (generic.count >= 0 && arguments.size() != static_cast<size_t>(generic.count)) {
    return expected(absl::StrCat(generic.count, " arguments of '", std::string(generic.name), "' before here, got ",
                                 arguments.size(), ","));
  }
  if (generic.name == "Union" && arguments.empty()) return expected("a member of the union");
  return generic.make(std::move(arguments));
}

// `Enum<__torch__.Color>`, `InterfaceType<Name>`
absl::StatusOr<c10::TypePtr> TypeParser::bracketed_name(std::string_view close) {
  const size_t begin = at_;
  const std::string_view name = dotted_name();
  VESTA_ASSIGN_OR_RETURN(c10::TypePtr type, resolve(name, begin));
  VESTA_RETURN_IF_ERROR(expect(close));
  return type;
}

// `NamedTuple(x : int, y : str)`: its own name is not printed.
absl::StatusOr<c10::TypePtr> TypeParser::named_tuple() {
  std::vector<std::string> names;
  Types types;
  VESTA_RETURN_IF_ERROR(expect("("));
  while (!take(")")) {
    if (!names.empty()) VESTA_RETURN_IF_ERROR(expect(","));
    const std::string_view name = word();
    if (name.empty()) return expected("a field's name");
    names.emplace_back(name);
    VESTA_RETURN_IF_ERROR(expect(":"));
    VESTA_ASSIGN_OR_RETURN(c10::TypePtr field, type());
    types.push_back(std::move(field));
  }
  return c10::TypePtr(c10::TupleType::createNamed(c10::QualifiedName("NamedTuple"), names, types));
}

absl::StatusOr<c10::TypePtr> TypeParser::resolve(std::string_view name, size_t begin) {
  if (name.empty()) return expected("a type");
  if (resolver_) {
    if (c10::TypePtr type = resolver_(name)) return type;
  }
  if (std::islower(static_cast<unsigned char>(name[0])) != 0 && name.find('.') == std::string_view::npos) {
    return c10::TypePtr(c10::VarType::create(std::string(name)));
  }
  at_ = begin;
  return expected(absl::StrCat("a known type, found '", std::string(name), "'"));
}

absl::StatusOr<c10::TypePtr> TypeParser::base() {
  if (take("(")) {
    Types elements;
    VESTA_RETURN_IF_ERROR(list_of_types(")", elements));
    return c10::TypePtr(c10::TupleType::create(std::move(elements)));
  }
  const size_t begin = (skip_space(), at_);
  const std::string_view name = dotted_name();
  if (at_tensor_facts(name)) return tensor(name);
  const bool has_brackets = peek("[") && !text_.substr(at_).starts_with("[]");
  for (const GenericType& known : kGenericTypes) {
    if (known.name == name && (has_brackets || peek("("))) return generic(known);
  }
  if (name == "NamedTuple") return named_tuple();
  if ((name == "Enum" || name == "InterfaceType") && take("<")) return bracketed_name(">");
  for (const NamedType& known : kNamedTypes) {
    if (known.name == name) return known.make();
  }
  return resolve(name, begin);
}

// ---- Tensors of printed graphs

bool TypeParser::at_tensor_facts(std::string_view name) {
  constexpr std::string_view kTensor = "Tensor";
  if (name == kTensor) {
    if (text_.substr(at_).starts_with("[Undefined]")) return true;
    return text_.substr(at_).starts_with("(requires_grad=") || text_.substr(at_).starts_with("(device=");
  }
  const bool has_suffix = name.size() > kTensor.size() && name.ends_with(kTensor);
  const std::string_view scalar = has_suffix ? name.substr(0, name.size() - kTensor.size()) : name;
  return scalar_type_of(scalar).has_value() && (has_suffix || text_.substr(at_).starts_with("("));
}

absl::StatusOr<c10::TypePtr> TypeParser::tensor(std::string_view name) {
  constexpr std::string_view kTensor = "Tensor";
  TensorFacts facts;
  if (name.ends_with(kTensor)) {
    name.remove_suffix(kTensor.size());
  } else {
    facts.sizes.emplace();
  }
  facts.scalar_type = scalar_type_of(name);
  if (text_.substr(at_).starts_with("(")) {
    take("(");
    for (bool first = true; !take(")"); first = false) {
      if (!first) VESTA_RETURN_IF_ERROR(expect(","));
      VESTA_RETURN_IF_ERROR(tensor_fact(facts));
    }
  }
  facts.undefined = take("[Undefined]");
  return make_tensor(facts);
}

absl::Status TypeParser::tensor_fact(TensorFacts& facts) {
  if (take("strides=[")) {
    facts.strides.emplace();
    while (!take("]")) {
      if (!facts.strides->empty()) VESTA_RETURN_IF_ERROR(expect(","));
      VESTA_ASSIGN_OR_RETURN(facts.strides->emplace_back(), not_negative());
    }
    return absl::OkStatus();
  }
  if (take("requires_grad=")) {
    VESTA_ASSIGN_OR_RETURN(const int64_t flag, integer());
    facts.requires_grad = flag != 0;
    return absl::OkStatus();
  }
  if (take("device=")) {
    std::string name(word());
    if (take(":")) absl::StrAppend(&name, ":", std::string(word()));
    try {
      facts.device = c10::Device(name);
    } catch (const c10::Error&) {
      return expected(absl::StrCat("a device before here, found '", name, "',"));
    }
    return absl::OkStatus();
  }
  if (!facts.sizes.has_value()) return expected("'requires_grad=' or 'device='");
  if (take("*")) {
    facts.sizes->push_back(std::nullopt);
    return absl::OkStatus();
  }
  VESTA_ASSIGN_OR_RETURN(facts.sizes->emplace_back(), not_negative());
  return absl::OkStatus();
}

absl::StatusOr<c10::TypePtr> TypeParser::make_tensor(const TensorFacts& facts) {
  if (facts.undefined && !facts.sizes.has_value() && !facts.scalar_type.has_value()) {
    return c10::TypePtr(c10::TensorType::get()->withUndefined());
  }
  const bool has_strides = facts.strides.has_value();
  const size_t rank = facts.sizes.has_value() ? facts.sizes->size() : 0;
  std::vector<int64_t> known_sizes;
  for (size_t i = 0; i < rank; ++i) {
    if ((*facts.sizes)[i].has_value()) known_sizes.push_back(*(*facts.sizes)[i]);
  }
  if (has_strides && (known_sizes.size() != rank || facts.strides->size() != rank)) {
    return expected("as many strides as there are known sizes before here");
  }
  if (has_strides || (facts.sizes.has_value() && rank == 0)) {
    const std::vector<int64_t> strides = facts.strides.value_or(std::vector<int64_t>());
    return c10::TypePtr(
        c10::TensorType::create(facts.scalar_type, facts.device, c10::VaryingShape<int64_t>(known_sizes),
                                c10::VaryingShape<int64_t>(strides), facts.requires_grad, facts.undefined));
  }
  const c10::SymbolicShape sizes = facts.sizes.has_value() ? c10::SymbolicShape(*facts.sizes) : c10::SymbolicShape();
  return c10::TypePtr(c10::TensorType::create(facts.scalar_type, facts.device, sizes, c10::VaryingShape<c10::Stride>(),
                                              facts.requires_grad, facts.undefined));
}

}  // namespace

TypeResolver resolver_of(const Program* program) {
  return [program](std::string_view name) -> c10::TypePtr {
    if (program != nullptr) {
      if (c10::NamedTypePtr type = program->find_type(name)) return type;
      if (name.find('.') == std::string_view::npos) {
        for (const c10::NamedTypePtr& type : program->types()) {
          if (type->name().has_value() && type->name()->name() == name) return type;
        }
      }
    }
    if (name.starts_with("__torch__.torch.classes.")) return torch::getCustomClass(std::string(name));
    return nullptr;
  };
}

absl::StatusOr<c10::TypePtr> parse_type_at(std::string_view text, size_t& position, const TypeResolver& resolver,
                                           const Limits& limits) {
  TypeParser parser(text, position, resolver, limits);
  VESTA_ASSIGN_OR_RETURN(c10::TypePtr type, parser.guarded_type());
  position = parser.position();
  return type;
}

absl::StatusOr<c10::TypePtr> parse_type(std::string_view text, const TypeResolver& resolver, const Limits& limits) {
  TypeParser parser(text, 0, resolver, limits);
  VESTA_ASSIGN_OR_RETURN(c10::TypePtr type, parser.guarded_type());
  parser.skip_space();
  if (parser.position() != text.size()) return parser.expected("the end");
  return type;
}

}  // namespace vesta::ir
