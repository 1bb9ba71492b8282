#pragma once

// Where a program's print() goes. Scoped and thread-local: an option of a call, never of the process.

#include <functional>
#include <string>
#include <string_view>

namespace vesta::runtime {

// Takes the text of one print(), with its line break.
using PrintHandler = std::function<void(std::string_view text)>;

// Sends the text to the innermost handler of this thread, or to the standard output where there is none.
void print_text(std::string_view text);

// Installs `handler` for this thread as long as it lives. Null: the standard output.
// `handler` is not owned and must outlive the scope. Scopes nest.
class PrintScope {
 public:
  explicit PrintScope(const PrintHandler* handler);
  ~PrintScope();
  PrintScope(const PrintScope&) = delete;
  PrintScope& operator=(const PrintScope&) = delete;

  // The handler of this thread, to hand it on to another; null where there is none.
  static const PrintHandler* current();

 private:
  const PrintHandler* previous_;
};

}  // namespace vesta::runtime
