#include "runtime/kernels/print_handler.h"

#include <cstdio>
#include <utility>

namespace vesta::runtime {
namespace {

thread_local const PrintHandler* handler_of_thread = nullptr;

}  // namespace

void print_text(std::string_view text) {
  if (handler_of_thread != nullptr && *handler_of_thread) {
    (*handler_of_thread)(text);
    return;
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

PrintScope::PrintScope(const PrintHandler* handler) : previous_(std::exchange(handler_of_thread, handler)) {}
PrintScope::~PrintScope() { handler_of_thread = previous_; }
const PrintHandler* PrintScope::current() { return handler_of_thread; }

}  // namespace vesta::runtime
