// Any bytes as source text, in both modes: tokens lie inside the text, one behind the other, and come to an end.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "frontend/lexer.h"

namespace {

void lex(const std::shared_ptr<const vesta::support::Source>& source, const vesta::frontend::Lexer::Options& options) {
  using vesta::frontend::TokenKind;
  const size_t size = source->text.size();
  vesta::frontend::Lexer lexer(source, 0, size, options);
  size_t end = 0;
  // Each token takes a byte or more, but for line ends, indentations and the end itself.
  for (size_t count = 0; count <= 4 * size + 16; ++count) {
    const vesta::frontend::Token token = lexer.next();
    if (token.begin > token.end || token.end > size || token.begin < end) std::abort();
    end = token.end;
    if (token.kind == TokenKind::kError && lexer.error().ok()) std::abort();
    if (token.kind == TokenKind::kError || token.kind == TokenKind::kEnd) return;
  }
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto source = std::make_shared<vesta::support::Source>();
  source->text.assign(reinterpret_cast<const char*>(data), size);
  source->filename = "fuzz.py";
  lex(source, {});
  lex(source, {.mode = vesta::frontend::LexMode::kExpression, .foreign_keywords_are_names = true});
  return 0;
}
