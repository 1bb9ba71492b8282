#include "runtime/errors.h"

#include <new>

#include <c10/util/Exception.h>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace vesta::runtime {
namespace {

constexpr char kClassPayload[] = "vesta/exception_class";
constexpr char kLocatedPayload[] = "vesta/located";
constexpr size_t kInnermostShown = 12;
constexpr size_t kOutermostShown = 4;

absl::Status thrown(absl::StatusCode code, std::string_view message, std::string_view name) {
  return with_exception_class(absl::Status(code, absl::string_view(message.data(), message.size())), name);
}

void end_line(std::string& text) {
  if (!text.empty() && text.back() != '\n') text.push_back('\n');
}

void add_note(const FrameNote& frame, bool excerpt, std::string& text) {
  end_line(text);
  absl::StrAppend(&text, "  in '", frame.name, "'");
  if (!frame.range.known()) return;
  absl::StrAppend(&text, " at ", frame.range.short_description(), "\n");
  if (excerpt) text += frame.range.excerpt();
}

}  // namespace

absl::Status with_exception_class(absl::Status status, std::string_view name) {
  if (!status.ok()) status.SetPayload(kClassPayload, absl::Cord(absl::string_view(name.data(), name.size())));
  return status;
}

std::string exception_class(const absl::Status& status) {
  absl::optional<absl::Cord> name = status.GetPayload(kClassPayload);
  return name.has_value() ? std::string(*name) : std::string();
}

absl::Status status_of_current_exception() {
  using absl::StatusCode;
  try {
    throw;
  } catch (const StatusException& e) {
    return e.status();
  } catch (const c10::IndexError& e) {
    return thrown(StatusCode::kInvalidArgument, e.what_without_backtrace(), "IndexError");
  } catch (const c10::ValueError& e) {
    return thrown(StatusCode::kInvalidArgument, e.what_without_backtrace(), "ValueError");
  } catch (const c10::TypeError& e) {
    return thrown(StatusCode::kInvalidArgument, e.what_without_backtrace(), "TypeError");
  } catch (const c10::NotImplementedError& e) {
    return thrown(StatusCode::kUnimplemented, e.what_without_backtrace(), "NotImplementedError");
  } catch (const c10::OutOfMemoryError& e) {
    return thrown(StatusCode::kResourceExhausted, e.what_without_backtrace(), "OutOfMemoryError");
  } catch (const c10::LinAlgError& e) {
    return thrown(StatusCode::kInvalidArgument, e.what_without_backtrace(), "torch._C._LinAlgError");
  } catch (const c10::Error& e) {
    return thrown(StatusCode::kInvalidArgument, e.what_without_backtrace(), "RuntimeError");
  } catch (const std::bad_alloc&) {
    return thrown(StatusCode::kResourceExhausted, "out of memory", "MemoryError");
  } catch (const std::exception& e) {
    return thrown(StatusCode::kInvalidArgument, e.what(), "RuntimeError");
  } catch (...) {
    return absl::InternalError("an exception that is not a std::exception");
  }
}

absl::Status with_call_chain(const absl::Status& status, const std::vector<FrameNote>& frames) {
  const bool located = status.GetPayload(kLocatedPayload).has_value();
  std::string text(status.message());
  for (size_t i = 0; i < frames.size(); ++i) {
    const bool failing = i == 0 && !located;
    if (failing) text = support::format_error(frames[i].range, text);
    if (i == kInnermostShown && frames.size() > kInnermostShown + kOutermostShown) {
      const size_t left_out = frames.size() - kInnermostShown - kOutermostShown;
      end_line(text);
      absl::StrAppend(&text, "  ... ", left_out, " more frames");
      i += left_out;
    }
    add_note(frames[i], !failing, text);
  }
  if (!text.empty() && text.back() == '\n') text.pop_back();
  absl::Status result(status.code(), text);
  status.ForEachPayload([&result](absl::string_view url, const absl::Cord& cord) { result.SetPayload(url, cord); });
  result.SetPayload(kLocatedPayload, absl::Cord());
  return result;
}

}  // namespace vesta::runtime
