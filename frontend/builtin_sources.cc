// The text is parsed once, on first use. A `number` stands for each kind of scalar in turn, as the plain
// types of the language have no common one that would match before a conversion does.

#include "frontend/builtin_sources.h"

#include <cstdlib>
#include <iostream>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "frontend/parser.h"
#include "frontend/types.h"

namespace vesta::frontend {
namespace {

constexpr const char* kForEachScalar = R"(
def mul(a: SCALAR, b: Tensor) -> Tensor:
  return b * a
def add(a: SCALAR, b: Tensor) -> Tensor:
  return b + a
def ne(a: SCALAR, b: Tensor) -> Tensor:
  return b != a
def eq(a: SCALAR, b: Tensor) -> Tensor:
  return b == a
def sub(a: SCALAR, b: Tensor) -> Tensor:
  return torch.neg(b) + a
def div(a: SCALAR, b: Tensor) -> Tensor:
  return torch.reciprocal(b) * a
)";

constexpr const char* kForEachRealScalar = R"(
def lt(a: SCALAR, b: Tensor) -> Tensor:
  return b > a
def le(a: SCALAR, b: Tensor) -> Tensor:
  return b >= a
def gt(a: SCALAR, b: Tensor) -> Tensor:
  return b < a
def ge(a: SCALAR, b: Tensor) -> Tensor:
  return b <= a
def floordiv(a: Tensor, b: SCALAR) -> Tensor:
  return torch.floor_divide(a, b)
)";

constexpr const char* kAten = R"(
def __contains__(self: str, key: str) -> bool:
  return torch.find(self, key, 0, len(self)) != -1
def int(self: Tensor) -> Tensor:
  return torch.to(self, torch.int32)
def long(self: Tensor) -> Tensor:
  return torch.to(self, torch.int64)
def short(self: Tensor) -> Tensor:
  return torch.to(self, torch.int16)
def char(self: Tensor) -> Tensor:
  return torch.to(self, torch.int8)
def byte(self: Tensor) -> Tensor:
  return torch.to(self, torch.uint8)
def half(self: Tensor) -> Tensor:
  return torch.to(self, torch.float16)
def float(self: Tensor) -> Tensor:
  return torch.to(self, torch.float32)
def double(self: Tensor) -> Tensor:
  return torch.to(self, torch.float64)
def bfloat16(self: Tensor) -> Tensor:
  return torch.to(self, torch.bfloat16)
def bool(self: Tensor) -> Tensor:
  return torch.to(self, torch.bool)
def floordiv(a: Tensor, b: Tensor) -> Tensor:
  return torch.floor_divide(a, b)
)";

constexpr const char* kPrim = R"(
def ndim(self: Tensor) -> int:
  return torch.dim(self)
def shape(self: Tensor) -> List[int]:
  return torch.size(self)
def T(self: Tensor) -> Tensor:
  return torch.numpy_T(self)
def H(self: Tensor) -> Tensor:
  return torch.matrix_H(self)
def mT(self: Tensor) -> Tensor:
  return torch.mT(self)
def mH(self: Tensor) -> Tensor:
  return torch.mH(self)
)";

class Sources {
 public:
  Sources() {
    for (const char* scalar : {"float", "int", "complex", "number"})
      add("aten::", absl::StrReplaceAll(kForEachScalar, {{"SCALAR", scalar}}));
    for (const char* scalar : {"float", "int", "number"})
      add("aten::", absl::StrReplaceAll(kForEachRealScalar, {{"SCALAR", scalar}}));
    add("aten::", kAten);
    add("prim::", kPrim);
  }

  const std::vector<const BuiltinSource*>& find(const std::string& name) const {
    static const std::vector<const BuiltinSource*> none;
    auto it = by_name_.find(name);
    return it == by_name_.end() ? none : it->second;
  }

 private:
  void add(const char* prefix, std::string text) {
    auto source = std::make_shared<support::Source>();
    source->text = std::move(text);
    source->filename = "builtin";
    absl::StatusOr<Module> module = parse_module(source);
    if (!module.ok()) {  // A wrong table is a bug of ours that any test shows.
      std::cerr << "vesta: bad builtin source: " << module.status().message() << std::endl;
      std::abort();
    }
    const TypeScope scope;
    for (const Stmt* stmt : module->body) {
      const auto& def = cast<Function>(*stmt);
      std::vector<c10::Argument> arguments;
      for (const Parameter& parameter : def.parameters)
        arguments.emplace_back(parameter.name, *annotation_type(*parameter.annotation, scope));
      c10::TypePtr result = *annotation_type(*def.return_annotation, scope);
      auto* entry = new BuiltinSource{c10::FunctionSchema(absl::StrCat(prefix, def.name), "", std::move(arguments),
                                                          {c10::Argument("", std::move(result))}),
                                      &def};
      by_name_[absl::StrCat(prefix, def.name)].push_back(entry);
    }
    arenas_.push_back(module->arena);
  }

  std::unordered_map<std::string, std::vector<const BuiltinSource*>> by_name_;
  std::vector<std::shared_ptr<Arena>> arenas_;
};

}  // namespace

const std::vector<const BuiltinSource*>& builtin_sources(const std::string& name) {
  static const Sources* const sources = new Sources();
  return sources->find(name);
}

}  // namespace vesta::frontend
