#include "frontend/printed_names.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include <ATen/core/enum_type.h>

#include "absl/strings/str_cat.h"

namespace vesta::frontend {
namespace {

constexpr std::string_view kRoot = "__torch__.";
constexpr std::string_view kRegistered = "__torch__.torch.classes.";

// Python's keywords, and the names that printed source itself uses.
constexpr std::array kReserved = {
    std::string_view("False"),
    std::string_view("None"),
    std::string_view("True"),
    std::string_view("and"),
    std::string_view("as"),
    std::string_view("assert"),
    std::string_view("async"),
    std::string_view("await"),
    std::string_view("break"),
    std::string_view("class"),
    std::string_view("continue"),
    std::string_view("def"),
    std::string_view("del"),
    std::string_view("elif"),
    std::string_view("else"),
    std::string_view("except"),
    std::string_view("finally"),
    std::string_view("for"),
    std::string_view("from"),
    std::string_view("global"),
    std::string_view("if"),
    std::string_view("import"),
    std::string_view("in"),
    std::string_view("is"),
    std::string_view("lambda"),
    std::string_view("nonlocal"),
    std::string_view("not"),
    std::string_view("or"),
    std::string_view("pass"),
    std::string_view("raise"),
    std::string_view("return"),
    std::string_view("try"),
    std::string_view("while"),
    std::string_view("with"),
    std::string_view("yield"),
    std::string_view("torch"),
    std::string_view("ops"),
    std::string_view("CONSTANTS"),
    std::string_view("__torch__"),
    std::string_view("inf"),
    std::string_view("nan"),
    std::string_view("infj"),
    std::string_view("nanj"),
    std::string_view("range"),
    std::string_view("annotate"),
    std::string_view("uninitialized"),
    std::string_view("unchecked_cast"),
    std::string_view("isinstance"),
    std::string_view("getattr"),
    std::string_view("fork"),
    std::string_view("awaitable"),
};

// Names that source can do without: a parameter may have them, a variable need not.
constexpr std::array kBuiltins = {std::string_view("int"), std::string_view("float"),   std::string_view("bool"),
                                  std::string_view("str"), std::string_view("complex"), std::string_view("print")};

bool is_reserved(std::string_view name) {
  return std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end();
}

bool is_builtin(std::string_view name) {
  return std::find(kBuiltins.begin(), kBuiltins.end(), name) != kBuiltins.end();
}

bool is_temporary(std::string_view name) {
  return name.size() > 1 && name[0] == '_' &&
         std::all_of(name.begin() + 1, name.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::string as_identifier(std::string_view name) {
  std::string text(name);
  for (char& c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_') c = '_';
  }
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text[0])) != 0) text.insert(0, "_");
  return text;
}

}  // namespace

c10::NamedTypePtr named_type(const c10::Type& type) {
  auto& shared = const_cast<c10::Type&>(type);
  switch (type.kind()) {
    case c10::TypeKind::ClassType:
      return shared.cast<c10::ClassType>();
    case c10::TypeKind::InterfaceType:
      return shared.cast<c10::InterfaceType>();
    case c10::TypeKind::EnumType:
      return shared.cast<c10::EnumType>();
    case c10::TypeKind::TupleType:
      return shared.cast<c10::TupleType>();
    default:
      return nullptr;
  }
}

bool is_plain_name(std::string_view name) {
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0])) != 0 || is_reserved(name)) return false;
  return std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

std::string_view name_stem(std::string_view name) {
  const size_t dot = name.rfind('.');
  if (dot == name.npos || dot + 1 == name.size()) return name;
  const std::string_view digits = name.substr(dot + 1);
  const bool numbered = std::all_of(digits.begin(), digits.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  return numbered ? name.substr(0, dot) : name;
}

bool is_program_tuple(const c10::TupleType& type) {
  return type.name().has_value() && type.schema() != nullptr && type.name()->qualifiedName().starts_with(kRoot);
}

bool is_registered_class(const c10::Type& type) {
  const auto* object = type.castRaw<c10::ClassType>();
  return object != nullptr && object->name().has_value() && object->name()->qualifiedName().starts_with(kRegistered);
}

std::string ProgramNames::unique(std::string name) {
  if (!name.starts_with(kRoot)) name.insert(0, kRoot);
  if (taken_.insert(name).second) return name;
  const size_t dot = name.rfind('.');
  for (size_t i = 0;; ++i) {
    std::string mangled = absl::StrCat(name.substr(0, dot), ".___torch_mangle_", i, name.substr(dot));
    if (taken_.insert(mangled).second) return mangled;
  }
}

const std::string& ProgramNames::of(const c10::NamedTypePtr& type) {
  auto [it, added] = type_names_.try_emplace(type.get());
  if (added) {
    const std::string own = type->name()->qualifiedName();
    it->second = is_registered_class(*type) ? own : unique(own);
    types_.push_back(type);
  }
  return it->second;
}

std::string ProgramNames::of(torch::jit::Function& function) {
  if (auto it = function_names_.find(&function); it != function_names_.end()) return it->second;
  std::string name = function.qualname().qualifiedName();
  auto* own = dynamic_cast<ir::Function*>(&function);
  c10::NamedTypePtr owner = own != nullptr ? own->program()->find_type(function.qualname().prefix()) : nullptr;
  if (auto type = owner != nullptr ? owner->cast<c10::ClassType>() : nullptr) {
    const std::string base = absl::StrCat(of(owner), ".");
    if (type->findMethod(function.name()) == &function || type->findHook(function.name()) == &function)
      return absl::StrCat(base, function.name());
    name = absl::StrCat(base, function.name());
  }
  name = unique(std::move(name));
  function_names_.emplace(&function, name);
  if (own != nullptr) functions_.push_back(own);
  return name;
}

std::string ProgramNames::annotation(const c10::Type& type) {
  return type.annotation_str([this](const c10::Type& part) -> std::optional<std::string> {
    switch (part.kind()) {
      case c10::TypeKind::ClassType:
      case c10::TypeKind::InterfaceType:
      case c10::TypeKind::EnumType:
        return of(named_type(part));
      case c10::TypeKind::TupleType: {
        const auto& tuple = part.expectRef<c10::TupleType>();
        if (is_program_tuple(tuple)) return of(named_type(part));
        std::string text;
        for (const c10::TypePtr& element : tuple.elements())
          absl::StrAppend(&text, text.empty() ? "" : ", ", annotation(*element));
        return absl::StrCat("Tuple[", text.empty() ? "()" : text, "]");
      }
      // c10 forgets a comma, or writes one too many, where all kinds of numbers are among a union's members.
      case c10::TypeKind::UnionType: {
        std::string text;
        for (const c10::TypePtr& member : part.containedTypes())
          absl::StrAppend(&text, text.empty() ? "" : ", ", annotation(*member));
        return absl::StrCat("Union[", text, "]");
      }
      case c10::TypeKind::FunctionType:
        function_value_ = part.expectRef<c10::FunctionType>().function();
        return std::nullopt;
      case c10::TypeKind::SymIntType:
        return "int";
      case c10::TypeKind::SymFloatType:
        return "float";
      case c10::TypeKind::SymBoolType:
        return "bool";
      case c10::TypeKind::AnyListType:
        return "list";
      case c10::TypeKind::AnyTupleType:
        return "tuple";
      default:
        return std::nullopt;
    }
  });
}

ValueNames::ValueNames(const ir::Graph& graph, IsPrinted is_printed) : is_printed_(std::move(is_printed)) {
  collect_temporaries(*graph.block());
}

void ValueNames::collect_temporaries(const ir::Block& block) {
  auto note = [this](const ir::Value* value) {
    if (!value->has_name()) return;
    const std::string name = value->name();
    if (is_temporary(name_stem(name))) temporaries_.emplace(name_stem(name));
  };
  for (const ir::Value* input : block.inputs()) note(input);
  for (const ir::Node* node : block.nodes()) {
    if (is_printed_(*node)) {
      for (const ir::Value* output : node->outputs()) note(output);
    }
    for (const ir::Block* inner : node->blocks()) collect_temporaries(*inner);
    if (const ir::AttributeValue* subgraph = node->find(ir::attr::Subgraph))
      collect_temporaries(*std::get<std::shared_ptr<ir::Graph>>(*subgraph)->block());
  }
}

std::string ValueNames::unique(std::string base) {
  if (!is_reserved(base) && !is_builtin(base) && taken_.insert(base).second) return base;
  for (size_t i = 0;; ++i) {
    std::string name = absl::StrCat(base, i);
    if (!temporaries_.contains(name) && taken_.insert(name).second) return name;
  }
}

const std::string& ValueNames::parameter(const ir::Value* value, const std::string& name) {
  std::string own = as_identifier(name);
  if (is_reserved(own) || !taken_.insert(own).second) own = unique(std::move(own));
  if (is_builtin(own)) hidden_.insert(own);
  return names_[value] = own;
}

const std::string& ValueNames::declare(const ir::Value* value, const ir::Value* like) {
  if (auto it = names_.find(value); it != names_.end()) return it->second;
  if (like == nullptr) like = value;
  return names_[value] = name_like(like);
}

const std::string& ValueNames::declare_as(const ir::Value* value, const std::string& stem) {
  return names_[value] = unique(stem);
}

std::string ValueNames::name_like(const ir::Value* like) {
  return like != nullptr && like->has_name() ? unique(as_identifier(name_stem(like->name()))) : fresh();
}

std::string ValueNames::fresh() {
  for (;;) {
    std::string name = absl::StrCat("_", next_++);
    if (!temporaries_.contains(name) && taken_.insert(name).second) return name;
  }
}

const std::string* ValueNames::find(const ir::Value* value) const {
  auto it = names_.find(value);
  return it == names_.end() ? nullptr : &it->second;
}

}  // namespace vesta::frontend
