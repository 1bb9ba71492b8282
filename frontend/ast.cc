// Nodes are placed in blocks of growing size; a list of destructors (nodes hold strings, vectors and a
// reference to their source) is run from the back when the arena dies.

#include "frontend/ast.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace vesta::frontend {
namespace {

constexpr size_t kFirstBlockBytes = 4096;
constexpr size_t kLargestBlockBytes = size_t{1} << 20;

}  // namespace

Arena::~Arena() {
  for (auto it = cleanups_.rbegin(); it != cleanups_.rend(); ++it) it->destroy(it->object);
}

void* Arena::allocate(size_t size, size_t alignment) {
  const auto address = reinterpret_cast<uintptr_t>(cursor_);
  const size_t padding = (alignment - address % alignment) % alignment;
  if (cursor_ == nullptr || static_cast<size_t>(block_end_ - cursor_) < size + padding) {
    const size_t wanted = std::min(kLargestBlockBytes, kFirstBlockBytes << std::min<size_t>(blocks_.size(), 16));
    const size_t bytes = std::max(wanted, size + alignment);
    blocks_.push_back(std::make_unique<std::byte[]>(bytes));
    cursor_ = blocks_.back().get();
    block_end_ = cursor_ + bytes;
    bytes_used_ += bytes;
    return allocate(size, alignment);
  }
  std::byte* place = cursor_ + padding;
  cursor_ = place + size;
  return place;
}

const char* describe(ExprKind kind) {
  static constexpr const char* kNames[] = {
      "a name",
      "an int",
      "a float",
      "a complex number",
      "a string",
      "an f-string",
      "a bool",
      "None",
      "'...'",
      "an attribute",
      "a subscript",
      "a slice",
      "a call",
      "a starred expression",
      "a unary operation",
      "a binary operation",
      "a boolean operation",
      "a comparison",
      "a conditional expression",
      "a lambda",
      "a tuple",
      "a list",
      "a set",
      "a dict",
      "a comprehension",
  };
  static_assert(std::size(kNames) == static_cast<size_t>(ExprKind::kComprehension) + 1);
  return kNames[static_cast<size_t>(kind)];
}

const char* describe(StmtKind kind) {
  static constexpr const char* kNames[] = {
      "an expression", "an assignment", "an augmented assignment",
      "'del'",         "'return'",      "'raise'",
      "'assert'",      "'pass'",        "'break'",
      "'continue'",    "'if'",          "'for'",
      "'while'",       "'with'",        "'import'",
      "a function",    "a class",
  };
  static_assert(std::size(kNames) == static_cast<size_t>(StmtKind::kClass) + 1);
  return kNames[static_cast<size_t>(kind)];
}

const char* spelling(UnaryOp op) {
  static constexpr const char* kNames[] = {"-", "+", "~", "not"};
  return kNames[static_cast<size_t>(op)];
}

const char* spelling(BinaryOp op) {
  static constexpr const char* kNames[] = {"+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "^", "<<", ">>"};
  static_assert(std::size(kNames) == static_cast<size_t>(BinaryOp::kRightShift) + 1);
  return kNames[static_cast<size_t>(op)];
}

const char* spelling(CompareOp op) {
  static constexpr const char* kNames[] = {"==", "!=", "<", "<=", ">", ">=", "is", "is not", "in", "not in"};
  static_assert(std::size(kNames) == static_cast<size_t>(CompareOp::kNotIn) + 1);
  return kNames[static_cast<size_t>(op)];
}

namespace {

// The node one step down the left side, or null where the chain ends.
const Expr* left_child(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kBinary:
      return cast<Binary>(expr).left;
    case ExprKind::kAttribute:
      return cast<Attribute>(expr).value;
    case ExprKind::kSubscript:
      return cast<Subscript>(expr).value;
    case ExprKind::kCall:
      return cast<Call>(expr).callee;
    default:
      return nullptr;
  }
}

}  // namespace

std::vector<const Expr*> left_spine(const Expr& expr) {
  std::vector<const Expr*> spine;
  for (const Expr* at = &expr; at != nullptr; at = left_child(*at)) spine.push_back(at);
  return spine;
}

std::string dotted_name(const Expr& expr) {
  std::vector<const std::string*> parts;
  const Expr* at = &expr;
  while (const auto* attribute = as<Attribute>(at)) {
    parts.push_back(&attribute->name);
    at = attribute->value;
  }
  const auto* name = as<Name>(at);
  if (name == nullptr) return "";
  std::string dotted = name->id;
  for (auto it = parts.rbegin(); it != parts.rend(); ++it) dotted.append(".").append(**it);
  return dotted;
}

}  // namespace vesta::frontend
