// A boxed fallback on a key that libtorch keeps for experiments and that lies above autocast and autograd. It costs
// nothing where the key is not switched on, which is a matter of each thread. A thread that inherited the key without a
// listener (autograd's, for other devices) runs on as if nothing was there.

#include "tracer/hook.h"

#include <optional>

#include <ATen/core/boxing/KernelFunction.h>
#include <c10/util/Exception.h>

#include "absl/strings/str_cat.h"

namespace vesta::tracer {
namespace {

constexpr c10::DispatchKey kKey = c10::DispatchKey::TESTING_ONLY_GenericMode;

thread_local Listener* current = nullptr;

void heard(const c10::OperatorHandle& op, c10::DispatchKeySet keys, c10::Stack* stack) {
  const c10::DispatchKeySet below = keys & c10::DispatchKeySet(c10::DispatchKeySet::FULL_AFTER, kKey);
  if (current == nullptr) return call_below(op, below, *stack);
  current->called(op, below, *stack);
}

}  // namespace

void call_below(const c10::OperatorHandle& op, c10::DispatchKeySet below, c10::Stack& stack) {
  const c10::impl::ExcludeDispatchKeyGuard exclude(kKey);
  op.redispatchBoxed(below, &stack);
}

void call_inside(const c10::OperatorHandle& op, c10::DispatchKeySet below, c10::Stack& stack) {
  op.redispatchBoxed(below, &stack);
}

absl::Status install_hook() {
  struct Installed {
    absl::Status status;
    std::optional<c10::RegistrationHandleRAII> handle;
  };
  // Never destroyed: the process ends with the dispatcher.
  static const Installed* const installed = [] {
    auto* const made = new Installed();
    try {
      made->handle.emplace(c10::Dispatcher::singleton().registerFallback(
          kKey, c10::KernelFunction::makeFromBoxedFunction<&heard>(), "vesta's tracer"));
    } catch (const c10::Error& error) {
      made->status = absl::FailedPreconditionError(
          absl::StrCat("tracing needs the dispatch key 'TESTING_ONLY_GenericMode', which another library uses: ",
                       error.what_without_backtrace()));
    }
    return made;
  }();
  return installed->status;
}

Listener* listener() { return current; }

Listening::Listening(Listener& listener) : outer_(current), include_(kKey) { current = &listener; }
Listening::~Listening() { current = outer_; }

Deaf::Deaf() : outer_(current), exclude_(kKey) { current = nullptr; }
Deaf::~Deaf() { current = outer_; }

}  // namespace vesta::tracer
