#pragma once

// Where the text of an archive's code comes from in the model's own source: `code/*.py.debug_pkl`.
//
// Three forms, by the version of torch that wrote them:
//   up to 1.8     ((offset, (source, begin, end)), ...)       source = (text, file, first line)
//   1.9 to 1.11   ((offset, (source, begin, end), tag), ...)
//   since 1.12    ('FORMAT_WITH_STRING_TABLE', (string, ...), (entries as in 1.9)), where a source is
//                 ([indices of the strings that make its text], index of the file's name, first line)

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "frontend/source_text.h"
#include "ir/support/limits.h"
#include "ir/support/source.h"

namespace vesta::serialization {

enum class DebugForm { kEmpty, kPairs, kTriples, kStringTable };

// The sources that an archive's tables name, each once: the texts of a network have most of them in common, and those
// of a traced one are whole stacks. Not thread-safe.
class DebugSources {
 public:
  // The source with these contents.
  std::shared_ptr<const support::Source> shared(support::Source source);

 private:
  // By text, file and first line; the keys view what they lead to.
  using Key = std::tuple<absl::string_view, absl::string_view, size_t>;
  absl::flat_hash_map<Key, std::shared_ptr<const support::Source>> sources_;
};

// A table from offsets in one text of an archive to the model's own source. Immutable.
class DebugRanges {
 public:
  // `name` (file and member) starts the messages. DataLoss for anything but the forms above.
  static absl::StatusOr<DebugRanges> parse(std::string_view bytes, std::string_view name, const Limits& limits,
                                           DebugSources& sources);

  // Only the form, which tells who wrote it. kEmpty where there is no entry to tell it by. Errors as parse().
  static absl::StatusOr<DebugForm> form(std::string_view bytes, std::string_view name, const Limits& limits);

  // The range that made the text at `offset`; unknown (SourceRange::known()) where the table has none.
  support::SourceRange find(size_t offset) const;

  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    size_t offset = 0;
    support::SourceRange range;
  };
  friend class DebugParser;
  std::vector<Entry> entries_;  // offsets ascend
};

// The table of a text's marks, in the latest form; "" where there is none. Lines that sources have in common are
// written once. torch's reader takes a text that has no table for the model's own source.
absl::StatusOr<std::string> write_debug_ranges(const std::vector<frontend::SourceMark>& marks);

}  // namespace vesta::serialization
