// Each fact is a row: what shows it, and the releases that write so. The releases that all facts allow are the
// answer; a fact that contradicts those before it (an archive made by other tools) is left out.

#include "serialization/producer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "ir/support/status.h"
#include "serialization/debug_ranges.h"
#include "serialization/model_json.h"
#include "serialization/utf8.h"

namespace vesta::serialization {
namespace {

using ir::Release;
using ir::Writer;

class Evidence {
 public:
  void add(const Writer& releases, const std::string& fact) {
    const Writer before = producer_.writer;
    if (!producer_.writer.narrow(releases)) return;
    if (producer_.writer.first != before.first) earliest_ = fact;
    if (producer_.writer.last != before.last) latest_ = fact;
  }
  Producer take() {
    const bool both = !earliest_.empty() && !latest_.empty() && earliest_ != latest_;
    producer_.evidence = both ? absl::StrCat(earliest_, "; ", latest_) : earliest_.empty() ? latest_ : earliest_;
    return std::move(producer_);
  }

 private:
  Producer producer_;
  // The facts that the two ends of the range come from.
  std::string earliest_;
  std::string latest_;
};

Writer from(Release first) { return {first, Release()}; }
Writer until(Release last) { return {Release(1, 0), last}; }
Writer only(Release release) { return {release, release}; }

// 1.2's protoVersion is 5, 1.1's 3; the numbers between are those of development builds.
Writer of_proto_version(int64_t version) {
  if (version <= 1) return only(Release(1, 0));
  return version <= 4 ? only(Release(1, 1)) : only(Release(1, 2));
}

Writer of_archive_version(int64_t version) {
  if (version <= 1) return until(Release(1, 4));
  if (version == 2) return only(Release(1, 5));
  return from(version <= 5 ? Release(1, 6) : version <= 9 ? Release(1, 11) : Release(1, 12));
}

std::optional<std::string_view> first_debug_record(const Archive& archive) {
  for (const std::string_view record : archive.list("code/")) {
    if (record.ends_with(".debug_pkl")) return record;
  }
  return std::nullopt;
}

// Operators that programs of later releases do not name: the last release that writes them.
struct LastSeen {
  std::string_view text;
  Release last;
};
constexpr LastSeen kLastSeen[] = {
    {"torch.true_divide(", {1, 6}},  // written as div since
    {"torch.fft(", {1, 7}},         {"torch.ifft(", {1, 7}},         {"torch.rfft(", {1, 7}},
    {"torch.irfft(", {1, 7}},       {"torch.solve(", {1, 12}},       {"torch.eig(", {1, 12}},
    {"torch.lstsq(", {1, 12}},      {"torch.matrix_rank(", {1, 12}}, {"torch.symeig(", {1, 13}},
};

absl::Status add_operators(const Archive& archive, Evidence& evidence) {
  for (const std::string_view record : archive.list("code/")) {
    if (!record.ends_with(".py")) continue;
    VESTA_ASSIGN_OR_RETURN(const ZipData data, archive.read(record));
    for (const LastSeen& row : kLastSeen) {
      if (data.contents.find(row.text) != data.contents.npos)
        evidence.add(until(row.last), absl::StrCat("'", std::string(row.text), "...)' in code/"));
    }
  }
  return absl::OkStatus();
}

absl::Status add_debug_form(const Archive& archive, const Limits& limits, Evidence& evidence) {
  const auto record = first_debug_record(archive);
  if (!record) return absl::OkStatus();
  VESTA_ASSIGN_OR_RETURN(const ZipData data, archive.read(*record));
  VESTA_ASSIGN_OR_RETURN(const DebugForm form, DebugRanges::form(data.contents, archive.describe(*record), limits));
  switch (form) {
    case DebugForm::kPairs:
      evidence.add(until(Release(1, 8)), "entries of two in debug_pkl");
      break;
    case DebugForm::kTriples:
      evidence.add({Release(1, 9), Release(1, 11)}, "entries of three in debug_pkl");
      break;
    case DebugForm::kStringTable:
      evidence.add(from(Release(1, 12)), "a table of strings in debug_pkl");
      break;
    case DebugForm::kEmpty:
      break;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::optional<ir::Release>> named_release(const std::string& text) {
  if (text.empty()) return std::optional<ir::Release>();
  const std::optional<ir::Release> release = ir::parse_release(text);
  if (release) return release;
  return absl::InvalidArgumentError(
      absl::StrCat("'", printable(text), "' is no release of torch: one is like '1.5' or '1.5.1'"));
}

absl::StatusOr<Producer> infer_producer(const Archive& archive, const Limits& limits) {
  Evidence evidence;
  VESTA_ASSIGN_OR_RETURN(std::optional<std::string> serialization_id, archive.serialization_id());
  if (archive.kind() == FileKind::kModelJson) {
    VESTA_ASSIGN_OR_RETURN(const int64_t version, read_proto_version(archive));
    evidence.add(of_proto_version(version), absl::StrCat("protoVersion ", version, " in model.json"));
    return evidence.take();
  }
  evidence.add(from(Release(1, 3)), "data.pkl");
  evidence.add(of_archive_version(archive.version()), absl::StrCat("version ", archive.version()));
  const auto& entries = archive.zip().entries();
  if (serialization_id) {
    evidence.add(from(Release(2, 1)), ".data/serialization_id");
  } else {
    if (archive.version() <= 1 && !entries.empty()) {
      const bool last = entries.back().name.ends_with("/data.pkl");
      evidence.add(only(last ? Release(1, 3) : Release(1, 4)), last ? "data.pkl is last" : "data.pkl is not last");
    }
    VESTA_RETURN_IF_ERROR(add_debug_form(archive, limits, evidence));
    VESTA_RETURN_IF_ERROR(add_operators(archive, evidence));
  }
  Producer producer = evidence.take();
  producer.serialization_id = std::move(serialization_id);
  return producer;
}

}  // namespace vesta::serialization
