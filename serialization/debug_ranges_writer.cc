// Sources are told by their contents, so what is read and written again is the same.

#include <map>
#include <string>
#include <tuple>

#include "absl/container/flat_hash_map.h"
#include "ir/support/status.h"
#include "serialization/debug_ranges.h"
#include "serialization/pickle_writer.h"

namespace vesta::serialization {
namespace {

using frontend::SourceMark;
using support::Source;
using support::SourceRange;

class DebugWriter {
 public:
  absl::StatusOr<std::string> write(const std::vector<SourceMark>& marks) {
    number_of("");
    for (const SourceMark& mark : marks) index(mark.range);
    VESTA_RETURN_IF_ERROR(pickle_.text("FORMAT_WITH_STRING_TABLE"));
    pickle_.mark();
    for (const std::string& text : strings_) VESTA_RETURN_IF_ERROR(pickle_.text(text));
    pickle_.tuple();
    pickle_.mark();
    int64_t tag = 0;
    for (const SourceMark& mark : marks) {
      pickle_.integer(static_cast<int64_t>(mark.offset));
      put(mark.range);
      pickle_.integer(tag++);
      pickle_.tuple(3);
    }
    pickle_.tuple();
    pickle_.tuple(3);
    return std::move(pickle_).finish();
  }

 private:
  // What a source is made of: the numbers of its lines and of its file's name, its first line.
  using Parts = std::tuple<std::vector<int64_t>, int64_t, int64_t>;

  int64_t number_of(const std::string& text) {
    const auto [found, fresh] = numbers_.try_emplace(text, static_cast<int64_t>(strings_.size()));
    if (fresh) strings_.push_back(text);
    return found->second;
  }

  void index(const SourceRange& range) {
    if (!range.known() || parts_.contains(range.source().get())) return;
    const Source& source = *range.source();
    std::vector<int64_t> lines;
    for (size_t begin = 0; begin < source.text.size();) {
      const size_t end = std::min(source.text.find('\n', begin), source.text.size() - 1) + 1;
      lines.push_back(number_of(source.text.substr(begin, end - begin)));
      begin = end;
    }
    parts_[range.source().get()] =
        Parts(std::move(lines), number_of(source.filename), static_cast<int64_t>(source.first_line));
  }

  void put(const SourceRange& range) {
    static const Parts kNothing({}, 0, 0);
    const bool known = range.known();
    put_source(known ? parts_.at(range.source().get()) : kNothing);
    pickle_.integer(known ? static_cast<int64_t>(range.begin()) : 0);
    pickle_.integer(known ? static_cast<int64_t>(range.end()) : 0);
    pickle_.tuple(3);
  }

  void put_source(const Parts& parts) {
    if (const auto found = memo_.find(parts); found != memo_.end()) return pickle_.get(found->second);
    const auto& [lines, file, first_line] = parts;
    pickle_.global("torch.jit._pickle", "build_intlist");
    pickle_.empty_list();
    pickle_.mark();
    for (const int64_t line : lines) pickle_.integer(line);
    pickle_.appends();
    pickle_.tuple(1);
    pickle_.reduce();
    pickle_.integer(file);
    pickle_.integer(first_line);
    pickle_.tuple(3);
    memo_.emplace(parts, pickle_.memoize());
  }

  PickleWriter pickle_;
  absl::flat_hash_map<std::string, int64_t> numbers_;
  std::vector<std::string> strings_;
  absl::flat_hash_map<const Source*, Parts> parts_;
  std::map<Parts, uint32_t> memo_;
};

}  // namespace

absl::StatusOr<std::string> write_debug_ranges(const std::vector<SourceMark>& marks) {
  if (marks.empty()) return std::string();
  return DebugWriter().write(marks);
}

}  // namespace vesta::serialization
