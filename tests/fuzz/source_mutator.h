#pragma once

// Changes source text by its own pieces: words, terms (`x.size(0)[i]`, `(a, b)`) and statements with what is nested in
// them. Bytes that change at random seldom give a program that gets past the parser; these mostly do, so what is behind
// it is reached.

#include <array>
#include <cctype>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace vesta::test {

class SourceMutator {
 public:
  explicit SourceMutator(unsigned seed) : random_(seed) {}

  // `text` after one to four changes, with pieces that are taken from `donor` (it may be the text itself).
  std::string mutate(std::string text, std::string_view donor) {
    const Pieces gifts = pieces_of(donor);
    for (size_t times = pick(4) + 1; times > 0; --times) {
      const Pieces pieces = pieces_of(text);
      switch (pick(8)) {
        case 0:
        case 1:
        case 2:
          change_word(text, pieces, gifts);
          break;
        case 3:
        case 4:
        case 5:
          change_term(text, pieces, gifts);
          break;
        default:
          change_statement(text, pieces, gifts);
      }
    }
    return text;
  }

 private:
  using Views = std::vector<std::string_view>;
  struct Pieces {
    Views words;       // names, numbers, strings and operators
    Views terms;       // names with attributes, calls and subscripts; brackets with what they hold
    Views statements;  // whole lines with the deeper ones that follow
  };

  static bool is_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
  static bool is_blank(char c) { return c == ' ' || c == '\n'; }

  static size_t end_of_word(std::string_view text, size_t at) {
    const char first = text[at];
    if (first == '"' || first == '\'') {
      const size_t close = text.find(first, at + 1);
      return close == std::string_view::npos ? at + 1 : close + 1;
    }
    const std::string_view operators = "+-*/%<>=!&|^~@:";
    const bool name = is_name(first);
    if (!name && operators.find(first) == std::string_view::npos) return at + 1;
    while (at < text.size() && (name ? is_name(text[at]) : operators.find(text[at]) != std::string_view::npos)) ++at;
    return at;
  }

  static bool opens(char c) { return c == '(' || c == '[' || c == '{'; }
  static bool closes(char c) { return c == ')' || c == ']' || c == '}'; }

  // For each opening bracket the place behind its partner, for all else and without one the place behind itself.
  static std::vector<size_t> ends_of_brackets(std::string_view text) {
    std::vector<size_t> ends(text.size());
    std::vector<size_t> open;
    for (size_t i = 0; i < text.size(); ++i) {
      ends[i] = i + 1;
      if (opens(text[i])) open.push_back(i);
      if (!closes(text[i]) || open.empty()) continue;
      ends[open.back()] = i + 1;
      open.pop_back();
    }
    return ends;
  }

  static size_t end_of_term(std::string_view text, const std::vector<size_t>& ends, size_t at) {
    at = opens(text[at]) ? ends[at] : end_of_word(text, at);
    while (at < text.size()) {
      if (opens(text[at])) {
        at = ends[at];
      } else if (text[at] == '.' && at + 1 < text.size() && is_name(text[at + 1])) {
        at = end_of_word(text, at + 1);
      } else {
        break;
      }
    }
    return at;
  }

  static size_t indentation(std::string_view text, size_t line) {
    const size_t first = text.find_first_not_of(' ', line);
    return (first == std::string_view::npos ? text.size() : first) - line;
  }
  static size_t next_line(std::string_view text, size_t line) {
    const size_t end = text.find('\n', line);
    return end == std::string_view::npos ? text.size() : end + 1;
  }

  static Pieces pieces_of(std::string_view text) {
    Pieces pieces;
    const std::vector<size_t> ends = ends_of_brackets(text);
    for (size_t at = 0; at < text.size();) {
      if (is_blank(text[at])) {
        ++at;
        continue;
      }
      const size_t end = end_of_word(text, at);
      pieces.words.push_back(text.substr(at, end - at));
      const bool is_attribute = at > 0 && text[at - 1] == '.';
      if ((is_name(text[at]) && !is_attribute) || text[at] == '"' || text[at] == '\'' || opens(text[at]))
        pieces.terms.push_back(text.substr(at, end_of_term(text, ends, at) - at));
      at = end;
    }
    for (size_t line = 0; line < text.size(); line = next_line(text, line)) {
      size_t end = next_line(text, line);
      while (end < text.size() && indentation(text, end) > indentation(text, line)) end = next_line(text, end);
      pieces.statements.push_back(text.substr(line, end - line));
    }
    return pieces;
  }

  // The statement with its first line as deep as `depth`.
  static std::string indented(std::string_view statement, size_t depth) {
    const size_t own = indentation(statement, 0);
    std::string result;
    for (size_t line = 0; line < statement.size(); line = next_line(statement, line)) {
      const size_t blanks = indentation(statement, line);
      result.append(depth + (blanks > own ? blanks - own : 0), ' ');
      result.append(statement.substr(line + blanks, next_line(statement, line) - line - blanks));
    }
    if (!result.ends_with('\n')) result += '\n';
    return result;
  }

  size_t pick(size_t count) { return random_() % count; }
  std::string_view one_of(const Views& views) { return views.empty() ? std::string_view() : views[pick(views.size())]; }

  // Views are of `text` itself: what is taken from it is copied before it changes.
  static void replace(std::string& text, std::string_view piece, const std::string& with) {
    if (piece.data() == nullptr) return;
    text.replace(static_cast<size_t>(piece.data() - text.data()), piece.size(), with);
  }

  void change_word(std::string& text, const Pieces& pieces, const Pieces& gifts) {
    const std::string_view target = one_of(pieces.words);
    // A name for a name and an operator for an operator, most times.
    std::string_view gift = one_of(gifts.words);
    for (int tries = 0; tries < 8 && !target.empty() && !gift.empty() && is_name(target[0]) != is_name(gift[0]);
         ++tries)
      gift = one_of(gifts.words);
    replace(text, target, std::string(pick(16) == 0 ? std::string_view() : gift));
  }

  void change_term(std::string& text, const Pieces& pieces, const Pieces& gifts) {
    static constexpr std::array<std::string_view, 28> kJoints = {
        " + ",  " - ", " * ",  " / ", " // ", " % ",  " ** ", " @ ", " << ", " >> ",  " & ",  " | ",  " ^ ", " == ",
        " != ", " < ", " <= ", " > ", " >= ", " is ", " in ", ", ",  "=",    " and ", " or ", " if ", ".",   ": "};
    const std::string_view target = one_of(pieces.terms);
    const std::string own(target);
    const std::string gift(one_of(gifts.terms));
    const std::string other(one_of(gifts.terms));
    switch (pick(10)) {
      case 0:
        return replace(text, target, own + std::string(kJoints[pick(kJoints.size())]) + gift);
      case 1:
        return replace(text, target, gift + "(" + own + ")");
      case 2:
        return replace(text, target, own + "[" + gift + "]");
      case 3:
        return replace(text, target, gift + " if " + other + " else " + own);
      case 4:
        return replace(text, target, own + "." + std::string(one_of(gifts.words)));
      default:
        return replace(text, target, gift);
    }
  }

  void change_statement(std::string& text, const Pieces& pieces, const Pieces& gifts) {
    const std::string_view target = one_of(pieces.statements);
    const size_t depth = indentation(target, 0);
    const std::string own(target);
    const std::string gift(one_of(gifts.statements));
    switch (pick(6)) {
      case 0:
        return replace(text, target, "");
      case 1:
        return replace(text, target, indented(gift, depth));
      case 2:
        // Behind a heading: the first of its body, or of a body of its own.
        return replace(text, target, own + indented(gift, depth + 2 * pick(3)));
      case 3:
        return replace(text, target, indented(gift, depth) + indented(own, depth + 2 * pick(3)));
      default:
        return replace(text, target, indented(gift, depth) + own);
    }
  }

  std::mt19937 random_;
};

}  // namespace vesta::test
