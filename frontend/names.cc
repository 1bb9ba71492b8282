// Tables. Names of `torch.` that are no special form are operators of `aten::`; the sub-modules that Python
// has for operators (`torch.linalg.det`) map to a prefix of the operator's name.

#include "frontend/names.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include <c10/core/Layout.h>
#include <c10/core/MemoryFormat.h>
#include <c10/core/QScheme.h>
#include <c10/core/ScalarType.h>

#include "absl/strings/str_cat.h"
#include "frontend/types.h"

namespace vesta::frontend {
namespace {

using Kind = Sugar::Kind;

const std::unordered_map<std::string, Special>& specials() {
  static const auto* const table = new std::unordered_map<std::string, Special>{
      {"annotate", Special::kAnnotate},
      {"torch.jit.annotate", Special::kAnnotate},
      {"torch.jit._annotate", Special::kAnnotate},
      {"typing.cast", Special::kAnnotate},
      {"uninitialized", Special::kUninitialized},
      {"unchecked_cast", Special::kUncheckedCast},
      {"isinstance", Special::kIsInstance},
      {"torch.jit.isinstance", Special::kIsInstance},
      {"hasattr", Special::kHasAttr},
      {"getattr", Special::kGetAttr},
      {"fork", Special::kFork},
      {"torch.jit.fork", Special::kFork},
      {"torch.jit._fork", Special::kFork},
      {"awaitable", Special::kAwaitable},
      {"torch.jit._awaitable", Special::kAwaitable},
      {"int", Special::kInt},
      {"float", Special::kFloat},
      {"bool", Special::kBool},
      {"complex", Special::kComplex},
      {"str", Special::kStr},
      {"range", Special::kRange},
      {"enumerate", Special::kEnumerate},
      {"zip", Special::kZip},
      {"reversed", Special::kReversed},
      {"list", Special::kList},
      {"dict", Special::kDict},
      {"tuple", Special::kTuple},
      {"super", Special::kSuper},
      {"torch.jit.is_scripting", Special::kTrue},
      {"torch.jit.is_tracing", Special::kFalse},
      {"torch._jit_internal.is_scripting", Special::kTrue},
      {"torch.jit._script_if_tracing", Special::kIdentity},
      {"torch.jit.unused", Special::kIdentity},
  };
  return *table;
}

const std::unordered_map<std::string, const char*>& operators() {
  static const auto* const table = new std::unordered_map<std::string, const char*>{
      {"abs", "prim::abs"},
      {"all", "aten::all"},
      {"any", "aten::any"},
      {"bin", "aten::bin"},
      {"chr", "aten::chr"},
      {"divmod", "aten::divmod"},
      {"hash", "aten::hash"},
      {"hex", "aten::hex"},
      {"id", "prim::id"},
      {"len", "aten::len"},
      {"max", "prim::max"},
      {"min", "prim::min"},
      {"oct", "aten::oct"},
      {"ord", "aten::ord"},
      {"pow", "aten::pow"},
      {"print", "prim::Print"},
      {"rangelist", "prim::rangelist"},
      {"round", "aten::round"},
      {"sorted", "aten::sorted"},
      {"sum", "aten::sum"},
      {"torch.jit.wait", "aten::wait"},
      {"torch.jit._wait", "aten::wait"},
      {"torch.jit._awaitable_wait", "prim::awaitable_wait"},
      {"torch.jit._awaitable_nowait", "prim::awaitable_nowait"},
      {"torch.jit._unwrap_optional", "aten::_unwrap_optional"},
      {"warnings.warn", "aten::warn"},
      {"math.fabs", "aten::fabs"},
      {"math.mathremainder", "aten::mathremainder"},
      {"math.remainder", "aten::mathremainder"},
      {"torch.autograd.grad", "aten::grad"},
      {"torch.autograd.backward", "aten::backward"},
      {"torch.device", "aten::device"},
  };
  return *table;
}

// Python sub-modules whose members are operators, and the prefix of those operators' names.
const std::unordered_map<std::string, const char*>& operator_modules() {
  static const auto* const table = new std::unordered_map<std::string, const char*>{
      {"torch", "aten::"},
      {"aten", "aten::"},
      {"prim", "prim::"},
      {"math", "aten::"},
      {"torch.nn.functional", "aten::"},
      {"torch.functional", "aten::"},
      {"torch._C._nn", "aten::"},
      {"torch._C", "aten::"},
      {"torch._VF", "aten::"},
      {"torch.Tensor", "aten::"},
      {"torch.linalg", "aten::linalg_"},
      {"torch.fft", "aten::fft_"},
      {"torch.special", "aten::special_"},
      {"torch._C._linalg", "aten::"},
      {"torch._C._fft", "aten::"},
      {"torch._C._special", "aten::"},
  };
  return *table;
}

const std::unordered_set<std::string>& plain_modules() {
  static const auto* const table = new std::unordered_set<std::string>{
      "torch.jit",      "torch.nn",  "torch.nn.utils", "torch.autograd", "torch.autograd.profiler",
      "torch.profiler", "torch.amp", "torch.classes",  "torch.ops",      "torch._jit_internal",
      "typing",         "warnings",  "cmath",
  };
  return *table;
}

const std::unordered_map<std::string, c10::IValue>& constants() {
  static const auto* const table = [] {
    auto* t = new std::unordered_map<std::string, c10::IValue>{
        {"inf", std::numeric_limits<double>::infinity()},
        {"nan", std::numeric_limits<double>::quiet_NaN()},
        {"infj", c10::complex<double>(0, std::numeric_limits<double>::infinity())},
        {"nanj", c10::complex<double>(0, std::numeric_limits<double>::quiet_NaN())},
        {"math.inf", std::numeric_limits<double>::infinity()},
        {"math.nan", std::numeric_limits<double>::quiet_NaN()},
        {"math.pi", M_PI},
        {"math.e", M_E},
        {"math.tau", 2 * M_PI},
        {"torch.inf", std::numeric_limits<double>::infinity()},
        {"torch.nan", std::numeric_limits<double>::quiet_NaN()},
        {"torch.pi", M_PI},
        {"torch.e", M_E},
        {"torch.strided", static_cast<int64_t>(c10::Layout::Strided)},
        {"torch.sparse_coo", static_cast<int64_t>(c10::Layout::Sparse)},
        {"torch.sparse_csr", static_cast<int64_t>(c10::Layout::SparseCsr)},
        {"torch.sparse_csc", static_cast<int64_t>(c10::Layout::SparseCsc)},
        {"torch.sparse_bsr", static_cast<int64_t>(c10::Layout::SparseBsr)},
        {"torch.sparse_bsc", static_cast<int64_t>(c10::Layout::SparseBsc)},
        {"torch._mkldnn", static_cast<int64_t>(c10::Layout::Mkldnn)},
        {"torch.contiguous_format", static_cast<int64_t>(c10::MemoryFormat::Contiguous)},
        {"torch.preserve_format", static_cast<int64_t>(c10::MemoryFormat::Preserve)},
        {"torch.channels_last", static_cast<int64_t>(c10::MemoryFormat::ChannelsLast)},
        {"torch.channels_last_3d", static_cast<int64_t>(c10::MemoryFormat::ChannelsLast3d)},
        {"torch.per_tensor_affine", static_cast<int64_t>(c10::kPerTensorAffine)},
        {"torch.per_channel_affine", static_cast<int64_t>(c10::kPerChannelAffine)},
        {"torch.per_tensor_symmetric", static_cast<int64_t>(c10::kPerTensorSymmetric)},
        {"torch.per_channel_symmetric", static_cast<int64_t>(c10::kPerChannelSymmetric)},
    };
    const std::pair<const char*, c10::ScalarType> dtypes[] = {
        {"uint8", c10::kByte},
        {"int8", c10::kChar},
        {"int16", c10::kShort},
        {"short", c10::kShort},
        {"int32", c10::kInt},
        {"int", c10::kInt},
        {"int64", c10::kLong},
        {"long", c10::kLong},
        {"float16", c10::kHalf},
        {"half", c10::kHalf},
        {"float32", c10::kFloat},
        {"float", c10::kFloat},
        {"float64", c10::kDouble},
        {"double", c10::kDouble},
        {"complex32", c10::kComplexHalf},
        {"complex64", c10::kComplexFloat},
        {"cfloat", c10::kComplexFloat},
        {"complex128", c10::kComplexDouble},
        {"cdouble", c10::kComplexDouble},
        {"bool", c10::kBool},
        {"qint8", c10::kQInt8},
        {"quint8", c10::kQUInt8},
        {"qint32", c10::kQInt32},
        {"bfloat16", c10::kBFloat16},
        {"uint16", c10::kUInt16},
        {"uint32", c10::kUInt32},
        {"uint64", c10::kUInt64},
    };
    for (const auto& [name, dtype] : dtypes) t->emplace(absl::StrCat("torch.", name), static_cast<int64_t>(dtype));
    return t;
  }();
  return *table;
}

const std::unordered_map<std::string, const char*>& tensor_attributes() {
  static const auto* const table = new std::unordered_map<std::string, const char*>{
      {"dtype", "prim::dtype"},
      {"device", "prim::device"},
      {"grad", "prim::grad"},
      {"data", "prim::data"},
      {"shape", "prim::shape"},
      {"is_cuda", "prim::is_cuda"},
      {"is_cpu", "prim::is_cpu"},
      {"is_xla", "prim::is_xla"},
      {"is_xpu", "prim::is_xpu"},
      {"is_sparse", "prim::is_sparse"},
      {"is_sparse_csr", "prim::is_sparse_csr"},
      {"is_mkldnn", "prim::is_mkldnn"},
      {"is_mps", "prim::is_mps"},
      {"is_mtia", "prim::is_mtia"},
      {"is_quantized", "prim::is_quantized"},
      {"is_vulkan", "prim::is_vulkan"},
      {"is_ipu", "prim::is_ipu"},
      {"is_meta", "prim::is_meta"},
      {"is_maia", "prim::is_maia"},
      {"is_nested", "prim::is_nested"},
      {"is_leaf", "aten::is_leaf"},
      {"requires_grad", "prim::requires_grad"},
      {"layout", "prim::layout"},
      {"T", "prim::T"},
      {"H", "prim::H"},
      {"mT", "aten::mT"},
      {"mH", "aten::mH"},
      {"itemsize", "prim::itemsize"},
      {"nbytes", "prim::nbytes"},
      {"ndim", "prim::ndim"},
      {"name", "prim::name"},
      {"real", "aten::real"},
      {"imag", "aten::imag"},
      {"retains_grad", "aten::retains_grad"},
  };
  return *table;
}

}  // namespace

bool same_meaning(const Sugar& a, const Sugar& b) {
  return a.kind == b.kind && a.special == b.special && a.flag == b.flag && a.value == b.value && a.type == b.type &&
         a.name == b.name && a.function == b.function && a.closure == b.closure &&
         std::equal(a.elements.begin(), a.elements.end(), b.elements.begin(), b.elements.end(), same_meaning);
}

bool holds_values(const Sugar& sugar) {
  return sugar.value != nullptr || std::any_of(sugar.elements.begin(), sugar.elements.end(), holds_values);
}

std::string describe(const Sugar& sugar) {
  switch (sugar.kind) {
    case Kind::kVoid:
      return "nothing";
    case Kind::kValue:
      return absl::StrCat("a value of type '", type_text(*sugar.value->type()), "'");
    case Kind::kNamespace:
      return absl::StrCat("the module '", sugar.name, "'");
    case Kind::kQualified:
      return absl::StrCat("the name '", sugar.name, "'");
    case Kind::kConstants:
      return "the table of constants";
    case Kind::kOperator:
      return absl::StrCat("the operator '", sugar.name, "'");
    case Kind::kSpecial:
      return "a builtin function";
    case Kind::kFunction:
      return absl::StrCat("the function '", written_name(sugar.function->qualname()), "'");
    case Kind::kInterfaceMethod:
      return absl::StrCat("the method '", sugar.name, "'");
    case Kind::kType:
      return absl::StrCat("the type '", type_text(*sugar.type), "'");
    case Kind::kNew:
      return absl::StrCat("the constructor of '", type_text(*sugar.type), "'");
    case Kind::kTuple:
      return "a tuple";
    case Kind::kRange:
      return "a range";
    case Kind::kEnumerate:
      return "an enumeration";
    case Kind::kZip:
      return "a zip";
    case Kind::kClosure:
      return absl::StrCat("the function '", sugar.closure->name, "'");
    case Kind::kException:
      return absl::StrCat("the exception '", sugar.name, "'");
    case Kind::kUndefined:
      return "an undefined name";
  }
  return "";
}

bool is_exception_name(const std::string& name) {
  static const auto* const names = new std::unordered_set<std::string>{
      "Exception",       "BaseException",     "ValueError",     "RuntimeError",        "TypeError",
      "KeyError",        "IndexError",        "AssertionError", "NotImplementedError", "AttributeError",
      "ArithmeticError", "ZeroDivisionError", "OverflowError",  "LookupError",         "StopIteration",
      "NameError",       "OSError",           "IOError",        "ImportError",         "MemoryError",
      "Warning",         "UserWarning"};
  return names->contains(name);
}

Sugar global_name(const std::string& name) {
  if (auto it = specials().find(name); it != specials().end()) return Sugar::of_special(it->second);
  if (auto it = operators().find(name); it != operators().end()) return Sugar::named(Kind::kOperator, it->second);
  if (name == "torch" || name == "aten" || name == "prim" || name == "math" || name == "ops" || name == "typing" ||
      name == "warnings") {
    return Sugar::named(Kind::kNamespace, name);
  }
  if (name == "CONSTANTS") return Sugar(Kind::kConstants);
  if (name == "F") return Sugar::named(Kind::kNamespace, "torch.nn.functional");
  if (is_exception_name(name)) return Sugar::named(Kind::kException, name);
  return Sugar();
}

std::vector<std::string> global_names() {
  std::vector<std::string> names;
  for (const auto& [name, special] : specials()) names.push_back(name);
  for (const auto& [name, op] : operators()) names.push_back(name);
  return names;
}

Sugar namespace_member(const std::string& name_space, const std::string& member) {
  const std::string dotted = absl::StrCat(name_space, ".", member);
  if (name_space == "ops" || name_space == "torch.ops")
    return Sugar::named(Kind::kNamespace, absl::StrCat("ops.", member));
  if (name_space.starts_with("ops."))
    return Sugar::named(Kind::kOperator, absl::StrCat(name_space.substr(4), "::", member));
  if (auto it = specials().find(dotted); it != specials().end()) return Sugar::of_special(it->second);
  if (auto it = operators().find(dotted); it != operators().end()) return Sugar::named(Kind::kOperator, it->second);
  if (operator_modules().contains(dotted) || plain_modules().contains(dotted))
    return Sugar::named(Kind::kNamespace, dotted);
  if (auto it = operator_modules().find(name_space); it != operator_modules().end()) {
    return Sugar::named(Kind::kOperator, absl::StrCat(it->second, member));
  }
  return Sugar();
}

std::optional<c10::IValue> constant_of_name(const std::string& dotted) {
  auto it = constants().find(dotted);
  if (it == constants().end()) return std::nullopt;
  return it->second;
}

std::string attribute_operator(const c10::Type& type, const std::string& name) {
  if (type.kind() == c10::TypeKind::TensorType) {
    auto it = tensor_attributes().find(name);
    return it == tensor_attributes().end() ? "" : it->second;
  }
  if (type.kind() == c10::TypeKind::DeviceObjType && (name == "type" || name == "index"))
    return absl::StrCat("prim::", name);
  return "";
}

}  // namespace vesta::frontend
