#pragma once

// Failures of running programs as absl::Status.
//
// The text: the message with the model's own source line, then a note for each frame of the call chain, the
// innermost first:
//
//   model.py:9:11: error: t() expects a tensor with <= 2 dimensions, but self is 3D
//       return torch.t(x)
//              ^^^^^^^^^^
//     in 'Inner.forward' at model.py:9:11
//     in 'Outer.forward' at model.py:4:9
//       return self.inner(x)
//              ^^^^^^^^^^^^^
//
// The class of the exception in Python's terms ("ValueError", "IndexError", a program's own) is kept beside it.

#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "ir/support/source.h"

namespace vesta::runtime {

// The same status, saying that Python would call it `name`.
absl::Status with_exception_class(absl::Status status, std::string_view name);
// What with_exception_class() said, as the program wrote it ("builtins.ValueError"); "" where nothing is known.
std::string exception_class(const absl::Status& status);

// REQUIRES: in a catch block. InvalidArgument for what ATen throws, without a C++ backtrace; ResourceExhausted for
// memory; Unimplemented for missing kernels.
absl::Status status_of_current_exception();

// Carries a status through c10's futures.
class StatusException : public std::exception {
 public:
  explicit StatusException(absl::Status status) : status_(std::move(status)), text_(status_.message()) {}
  const char* what() const noexcept override { return text_.c_str(); }
  const absl::Status& status() const { return status_; }

 private:
  absl::Status status_;
  std::string text_;
};

struct FrameNote {
  std::string name;
  support::SourceRange range;
};

// The status with the text above. Frames are innermost first; of many, those in the middle are left out.
// A status that came through here before keeps its text, and the frames are added as notes.
absl::Status with_call_chain(const absl::Status& status, const std::vector<FrameNote>& frames);

}  // namespace vesta::runtime
