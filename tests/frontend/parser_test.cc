#include "frontend/parser.h"

#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "frontend/ast.h"
#include "gtest/gtest.h"

namespace vesta::frontend {
namespace {

std::shared_ptr<const support::Source> source(std::string text) {
  return std::make_shared<support::Source>(support::Source{std::move(text), "t.py", 1});
}

// Trees as text in prefix form.
std::string dump(const Expr* expr);

std::string dump_all(const std::vector<const Expr*>& exprs) {
  return absl::StrJoin(exprs, " ", [](std::string* out, const Expr* expr) { *out += dump(expr); });
}

std::string dump_parts(const JoinedString& joined) {
  return absl::StrJoin(joined.parts, " ", [](std::string* out, const FormatPart& part) {
    if (part.value == nullptr) {
      absl::StrAppend(out, "'", part.text, "'");
      return;
    }
    absl::StrAppend(out, "{", dump(part.value));
    if (part.conversion != 0) absl::StrAppend(out, "!", std::string(1, part.conversion));
    if (part.spec != nullptr) absl::StrAppend(out, ":", dump_parts(*part.spec));
    absl::StrAppend(out, "}");
  });
}

std::string dump_clauses(const Comprehension& node) {
  std::string out;
  for (const ComprehensionClause& clause : node.clauses) {
    absl::StrAppend(&out, " for ", dump(clause.target), " in ", dump(clause.iterable));
    for (const Expr* condition : clause.conditions) absl::StrAppend(&out, " if ", dump(condition));
  }
  return out;
}

std::string dump_parameters(const std::vector<Parameter>& parameters) {
  static constexpr const char* kMarks[] = {"/", "", "*", "k:", "**"};
  return absl::StrJoin(parameters, ", ", [](std::string* out, const Parameter& p) {
    absl::StrAppend(out, kMarks[static_cast<int>(p.kind)], p.name);
    if (p.annotation != nullptr) absl::StrAppend(out, ":", dump(p.annotation));
    if (p.default_value != nullptr) absl::StrAppend(out, "=", dump(p.default_value));
  });
}

std::string dump_call(const Call& call) {
  std::string out = absl::StrCat("(call ", dump(call.callee));
  for (const Expr* argument : call.arguments) absl::StrAppend(&out, " ", dump(argument));
  for (const Keyword& keyword : call.keywords) {
    absl::StrAppend(&out, " ", keyword.name.empty() ? "**" : keyword.name + "=", dump(keyword.value));
  }
  return out + ")";
}

std::string dump_dict(const Dict& dict) {
  return absl::StrCat("{",
                      absl::StrJoin(dict.items, " ",
                                    [](std::string* out, const DictItem& item) {
                                      absl::StrAppend(out, item.key != nullptr ? dump(item.key) + ":" : "**",
                                                      dump(item.value));
                                    }),
                      "}");
}

std::string dump_compare(const Compare& compare) {
  std::string out = absl::StrCat("(", dump(compare.first));
  for (size_t i = 0; i < compare.ops.size(); ++i) {
    absl::StrAppend(&out, " ", spelling(compare.ops[i]), " ", dump(compare.rest[i]));
  }
  return out + ")";
}

std::string dump(const Expr* expr) {
  if (expr == nullptr) return "_";
  switch (expr->kind) {
    case ExprKind::kName:
      return cast<Name>(*expr).id;
    case ExprKind::kIntLiteral:
      return absl::StrCat(cast<IntLiteral>(*expr).value);
    case ExprKind::kFloatLiteral:
      return absl::StrCat("f", cast<FloatLiteral>(*expr).value);
    case ExprKind::kComplexLiteral:
      return absl::StrCat(cast<ComplexLiteral>(*expr).imaginary, "j");
    case ExprKind::kStringLiteral:
      return absl::StrCat(cast<StringLiteral>(*expr).is_bytes ? "b'" : "'", cast<StringLiteral>(*expr).value, "'");
    case ExprKind::kJoinedString:
      return absl::StrCat("(f ", dump_parts(cast<JoinedString>(*expr)), ")");
    case ExprKind::kBoolLiteral:
      return cast<BoolLiteral>(*expr).value ? "True" : "False";
    case ExprKind::kNoneLiteral:
      return "None";
    case ExprKind::kEllipsis:
      return "...";
    case ExprKind::kAttribute:
      return absl::StrCat(dump(cast<Attribute>(*expr).value), ".", cast<Attribute>(*expr).name);
    case ExprKind::kSubscript:
      return absl::StrCat(dump(cast<Subscript>(*expr).value), "[", dump(cast<Subscript>(*expr).index), "]");
    case ExprKind::kSlice: {
      const auto& slice = cast<Slice>(*expr);
      return absl::StrCat("(", dump(slice.lower), ":", dump(slice.upper), ":", dump(slice.step), ")");
    }
    case ExprKind::kCall:
      return dump_call(cast<Call>(*expr));
    case ExprKind::kStarred:
      return absl::StrCat("*", dump(cast<Starred>(*expr).value));
    case ExprKind::kUnary:
      return absl::StrCat("(", spelling(cast<Unary>(*expr).op), " ", dump(cast<Unary>(*expr).operand), ")");
    case ExprKind::kBinary: {
      const auto& binary = cast<Binary>(*expr);
      return absl::StrCat("(", spelling(binary.op), " ", dump(binary.left), " ", dump(binary.right), ")");
    }
    case ExprKind::kBoolOp:
      return absl::StrCat(cast<BoolOp>(*expr).is_and ? "(and " : "(or ", dump_all(cast<BoolOp>(*expr).operands), ")");
    case ExprKind::kCompare:
      return dump_compare(cast<Compare>(*expr));
    case ExprKind::kConditional: {
      const auto& node = cast<Conditional>(*expr);
      return absl::StrCat("(if ", dump(node.test), " ", dump(node.body), " ", dump(node.orelse), ")");
    }
    case ExprKind::kLambda:
      return absl::StrCat("(lambda ", dump_parameters(cast<Lambda>(*expr).parameters), ": ",
                          dump(cast<Lambda>(*expr).body), ")");
    case ExprKind::kTuple:
      return absl::StrCat("(tuple ", dump_all(cast<Tuple>(*expr).elements), ")");
    case ExprKind::kList:
      return absl::StrCat("[", dump_all(cast<List>(*expr).elements), "]");
    case ExprKind::kSet:
      return absl::StrCat("{", dump_all(cast<Set>(*expr).elements), "}");
    case ExprKind::kDict:
      return dump_dict(cast<Dict>(*expr));
    case ExprKind::kComprehension: {
      const auto& node = cast<Comprehension>(*expr);
      static constexpr const char* kForms[] = {"list", "set", "dict", "generator"};
      const std::string value = node.value != nullptr ? ":" + dump(node.value) : "";
      return absl::StrCat("(", kForms[static_cast<int>(node.form)], " ", dump(node.element), value, dump_clauses(node),
                          ")");
    }
  }
  return "?";
}

std::string dump(const Block& block);

std::string dump_function(const Function& f) {
  std::string out;
  for (const Expr* decorator : f.decorators) absl::StrAppend(&out, "@", dump(decorator), " ");
  absl::StrAppend(&out, "def ", f.name, "(", dump_parameters(f.parameters), ")");
  if (f.return_annotation != nullptr) absl::StrAppend(&out, " -> ", dump(f.return_annotation));
  return out + " {" + dump(f.body) + "}";
}

std::string dump_import(const Import& import) {
  const std::string names = absl::StrJoin(import.names, ",", [](std::string* out, const ImportedName& name) {
    absl::StrAppend(out, name.name, name.alias.empty() ? "" : " as " + name.alias);
  });
  return absl::StrCat(import.is_from ? "from " + import.module + " " : "", "import ", names);
}

std::string dump_if(const If& node) {
  std::string out;
  for (const IfBranch& branch : node.branches) {
    absl::StrAppend(&out, out.empty() ? "if " : "elif ", dump(branch.test), " {", dump(branch.body), "} ");
  }
  return out + "else {" + dump(node.orelse) + "}";
}

std::string dump_with(const With& with) {
  std::string out = "with";
  for (const WithItem& item : with.items) absl::StrAppend(&out, " ", dump(item.context), "=", dump(item.target));
  return out + " {" + dump(with.body) + "}";
}

std::string dump(const Stmt* stmt) {
  switch (stmt->kind) {
    case StmtKind::kExpr:
      return dump(cast<ExprStmt>(*stmt).value);
    case StmtKind::kAssign: {
      const auto& node = cast<Assign>(*stmt);
      const std::string type = node.annotation != nullptr ? " :" + dump(node.annotation) : "";
      return absl::StrCat(dump_all(node.targets), type, " = ", dump(node.value));
    }
    case StmtKind::kAugmentedAssign: {
      const auto& node = cast<AugmentedAssign>(*stmt);
      return absl::StrCat(dump(node.target), " ", spelling(node.op), "= ", dump(node.value));
    }
    case StmtKind::kDelete:
      return absl::StrCat("del ", dump_all(cast<Delete>(*stmt).targets));
    case StmtKind::kReturn:
      return absl::StrCat("return ", dump(cast<Return>(*stmt).value));
    case StmtKind::kRaise:
      return absl::StrCat("raise ", dump(cast<Raise>(*stmt).exception), " from ", dump(cast<Raise>(*stmt).cause));
    case StmtKind::kAssert:
      return absl::StrCat("assert ", dump(cast<Assert>(*stmt).test), " ", dump(cast<Assert>(*stmt).message));
    case StmtKind::kPass:
      return "pass";
    case StmtKind::kBreak:
      return "break";
    case StmtKind::kContinue:
      return "continue";
    case StmtKind::kIf:
      return dump_if(cast<If>(*stmt));
    case StmtKind::kFor:
      return absl::StrCat("for ", dump(cast<For>(*stmt).target), " in ", dump(cast<For>(*stmt).iterable), " {",
                          dump(cast<For>(*stmt).body), "}");
    case StmtKind::kWhile:
      return absl::StrCat("while ", dump(cast<While>(*stmt).test), " {", dump(cast<While>(*stmt).body), "}");
    case StmtKind::kWith:
      return dump_with(cast<With>(*stmt));
    case StmtKind::kImport:
      return dump_import(cast<Import>(*stmt));
    case StmtKind::kFunction:
      return dump_function(cast<Function>(*stmt));
    case StmtKind::kClass:
      return absl::StrCat("class ", cast<Class>(*stmt).name, "(", dump_all(cast<Class>(*stmt).bases), ") {",
                          dump(cast<Class>(*stmt).body), "}");
  }
  return "?";
}

std::string dump(const Block& block) {
  return absl::StrJoin(block, "; ", [](std::string* out, const Stmt* stmt) { *out += dump(stmt); });
}

std::string module(std::string text, const ParseOptions& options = {}) {
  const auto parsed = parse_module(source(std::move(text)), options);
  return parsed.ok() ? dump(parsed->body) : std::string(parsed.status().message());
}

std::string expression(std::string text, const ParseOptions& options = {}) {
  const auto parsed = parse_expression(source(std::move(text)), options);
  return parsed.ok() ? dump(parsed->expr) : std::string(parsed.status().message());
}

// ---- expressions

TEST(Parser, OperatorsHavePythonsPrecedence) {
  EXPECT_EQ(expression("a | b ^ c & d << e + f * g ** h"), "(| a (^ b (& c (<< d (+ e (* f (** g h)))))))");
  EXPECT_EQ(expression("a - b - c"), "(- (- a b) c)");
  EXPECT_EQ(expression("a ** b ** c"), "(** a (** b c))");
  EXPECT_EQ(expression("-a ** -b"), "(- (** a (- b)))");
  EXPECT_EQ(expression("a @ b // c % d"), "(% (// (@ a b) c) d)");
  EXPECT_EQ(expression("not a == b and c or d"), "(or (and (not (a == b)) c) d)");
  EXPECT_EQ(expression("~a + +b"), "(+ (~ a) (+ b))");
}

TEST(Parser, BooleanChainsAreFlat) { EXPECT_EQ(expression("a and b and c or d or e"), "(or (and a b c) d e)"); }

TEST(Parser, ComparisonsChain) {
  EXPECT_EQ(expression("a < b <= c != d"), "(a < b <= c != d)");
  EXPECT_EQ(expression("a is not b in c not in d is e"), "(a is not b in c not in d is e)");
  EXPECT_EQ(expression("a is (not b)"), "(a is (not b))");
}

TEST(Parser, ConditionalsNestToTheRight) { EXPECT_EQ(expression("a if b else c if d else e"), "(if b a (if d c e))"); }

TEST(Parser, MinusFoldsIntoLiterals) {
  EXPECT_EQ(expression("-1"), "-1");
  EXPECT_EQ(expression("- 0.5"), "f-0.5");
  EXPECT_EQ(expression("-2 ** 2"), "(- (** 2 2))");
  EXPECT_EQ(expression("-2 + 3"), "(+ -2 3)");
  EXPECT_EQ(expression("--2"), "(- -2)");
  EXPECT_EQ(expression("-2j"), "(- 2j)");
  EXPECT_EQ(expression("-1 .foo"), "(- 1.foo)");
}

TEST(Parser, IntsCoverSixtyFourBits) {
  EXPECT_EQ(expression("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(expression("-9223372036854775808"), "-9223372036854775808");
  for (const char* text :
       {"9223372036854775808", "-9223372036854775809", "0x1_0000_0000_0000_0000", "-9223372036854775808 ** 2",
        "-9223372036854775808 ** -9223372036854775808", "-(9223372036854775808)", "--9223372036854775808"}) {
    const std::string result = expression(text);
    if (std::string_view(text).substr(0, 2) == "--") {
      EXPECT_EQ(result, "(- -9223372036854775808)");
    } else {
      EXPECT_NE(result.find("does not fit into 64 bits"), std::string::npos) << text << ": " << result;
    }
  }
}

TEST(Parser, NumbersOfAllBases) {
  EXPECT_EQ(expression("[0x1F, 0o17, 0b101, 1_000, 1., .5, 1e-3, 1e400, 3J]"), "[31 15 5 1000 f1 f0.5 f0.001 finf 3j]");
}

TEST(Parser, CallsTakeAllKindsOfArguments) {
  EXPECT_EQ(expression("f(a, *b, c=d, **e)"), "(call f a *b c=d **e)");
  EXPECT_EQ(expression("f(x for x in y)"), "(call f (generator x for x in y))");
  EXPECT_EQ(expression("torch.uniform_(x, from=0., to=1.,)"), "(call torch.uniform_ x from=f0 to=f1)");
  EXPECT_NE(expression("f(a=1, b)").find("a positional argument may not follow"), std::string::npos);
  EXPECT_NE(expression("f(a=1, a=2)").find("'a' is given twice"), std::string::npos);
}

TEST(Parser, SubscriptsTakeSlicesTuplesEllipsisAndNone) {
  EXPECT_EQ(expression("x[1]"), "x[1]");
  EXPECT_EQ(expression("x[:]"), "x[(_:_:_)]");
  EXPECT_EQ(expression("x[a:b:c, ::2, ..., None, 1:]"), "x[(tuple (a:b:c) (_:_:2) ... None (1:_:_))]");
  EXPECT_EQ(expression("x[1,]"), "x[(tuple 1)]");
}

TEST(Parser, Displays) {
  EXPECT_EQ(expression("()"), "(tuple )");
  EXPECT_EQ(expression("(a,)"), "(tuple a)");
  EXPECT_EQ(expression("(a)"), "a");
  EXPECT_EQ(expression("[a, *b,]"), "[a *b]");
  EXPECT_EQ(expression("{}"), "{}");
  EXPECT_EQ(expression("{a: b, **c, d: e,}"), "{a:b **c d:e}");
  EXPECT_EQ(expression("{a, b}"), "{a b}");
}

TEST(Parser, Comprehensions) {
  EXPECT_EQ(expression("[a + 1 for a, b in c if a if b]"), "(list (+ a 1) for (tuple a b) in c if a if b)");
  EXPECT_EQ(expression("{k: v for k, v in d.items()}"), "(dict k:v for (tuple k v) in (call d.items))");
  EXPECT_EQ(expression("{a for b in c for a in b}"), "(set a for b in c for a in b)");
  EXPECT_EQ(expression("(a for a in b)"), "(generator a for a in b)");
}

TEST(Parser, Lambdas) {
  EXPECT_EQ(expression("lambda x, *y, z=1: x + z"), "(lambda x, *y, k:z=1: (+ x z))");
  EXPECT_EQ(expression("lambda: 1"), "(lambda : 1)");
}

TEST(Parser, NamesOfArchives) {
  EXPECT_EQ(expression("self.0.weight"), "self.0.weight");
  EXPECT_EQ(expression("__torch__.a.___torch_mangle_0.B"), "__torch__.a.___torch_mangle_0.B");
  EXPECT_EQ(expression("self.in"), "self.in");
}

TEST(Parser, RangesCoverTheText) {
  const auto text = source("x = (a + b) * f(c, d=[1])[0].e");
  const auto parsed = parse_module(text);
  ASSERT_TRUE(parsed.ok());
  const auto& assign = cast<Assign>(*parsed->body[0]);
  EXPECT_EQ(assign.range.text(), text->text);
  const auto& product = cast<Binary>(*assign.value);
  EXPECT_EQ(product.range.text(), "(a + b) * f(c, d=[1])[0].e");
  EXPECT_EQ(product.op_range.text(), "*");
  EXPECT_EQ(product.left->range.text(), "a + b");
  EXPECT_EQ(product.right->range.text(), "f(c, d=[1])[0].e");
  EXPECT_EQ(cast<Attribute>(*product.right).name_range.text(), "e");
}

// ---- strings

TEST(Parser, StringsDecodePythonsEscapes) {
  EXPECT_EQ(expression(R"('a\n\t\\\'\x41\101\u00e9\U0001F600\q')"), "'a\n\t\\'AA\u00e9\U0001F600\\q'");
  EXPECT_EQ(expression("'a\\\nb'"), "'ab'");
  EXPECT_EQ(expression(R"(r'\n' "x" R"\"")"), "'\\nx\\\"'");
  EXPECT_EQ(expression("'''a\r\nb'''"), "'a\nb'");
  EXPECT_EQ(expression(R"('\351')"), "'\u00e9'");
  EXPECT_EQ(expression(R"(b'\xe9')"), "b'\xe9'");
}

TEST(Parser, ArchivesEscapeBytes) {
  ParseOptions options;
  options.escapes = StringEscapes::kArchiveBytes;
  EXPECT_EQ(expression(R"("\303\251\xc3\xa9")", options), "'\u00e9\u00e9'");
}

TEST(Parser, BadEscapesPointToThemselves) {
  EXPECT_EQ(expression(R"(a + 'bc\xg')"),
            "t.py:1:8: error: this escape needs 2 hexadecimal digits\n  a + 'bc\\xg'\n         ^^\n");
  EXPECT_NE(expression(R"('\ud800')").find("not a Unicode character"), std::string::npos);
  EXPECT_NE(expression(R"('\N{BULLET}')").find("not supported"), std::string::npos);
}

TEST(Parser, FormatStrings) {
  EXPECT_EQ(expression(R"(f"a{b}c{d!r:>{w}.2f}{{}}")"), "(f 'a' {b} 'c' {d!r:'>' {w} '.2f'} '{}')");
  EXPECT_EQ(expression(R"(f"{x['k'] if a != b else {1: 2}[1]}")"), "(f {(if (a != b) x['k'] {1:2}[1])})");
  EXPECT_EQ(expression(R"("p" f"{a}" "q" f"r")"), "(f 'p' {a} 'qr')");
  EXPECT_EQ(expression(R"(f"{a, b}")"), "(f {(tuple a b)})");
  EXPECT_EQ(expression(R"(f"{ x = }{y=!s}")"), "(f ' x = ' {x!r} 'y=' {y!s})");
  EXPECT_EQ(expression("f'''{\na\n}\\n'''"), "(f {a} '\n')");
  EXPECT_EQ(expression(R"(fr"\d{x}")"), "(f '\\d' {x})");
  EXPECT_EQ(expression("f''"), "(f )");
}

TEST(Parser, BrokenFormatStringsAreRefused) {
  for (const char* text : {"f'{'", "f'}'", "f'{a'", "f'{}'", "f'{a!x}'", "f'{a:{b:{c}}}'", "f'{a b}'", "f'{a!}'",
                           "f'{\\n}'", "f'{#}'", "f'{(}'", "f'{a:'", "f'{ }'", "f'{a='"}) {
    EXPECT_NE(expression(text).find("t.py:1:"), std::string::npos) << text << " -> " << expression(text);
  }
}

TEST(Parser, BytesAndStringsDoNotJoin) {
  EXPECT_NE(expression("b'a' 'b'").find("may not be joined"), std::string::npos);
  EXPECT_NE(expression("bf'a'").find("prefix"), std::string::npos);
}

// ---- statements

TEST(Parser, Assignments) {
  EXPECT_EQ(module("a = b = c\n"), "a b = c");
  EXPECT_EQ(module("a, *b, (c, [d]) = e\n"), "(tuple a *b (tuple c [d])) = e");
  EXPECT_EQ(module("_0, _1, = f(x)\n"), "(tuple _0 _1) = (call f x)");
  EXPECT_EQ(module("x[0].y = 1, 2\n"), "x[0].y = (tuple 1 2)");
  EXPECT_EQ(module("x : List[int] = []\nself.y: Final[int]\n"), "x :List[int] = []; self.y :Final[int] = _");
  EXPECT_EQ(module("x = []  # type: List[int]\n"), "x :List[int] = []");
  EXPECT_EQ(module("a += 1; b.c **= 2; d[0] @= e\n"), "a += 1; b.c **= 2; d[0] @= e");
}

TEST(Parser, BadTargetsAreRefused) {
  EXPECT_NE(module("f(x) = 1\n").find("cannot assign to a call"), std::string::npos);
  EXPECT_NE(module("a + 1 += 1\n").find("cannot assign to a binary operation"), std::string::npos);
  EXPECT_NE(module("*a = b\n").find("has to be in a list or tuple"), std::string::npos);
  EXPECT_NE(module("*a, *b = c\n").find("only one target may be starred"), std::string::npos);
  EXPECT_NE(module("a, b: int = c\n").find("can be annotated"), std::string::npos);
  EXPECT_NE(module("del f()\n").find("cannot delete a call"), std::string::npos);
  EXPECT_NE(module("None = 1\n").find("cannot assign to None"), std::string::npos);
}

TEST(Parser, ControlFlow) {
  EXPECT_EQ(module("if a:\n  b\nelif c: d\nelse:\n  e\n"), "if a {b} elif c {d} else {e}");
  EXPECT_EQ(module("for i, x in enumerate(y):\n  break\nwhile True: continue\n"),
            "for (tuple i x) in (call enumerate y) {break}; while True {continue}");
  EXPECT_EQ(module("for x in 1, 2: pass\n"), "for x in (tuple 1 2) {pass}");
  EXPECT_EQ(module("with a as b, c.d():\n  pass\n"), "with a=b (call c.d)=_ {pass}");
  EXPECT_EQ(module("with (a as b, c):\n  pass\n"), "with a=b c=_ {pass}");
  EXPECT_EQ(module("with (a).b as c:\n  pass\n"), "with a.b=c {pass}");
}

TEST(Parser, SimpleStatements) {
  EXPECT_EQ(module("return\nreturn a, b\nraise\nraise E(a) from b\nassert a, 'b'\ndel a, b[0]\npass\n"),
            "return _; return (tuple a b); raise _ from _; raise (call E a) from b; assert a 'b'; del a b[0]; pass");
  EXPECT_EQ(module("import a.b as c, d\nfrom ..e import (f as g, h,)\nfrom . import i\nfrom j import *\n"),
            "import a.b as c,d; from ..e import f as g,h; from . import i; from j import *");
}

TEST(Parser, FunctionsTakeAllKindsOfParameters) {
  EXPECT_EQ(module("@a.b\n@c(1)\ndef f(self, x: int, /, y=1, *z, w: str='a', **v) -> Tuple[int, str]:\n  'doc'\n"),
            "@a.b @(call c 1) def f(/self, /x:int, y=1, *z, k:w:str='a', **v) -> Tuple[(tuple int str)] {'doc'}");
  EXPECT_EQ(module("def f(a, *, b): return a\n"), "def f(a, k:b) {return a}");
  EXPECT_NE(module("def f(a, *): pass\n").find("expected a keyword-only parameter"), std::string::npos);
  EXPECT_NE(module("def f(a, a): pass\n").find("'a' is there twice"), std::string::npos);
  EXPECT_NE(module("def f(a=1, b): pass\n").find("'b' needs a default value"), std::string::npos);
}

TEST(Parser, SignatureComments) {
  EXPECT_EQ(module("def f(x, y):\n  # type: (int, List[Tensor]) -> int\n  return x\n"),
            "def f(x:int, y:List[Tensor]) -> int {return x}");
  EXPECT_EQ(module("def f(self, x):  # type: (int) -> int\n  return x\n"), "def f(self, x:int) -> int {return x}");
  EXPECT_EQ(module("def f(a,  # type: int\n      b  # type: Tensor\n      ):\n  # type: (...) -> Tensor\n  pass\n"),
            "def f(a:int, b:Tensor) -> Tensor {pass}");
  EXPECT_EQ(module("def f(x: str):\n  # type: (int) -> int\n  pass\n"), "def f(x:str) -> int {pass}");
  EXPECT_EQ(module("def f():\n  # type: () -> Tuple[int, int]\n  pass\n"), "def f() -> Tuple[(tuple int int)] {pass}");
  EXPECT_EQ(module("def f(x, y):\n  # type: (int) -> int\n  pass\n"),
            "t.py:2:11: error: the type comment gives 1 types for 2 parameters of 'f'\n"
            "    # type: (int) -> int\n            ^^^^^^^^^^^^\n");
}

TEST(Parser, ClassesOfArchives) {
  EXPECT_EQ(module("class M(Module):\n"
                   "  __parameters__ = [\"weight\", ]\n"
                   "  __buffers__ = []\n"
                   "  weight : Tensor\n"
                   "  __annotations__[\"0\"] = __torch__.L\n"
                   "  __annotations__ = []\n"
                   "  n : Final[int] = 3\n"
                   "  def forward(self: __torch__.M,\n"
                   "    x: Tensor) -> Tensor:\n"
                   "    return x\n"),
            "class M(Module) {__parameters__ = ['weight']; __buffers__ = []; weight :Tensor = _; "
            "__annotations__['0'] = __torch__.L; __annotations__ = []; n :Final[int] = 3; "
            "def forward(self:__torch__.M, x:Tensor) -> Tensor {return x}}");
  EXPECT_EQ(module("class C(Enum):\n  RED = 1\nclass D: pass\n"), "class C(Enum) {RED = 1}; class D() {pass}");
}

TEST(Parser, OldArchives) {
  EXPECT_EQ(module("op_version_set = 0\ndef forward(self,\n    x: Tensor) -> Tensor:\n"
                   "  _0 = torch.add(x, CONSTANTS.c0, alpha=1)\n  return _0\n"),
            "op_version_set = 0; def forward(self, x:Tensor) -> Tensor "
            "{_0 = (call torch.add x CONSTANTS.c0 alpha=1); return _0}");
}

TEST(Parser, ArchivesMayUseForeignKeywordsAsNames) {
  ParseOptions options;
  options.escapes = StringEscapes::kArchiveBytes;
  EXPECT_EQ(module("def from(try: int) -> int:\n  return try\n", options), "def from(try:int) -> int {return try}");
}

TEST(Parser, NestedFunctionsAndIndentedText) {
  EXPECT_EQ(module("\n    def f(x):\n        def g(y):\n            return y\n        return g(x)\n    "),
            "def f(x) {def g(y) {return y}; return (call g x)}");
}

TEST(Parser, EmptyTextIsAnEmptyModule) {
  EXPECT_EQ(module(""), "");
  EXPECT_EQ(module("\n# only a comment\n\n"), "");
}

TEST(Parser, ForeignStatementsAreNamed) {
  for (const char* text :
       {"global x\n", "nonlocal x\n", "try:\n  a\n", "async def f(): pass\n", "x = await y\n", "yield x\n",
        "x = (yield)\n", "await x\n", "x = yield y\n", "if (a := 1): pass\n", "a := 1\n", "f(a := 1)\n"}) {
    EXPECT_NE(module(text).find("is not part of TorchScript"), std::string::npos) << text << module(text);
  }
  EXPECT_NE(module("for a in b:\n  c\nelse:\n  d\n").find("'else' after a 'for' loop"), std::string::npos);
  EXPECT_NE(module("while b:\n  c\nelse:\n  d\n").find("'else' after a 'while' loop"), std::string::npos);
}

// ---- errors

TEST(Parser, ErrorsTellWhatWasExpected) {
  EXPECT_EQ(module("def f(x)\n  return x\n"),
            "t.py:1:9: error: expected ':', found the end of the line\n  def f(x)\n          ^\n");
  EXPECT_EQ(module("x = 1 +\n"),
            "t.py:1:8: error: expected an expression, found the end of the line\n"
            "  x = 1 +\n         ^\n");
  EXPECT_EQ(module("x = (1,\n     2\n"), "t.py:1:5: error: '(' is never closed\n  x = (1,\n      ^\n");
  EXPECT_EQ(module("x = f(a b)\n"), "t.py:1:9: error: expected ')' or ',', found 'b'\n  x = f(a b)\n          ^\n");
  EXPECT_NE(module("if a:\nb\n").find("expected an indented block, found 'b'"), std::string::npos);
  EXPECT_NE(module("a\n  b\n").find("indented without need"), std::string::npos);
  EXPECT_NE(module("else: a\n").find("'else' has no 'if' before it"), std::string::npos);
  EXPECT_NE(module("x = f(a,\n\n  b c)").find("'(' was opened in line 1"), std::string::npos);
  EXPECT_EQ(parse_module(source("x = )")).status().code(), absl::StatusCode::kInvalidArgument);
}

// ---- limits

std::string repeat(std::string_view part, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += part;
  return out;
}

TEST(Parser, NestingIsBounded) {
  const std::vector<std::string> texts = {repeat("(", 5000) + "a" + repeat(")", 5000),
                                          repeat("[", 5000),
                                          repeat("{a:", 5000),
                                          repeat("-", 5000) + "a",
                                          repeat("not ", 5000) + "a",
                                          repeat("f(", 5000),
                                          repeat("a if b else ", 5000) + "c",
                                          repeat("a ** ", 5000) + "b",
                                          repeat("lambda: ", 5000) + "a",
                                          repeat("x[", 5000),
                                          repeat("(*", 5000),
                                          repeat("{**", 5000),
                                          "[a for " + repeat("(", 5000),
                                          "f'{" + repeat("(", 5000) + repeat(")", 5000) + "}'",
                                          repeat("a**(*", 5000)};
  for (const std::string& text : texts) {
    EXPECT_EQ(parse_expression(source("(" + text)).status().code(), absl::StatusCode::kResourceExhausted)
        << text.substr(0, 20);
  }
}

TEST(Parser, NestingOfOneHundredIsFine) { EXPECT_EQ(expression(repeat("(", 150) + "a" + repeat(")", 150)), "a"); }

TEST(Parser, LongChainsNeedNoStack) {
  constexpr int kLong = 100000;
  for (const std::string& text :
       {"a" + repeat(" + a", kLong), "a" + repeat(".b", kLong), "a" + repeat("(1)", kLong), "a" + repeat("[0]", kLong),
        "a" + repeat(" and a", kLong), "a" + repeat(" < a", kLong), "'a'" + repeat(" 'a'", kLong)}) {
    const auto parsed = parse_expression(source(text));
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_GE(left_spine(*parsed->expr).size(), 1u);
  }
  const auto sum = parse_expression(source("a" + repeat(" + a", kLong)));
  EXPECT_EQ(left_spine(*sum->expr).size(), size_t{kLong} + 1);
  const auto ifs = parse_module(source("if a: b\n" + repeat("elif c: d\n", kLong)));
  ASSERT_TRUE(ifs.ok());
  EXPECT_EQ(cast<If>(*ifs->body[0]).branches.size(), size_t{kLong} + 1);
  EXPECT_TRUE(parse_module(source(repeat("x = 1\n", kLong))).ok());
  EXPECT_TRUE(parse_module(source("x = 1" + repeat("; x = 1", kLong) + "\n")).ok());
}

TEST(Parser, TextIsBounded) {
  ParseOptions options;
  options.limits.source_bytes = 10;
  EXPECT_EQ(parse_module(source("x = 1 + 2 + 3\n"), options).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(Parser, DottedNames) {
  const auto parsed = parse_expression(source("[a.b.c, a().b, a]"));
  ASSERT_TRUE(parsed.ok());
  const auto& list = cast<List>(*parsed->expr);
  EXPECT_EQ(dotted_name(*list.elements[0]), "a.b.c");
  EXPECT_EQ(dotted_name(*list.elements[1]), "");
  EXPECT_EQ(dotted_name(*list.elements[2]), "a");
}

// ---- anything at all

constexpr std::string_view kSeeds[] = {
    "class M(Module):\n  __parameters__ = []\n  w : Tensor\n  def forward(self, x: Tensor) -> Tensor:\n"
    "    if bool(x):\n      _0 = torch.add(x, -1, alpha=1.5)\n    else:\n      _0 = x\n    return _0\n",
    "def f(a, *b, c=1, **d):\n  # type: (int, str) -> Tuple[int, int]\n  for i, j in zip(a, b):\n    while not i: "
    "break\n"
    "  with a as b, (c):\n    x[1:2, ..., None] += {1: [2]}\n  raise E(f\"{a!r:>{b}} {{}} {c=}\") from None\n",
    "x = [a for a in b if c] # type: List[int]\ny = {k: v for k in v}\nz = lambda q: (q, *r)\nassert a < b is not c, "
    "'d\\x41\\u00e9'\n",
    "@a.b\ndef g(x  # type: int\n    ):\n\t'''doc'''\n\treturn x ** -2 if x @ y else (yield)\n",
    "from .a import (b as c,)\nimport d.e\ndel x, y[0]\nglobal z\ntry:\n  pass\n",
};

TEST(Parser, MutatedTextNeverCrashes) {
  constexpr std::string_view kPieces[] = {
      "(",    ")",    "[",      "]",      "{",        "}",      ":",  ",",        "\n",   "\n  ", "\t",  "'",
      "\"",   "f'{",  "\\",     "#",      "# type: ", "**",     "=",  ".",        "0",    "1e",   "if ", " else ",
      "for ", " in ", "def f(", "class ", "lambda ",  "\"\"\"", "\r", "\xc3\xa9", "\xff", "\0"};
  std::mt19937 random(20240717);
  size_t accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text(kSeeds[random() % std::size(kSeeds)]);
    const int changes = 1 + static_cast<int>(random() % 4);
    for (int i = 0; i < changes && !text.empty(); ++i) {
      const size_t at = random() % text.size();
      switch (random() % 4) {
        case 0:
          text.erase(at, 1 + random() % 8);
          break;
        case 1:
          text.insert(at, kPieces[random() % std::size(kPieces)]);
          break;
        case 2:
          text[at] = static_cast<char>(random());
          break;
        default:
          text.insert(at, text.substr(random() % text.size(), random() % 16));
          break;
      }
    }
    ParseOptions options;
    options.escapes = round % 2 == 0 ? StringEscapes::kPython : StringEscapes::kArchiveBytes;
    const auto parsed = parse_module(source(text), options);
    if (parsed.ok()) {
      ++accepted;
      dump(parsed->body);
    } else {
      EXPECT_NE(parsed.status().message().find("error: "), absl::string_view::npos) << text;
      EXPECT_FALSE(parsed.status().code() == absl::StatusCode::kInternal) << text;
    }
  }
  EXPECT_GT(accepted, 500u);
}

}  // namespace
}  // namespace vesta::frontend
