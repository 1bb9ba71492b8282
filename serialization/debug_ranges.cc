// The pickle is read into values first; sources that are shared in it (they are memoized) are told by
// their tuple's address and put together once.

#include "serialization/debug_ranges.h"

#include <algorithm>
#include <memory>
#include <string>

#include <ATen/core/ivalue.h>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_format.h"
#include "ir/support/status.h"
#include "serialization/torch_values.h"

namespace vesta::serialization {

using c10::IValue;
using support::Source;
using support::SourceRange;

std::shared_ptr<const Source> DebugSources::shared(Source source) {
  const auto found = sources_.find(Key(source.text, source.filename, source.first_line));
  if (found != sources_.end()) return found->second;
  auto kept = std::make_shared<const Source>(std::move(source));
  sources_.emplace(Key(kept->text, kept->filename, kept->first_line), kept);
  return kept;
}

class DebugParser {
 public:
  DebugParser(std::string_view name, const Limits& limits, DebugSources& shared)
      : name_(name), limits_(limits), shared_(shared) {}

  absl::StatusOr<DebugRanges> parse(const IValue& root) {
    if (!root.isTuple()) return corrupt("the value is no tuple");
    const auto& elements = root.toTupleRef().elements();
    IValue entries = root;
    if (elements.size() == 3 && elements[0].isString()) {
      if (elements[0].toStringRef() != "FORMAT_WITH_STRING_TABLE" || !elements[1].isTuple()) {
        return corrupt("the value is no table of ranges");
      }
      strings_ = elements[1];
      entries = elements[2];
      if (!entries.isTuple()) return corrupt("the entries are no tuple");
    }
    for (const IValue& entry : entries.toTupleRef().elements()) VESTA_RETURN_IF_ERROR(add(entry));
    return std::move(ranges_);
  }

 private:
  absl::Status corrupt(std::string_view what) const {
    return absl::DataLossError(absl::StrFormat("%s: %s", name_, what));
  }

  absl::Status add(const IValue& entry) {
    const bool shape = entry.isTuple() && entry.toTupleRef().size() >= 2 && entry.toTupleRef().size() <= 3 &&
                       entry.toTupleRef().elements()[0].isInt() && entry.toTupleRef().elements()[1].isTuple() &&
                       entry.toTupleRef().elements()[1].toTupleRef().size() == 3;
    if (!shape) return corrupt("an entry is no (offset, range)");
    const auto& range = entry.toTupleRef().elements()[1].toTupleRef().elements();
    const int64_t offset = entry.toTupleRef().elements()[0].toInt();
    if (!range[1].isInt() || !range[2].isInt()) return corrupt("a range has no begin and end");
    if (offset < 0 || (!ranges_.entries_.empty() && static_cast<size_t>(offset) < ranges_.entries_.back().offset)) {
      return corrupt("the offsets do not ascend");
    }
    VESTA_ASSIGN_OR_RETURN(const std::shared_ptr<const Source> source, source_of(range[0]));
    SourceRange result;
    if (source != nullptr) {
      // Ranges only point out places in messages, and the text may have been shortened after the writing
      // (paths are cut out of stacks of traced models): what lies outside is cut off.
      const auto size = static_cast<int64_t>(source->text.size());
      const int64_t begin = std::clamp<int64_t>(range[1].toInt(), 0, size);
      const int64_t end = std::clamp<int64_t>(range[2].toInt(), begin, size);
      result = SourceRange(source, static_cast<size_t>(begin), static_cast<size_t>(end));
    }
    ranges_.entries_.push_back({static_cast<size_t>(offset), std::move(result)});
    return absl::OkStatus();
  }

  // Null for a source without text: code that no line of the model made.
  absl::StatusOr<std::shared_ptr<const Source>> source_of(const IValue& value) {
    if (!value.isTuple() || value.toTupleRef().size() != 3) return corrupt("a source is no (text, file, line)");
    const void* key = value.internalToPointer();
    if (const auto found = sources_.find(key); found != sources_.end()) return found->second;
    const auto& parts = value.toTupleRef().elements();
    if (!parts[2].isInt() || parts[2].toInt() < 0) return corrupt("a source has no first line");
    Source source;
    VESTA_ASSIGN_OR_RETURN(source.text, text_of(parts[0]));
    VESTA_ASSIGN_OR_RETURN(source.filename, file_of(parts[1]));
    source.first_line = static_cast<size_t>(std::max<int64_t>(parts[2].toInt(), 1));
    std::shared_ptr<const Source> result;
    if (!source.text.empty()) result = shared_.shared(std::move(source));
    sources_.emplace(key, result);
    return result;
  }

  absl::StatusOr<std::string> text_of(const IValue& value) {
    std::string text;
    if (value.isString()) {
      text = value.toStringRef();
    } else if (value.isList()) {
      for (const IValue& index : value.toListRef()) {
        VESTA_ASSIGN_OR_RETURN(const std::string* line, table_string(index));
        if (static_cast<int64_t>(text.size() + line->size()) > limits_.source_bytes) break;
        text += *line;
      }
    } else {
      return corrupt("the text of a source is neither str nor a list of lines");
    }
    total_text_ += static_cast<int64_t>(text.size());
    if (total_text_ > limits_.source_bytes) {
      return absl::ResourceExhaustedError(
          absl::StrFormat("%s: the sources take more than the limit 'source_bytes', %d", name_, limits_.source_bytes));
    }
    return text;
  }

  absl::StatusOr<std::string> file_of(const IValue& value) {
    if (value.isNone()) return std::string();
    if (value.isString()) return value.toStringRef();
    VESTA_ASSIGN_OR_RETURN(const std::string* name, table_string(value));
    return *name;
  }

  absl::StatusOr<const std::string*> table_string(const IValue& index) {
    if (!index.isInt() || !strings_.isTuple()) return corrupt("an index of the string table is no int");
    const auto& strings = strings_.toTupleRef().elements();
    if (index.toInt() < 0 || index.toInt() >= static_cast<int64_t>(strings.size()) ||
        !strings[static_cast<size_t>(index.toInt())].isString()) {
      return corrupt("an index of the string table is out of range");
    }
    return &strings[static_cast<size_t>(index.toInt())].toStringRef();
  }

  std::string_view name_;
  const Limits& limits_;
  DebugSources& shared_;
  IValue strings_;
  absl::flat_hash_map<const void*, std::shared_ptr<const Source>> sources_;
  int64_t total_text_ = 0;
  DebugRanges ranges_;
};

namespace {

constexpr std::string_view kStringTable = "FORMAT_WITH_STRING_TABLE";

absl::StatusOr<IValue> read_root(std::string_view bytes, std::string_view name, const Limits& limits) {
  TensorBuilder no_tensors(
      [](std::string_view, uint64_t) { return absl::DataLossError("a tensor among source ranges"); },
      TensorBuilder::Options{limits});
  PickleOptions options;
  options.limits = limits;
  return read_script_pickle(bytes, name, no_tensors, ScriptContext{}, options);
}

}  // namespace

absl::StatusOr<DebugRanges> DebugRanges::parse(std::string_view bytes, std::string_view name, const Limits& limits,
                                               DebugSources& sources) {
  VESTA_ASSIGN_OR_RETURN(const IValue root, read_root(bytes, name, limits));
  return DebugParser(name, limits, sources).parse(root);
}

absl::StatusOr<DebugForm> DebugRanges::form(std::string_view bytes, std::string_view name, const Limits& limits) {
  // The name of the form stands at the very start; the whole pickle need not be read for it.
  if (bytes.substr(0, 2 * kStringTable.size()).find(kStringTable) != bytes.npos) return DebugForm::kStringTable;
  VESTA_ASSIGN_OR_RETURN(const IValue root, read_root(bytes, name, limits));
  if (!root.isTuple() || root.toTupleRef().size() == 0) return DebugForm::kEmpty;
  const IValue& entry = root.toTupleRef().elements()[0];
  if (!entry.isTuple()) return DebugForm::kEmpty;
  return entry.toTupleRef().size() == 2 ? DebugForm::kPairs : DebugForm::kTriples;
}

SourceRange DebugRanges::find(size_t offset) const {
  const auto after = std::upper_bound(entries_.begin(), entries_.end(), offset,
                                      [](size_t value, const Entry& entry) { return value < entry.offset; });
  return after == entries_.begin() ? SourceRange() : std::prev(after)->range;
}

}  // namespace vesta::serialization
