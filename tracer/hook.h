#pragma once

// The place where running code can be watched: one look at every operator call of a thread, above autograd and
// autocast, at the level at which programs are written (aten::conv2d, aten::linear).

#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/DispatchKeySet.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include "absl/status/status.h"

namespace vesta::tracer {

// Told of each call instead of the operator; it has to make the call itself, with call_below() or call_inside().
class Listener {
 public:
  virtual ~Listener() = default;
  // `below`: the keys under the hook. May throw what the operator throws.
  virtual void called(const c10::OperatorHandle& op, c10::DispatchKeySet below, c10::Stack& stack) = 0;
};

// Runs the operator; nothing that it calls is heard.
void call_below(const c10::OperatorHandle& op, c10::DispatchKeySet below, c10::Stack& stack);
// Runs the operator; what it calls is heard.
void call_inside(const c10::OperatorHandle& op, c10::DispatchKeySet below, c10::Stack& stack);

// Registers the hook with the dispatcher, once a process. FailedPrecondition where another library has taken the place.
absl::Status install_hook();

// The listener of this thread; null where nobody listens or within Deaf.
Listener* listener();

// Sends this thread's operator calls to `listener` for as long as it lives. Other threads are not heard.
// REQUIRES: install_hook() was OK.
class Listening {
 public:
  explicit Listening(Listener& listener);
  ~Listening();
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;

 private:
  Listener* outer_;
  c10::impl::IncludeDispatchKeyGuard include_;
};

// Operators that are called while it lives are not heard.
class Deaf {
 public:
  Deaf();
  ~Deaf();
  Deaf(const Deaf&) = delete;
  Deaf& operator=(const Deaf&) = delete;

 private:
  Listener* outer_;
  c10::impl::ExcludeDispatchKeyGuard exclude_;
};

}  // namespace vesta::tracer
