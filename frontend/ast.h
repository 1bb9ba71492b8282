#pragma once

// The syntax tree of TorchScript source: what the parser makes and the emitter walks.
//
// Ownership: every node of a parse lives in one Arena and is freed with it, by a flat loop, so a chain
// of 100,000 operators is destroyed without recursion. Nodes point to each other with plain pointers;
// nothing is ever null unless its comment says "or null". After parsing a tree is immutable: safe to
// read from many threads.
//
// Depth: the parser bounds every kind of nesting (Limits::source_nesting) but for chains that lean to
// the left (`a + b + c`, `x.a(1).b[2]`), which it builds in a loop and which may be as long as the text.
// A walker must take those in a loop too: see left_spine(). `elif` chains, `and`/`or` chains and chained
// comparisons are flat vectors.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "ir/support/source.h"

namespace vesta::frontend {

// Owns nodes of any type. Not copyable or movable: shared through std::shared_ptr by those who hold
// pointers into it. Not safe to call from two threads.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena();

  // A new value-initialized T, freed with the arena.
  template <typename T, typename... Args>
  T* make(Args&&... args) {
    void* place = allocate(sizeof(T), alignof(T));
    T* node = new (place) T(std::forward<Args>(args)...);
    if constexpr (!std::is_trivially_destructible_v<T>) {
      cleanups_.push_back({node, [](void* object) { static_cast<T*>(object)->~T(); }});
    }
    return node;
  }

  size_t bytes_used() const { return bytes_used_; }

 private:
  struct Cleanup {
    void* object;
    void (*destroy)(void*);
  };
  void* allocate(size_t size, size_t alignment);

  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::vector<Cleanup> cleanups_;
  std::byte* cursor_ = nullptr;
  std::byte* block_end_ = nullptr;
  size_t bytes_used_ = 0;
};

// ---------------------------------------------------------------------------------------------
// Expressions

enum class ExprKind : uint8_t {
  kName,
  kIntLiteral,
  kFloatLiteral,
  kComplexLiteral,
  kStringLiteral,
  kJoinedString,
  kBoolLiteral,
  kNoneLiteral,
  kEllipsis,
  kAttribute,
  kSubscript,
  kSlice,
  kCall,
  kStarred,
  kUnary,
  kBinary,
  kBoolOp,
  kCompare,
  kConditional,
  kLambda,
  kTuple,
  kList,
  kSet,
  kDict,
  kComprehension,
};

// "a call", "a tuple": for messages.
const char* describe(ExprKind kind);

struct Expr {
  ExprKind kind;
  // Parentheses around an expression are not part of its range (a tuple's own are).
  support::SourceRange range;

 protected:
  explicit Expr(ExprKind k) : kind(k) {}
};

// `if (const auto* call = as<Call>(expr))`: the node as T, or null when it is of another kind.
// A null argument gives null.
template <typename T>
const T* as(const Expr* expr) {
  return expr != nullptr && expr->kind == T::kKind ? static_cast<const T*>(expr) : nullptr;
}
template <typename T>
const T& cast(const Expr& expr) {  // REQUIRES: expr.kind == T::kKind
  return static_cast<const T&>(expr);
}

template <ExprKind K>
struct ExprOf : Expr {
  static constexpr ExprKind kKind = K;
  ExprOf() : Expr(K) {}
};

struct Name : ExprOf<ExprKind::kName> {
  std::string id;
};

// A minus in front of an int or float literal is folded into it (`-1` is one IntLiteral; `-2 ** 2` is
// not, as in Python). Literals outside of int64 are refused by the parser.
struct IntLiteral : ExprOf<ExprKind::kIntLiteral> {
  int64_t value = 0;
};
// `inf` and `nan` are names.
struct FloatLiteral : ExprOf<ExprKind::kFloatLiteral> {
  double value = 0;
};
// `2j`: the imaginary part.
struct ComplexLiteral : ExprOf<ExprKind::kComplexLiteral> {
  double imaginary = 0;
};
// Adjacent literals are joined already, escapes are decoded. Any bytes may occur.
struct StringLiteral : ExprOf<ExprKind::kStringLiteral> {
  std::string value;
  bool is_bytes = false;  // b"..."
};
struct BoolLiteral : ExprOf<ExprKind::kBoolLiteral> {
  bool value = false;
};
struct NoneLiteral : ExprOf<ExprKind::kNoneLiteral> {};
struct EllipsisLiteral : ExprOf<ExprKind::kEllipsis> {};

struct JoinedString;
// One part of an f-string: literal text, or a value with its conversion and format spec.
struct FormatPart {
  std::string text;                    // used when `value` is null
  const Expr* value = nullptr;         // or null: literal text
  char conversion = 0;                 // 'r', 's', 'a' of `{x!r}`, or 0
  const JoinedString* spec = nullptr;  // of `{x:.2f}`, or null; may hold values itself
};
struct JoinedString : ExprOf<ExprKind::kJoinedString> {
  std::vector<FormatPart> parts;
};

// `value.name`. The name may start with a digit or be a keyword in archives (`self.0`).
struct Attribute : ExprOf<ExprKind::kAttribute> {
  const Expr* value = nullptr;
  std::string name;
  support::SourceRange name_range;
};

// `value[index]`. `x[a, b]` has a Tuple as index, `x[a:b]` a Slice, `x[a:b, c]` a Tuple with a Slice.
struct Subscript : ExprOf<ExprKind::kSubscript> {
  const Expr* value = nullptr;
  const Expr* index = nullptr;
};
// Occurs only as a Subscript's index or as an element of the Tuple there.
struct Slice : ExprOf<ExprKind::kSlice> {
  const Expr* lower = nullptr;  // or null
  const Expr* upper = nullptr;  // or null
  const Expr* step = nullptr;   // or null
};

struct Keyword {
  std::string name;  // empty: `**value`
  const Expr* value = nullptr;
  support::SourceRange range;
};
struct Call : ExprOf<ExprKind::kCall> {
  const Expr* callee = nullptr;
  std::vector<const Expr*> arguments;  // `*value` is a Starred
  std::vector<Keyword> keywords;       // names are unique; in source order
};

// `*value`: in calls, in list, set and tuple displays, and in assignment targets.
struct Starred : ExprOf<ExprKind::kStarred> {
  const Expr* value = nullptr;
};

enum class UnaryOp : uint8_t { kNegative, kPositive, kInvert, kNot };
struct Unary : ExprOf<ExprKind::kUnary> {
  UnaryOp op = UnaryOp::kNot;
  const Expr* operand = nullptr;
};

enum class BinaryOp : uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kFloorDiv,
  kMod,
  kPow,
  kMatMul,
  kBitAnd,
  kBitOr,
  kBitXor,
  kLeftShift,
  kRightShift,
};
// "+", "//"
const char* spelling(UnaryOp op);
const char* spelling(BinaryOp op);

struct Binary : ExprOf<ExprKind::kBinary> {
  BinaryOp op = BinaryOp::kAdd;
  const Expr* left = nullptr;
  const Expr* right = nullptr;
  support::SourceRange op_range;
};

// `a and b and c` is one node with three operands.
struct BoolOp : ExprOf<ExprKind::kBoolOp> {
  bool is_and = true;
  std::vector<const Expr*> operands;  // at least two
};

enum class CompareOp : uint8_t { kEq, kNe, kLt, kLe, kGt, kGe, kIs, kIsNot, kIn, kNotIn };
const char* spelling(CompareOp op);

// `first ops[0] rest[0] ops[1] rest[1] ...`, with Python's meaning of a chain.
struct Compare : ExprOf<ExprKind::kCompare> {
  const Expr* first = nullptr;
  std::vector<CompareOp> ops;  // at least one
  std::vector<const Expr*> rest;
};

// `body if test else orelse`
struct Conditional : ExprOf<ExprKind::kConditional> {
  const Expr* test = nullptr;
  const Expr* body = nullptr;
  const Expr* orelse = nullptr;
};

struct Parameter;
struct Lambda : ExprOf<ExprKind::kLambda> {
  std::vector<Parameter> parameters;  // never annotated
  const Expr* body = nullptr;
};

struct Tuple : ExprOf<ExprKind::kTuple> {
  std::vector<const Expr*> elements;  // `()` has none
};
struct List : ExprOf<ExprKind::kList> {
  std::vector<const Expr*> elements;
};
struct Set : ExprOf<ExprKind::kSet> {
  std::vector<const Expr*> elements;  // at least one
};
struct DictItem {
  const Expr* key = nullptr;  // or null: `**value`
  const Expr* value = nullptr;
};
struct Dict : ExprOf<ExprKind::kDict> {
  std::vector<DictItem> items;
};

enum class ComprehensionKind : uint8_t { kList, kSet, kDict, kGenerator };
struct ComprehensionClause {
  const Expr* target = nullptr;
  const Expr* iterable = nullptr;
  std::vector<const Expr*> conditions;
};
struct Comprehension : ExprOf<ExprKind::kComprehension> {
  ComprehensionKind form = ComprehensionKind::kList;
  const Expr* element = nullptr;             // of a dict: the key
  const Expr* value = nullptr;               // of a dict; else null
  std::vector<ComprehensionClause> clauses;  // at least one
};

// ---------------------------------------------------------------------------------------------
// Functions' parameters

enum class ParameterKind : uint8_t { kPositionalOnly, kRegular, kVarArgs, kKeywordOnly, kVarKeywords };
struct Parameter {
  std::string name;
  ParameterKind kind = ParameterKind::kRegular;
  // Of `x: T`, of a comment `# type: T` behind the parameter, or of the function's own signature
  // comment `# type: (T, U) -> V`, which may leave out a leading `self`. Or null.
  const Expr* annotation = nullptr;
  const Expr* default_value = nullptr;  // or null
  support::SourceRange range;
};

// ---------------------------------------------------------------------------------------------
// Statements

enum class StmtKind : uint8_t {
  kExpr,
  kAssign,
  kAugmentedAssign,
  kDelete,
  kReturn,
  kRaise,
  kAssert,
  kPass,
  kBreak,
  kContinue,
  kIf,
  kFor,
  kWhile,
  kWith,
  kImport,
  kFunction,
  kClass,
};
const char* describe(StmtKind kind);

struct Stmt {
  StmtKind kind;
  // From the first to the last byte of the statement, its blocks included.
  support::SourceRange range;

 protected:
  explicit Stmt(StmtKind k) : kind(k) {}
};

template <typename T>
const T* as(const Stmt* stmt) {
  return stmt != nullptr && stmt->kind == T::kKind ? static_cast<const T*>(stmt) : nullptr;
}
template <typename T>
const T& cast(const Stmt& stmt) {  // REQUIRES: stmt.kind == T::kKind
  return static_cast<const T&>(stmt);
}

template <StmtKind K>
struct StmtOf : Stmt {
  static constexpr StmtKind kKind = K;
  StmtOf() : Stmt(K) {}
};

using Block = std::vector<const Stmt*>;

// An expression as a statement; docstrings are among them.
struct ExprStmt : StmtOf<StmtKind::kExpr> {
  const Expr* value = nullptr;
};

// `a = b = value`, `x : T = value`, `x : T`, and `x = value  # type: T`.
// A target is a Name, Attribute, Subscript, or a Tuple, List or Starred of targets.
struct Assign : StmtOf<StmtKind::kAssign> {
  std::vector<const Expr*> targets;  // at least one; exactly one when annotated
  const Expr* annotation = nullptr;  // or null
  const Expr* value = nullptr;       // null only when annotated: a declaration
};

// `target op= value`; the target is a Name, Attribute or Subscript.
struct AugmentedAssign : StmtOf<StmtKind::kAugmentedAssign> {
  BinaryOp op = BinaryOp::kAdd;
  const Expr* target = nullptr;
  const Expr* value = nullptr;
};

struct Delete : StmtOf<StmtKind::kDelete> {
  std::vector<const Expr*> targets;
};

struct Return : StmtOf<StmtKind::kReturn> {
  const Expr* value = nullptr;  // or null
};

struct Raise : StmtOf<StmtKind::kRaise> {
  const Expr* exception = nullptr;  // or null: a bare `raise`
  const Expr* cause = nullptr;      // of `from`, or null
};

struct Assert : StmtOf<StmtKind::kAssert> {
  const Expr* test = nullptr;
  const Expr* message = nullptr;  // or null
};

struct Pass : StmtOf<StmtKind::kPass> {};
struct Break : StmtOf<StmtKind::kBreak> {};
struct Continue : StmtOf<StmtKind::kContinue> {};

struct IfBranch {
  const Expr* test = nullptr;
  Block body;
  support::SourceRange range;  // of `if test` or `elif test`
};
struct If : StmtOf<StmtKind::kIf> {
  std::vector<IfBranch> branches;  // `if`, then each `elif`
  Block orelse;                    // empty when there is no `else`
};

struct For : StmtOf<StmtKind::kFor> {
  const Expr* target = nullptr;  // as of an Assign
  const Expr* iterable = nullptr;
  Block body;
};

struct While : StmtOf<StmtKind::kWhile> {
  const Expr* test = nullptr;
  Block body;
};

struct WithItem {
  const Expr* context = nullptr;
  const Expr* target = nullptr;  // of `as`, or null
};
struct With : StmtOf<StmtKind::kWith> {
  std::vector<WithItem> items;  // at least one
  Block body;
};

struct ImportedName {
  std::string name;   // dotted for `import a.b`; "*" for `from m import *`
  std::string alias;  // empty without `as`
};
struct Import : StmtOf<StmtKind::kImport> {
  bool is_from = false;
  std::string module;  // of `from module import ...`, leading dots included
  std::vector<ImportedName> names;
};

struct Function : StmtOf<StmtKind::kFunction> {
  std::string name;
  support::SourceRange name_range;
  std::vector<const Expr*> decorators;  // without the `@`
  std::vector<Parameter> parameters;
  const Expr* return_annotation = nullptr;  // of `-> T` or of the signature comment; or null
  Block body;                               // at least one statement; a docstring is its first ExprStmt
};

struct Class : StmtOf<StmtKind::kClass> {
  std::string name;
  support::SourceRange name_range;
  std::vector<const Expr*> decorators;
  std::vector<const Expr*> bases;
  std::vector<Keyword> keywords;  // `metaclass=...`
  // Functions, Assigns (`x : T`, `x : Final[T] = v`, `__parameters__ = [...]`,
  // `__annotations__["0"] = T`), Pass, docstrings: the reader decides which it knows.
  Block body;
};

// ---------------------------------------------------------------------------------------------

// What one text gave. Copies share the nodes.
struct Module {
  std::shared_ptr<Arena> arena;
  Block body;
};

struct ParsedExpr {
  std::shared_ptr<Arena> arena;
  const Expr* expr = nullptr;
};

// The chain that leans to the left from `expr` down, outermost first: expr, then its left operand (of a
// Binary), its value (of an Attribute or Subscript) or its callee (of a Call), and so on to the first
// node that is none of these. Never empty. Evaluating it from the back needs no recursion.
std::vector<const Expr*> left_spine(const Expr& expr);

// "a.b.c" when `expr` is a Name or a chain of Attributes over a Name, else "".
std::string dotted_name(const Expr& expr);

}  // namespace vesta::frontend
