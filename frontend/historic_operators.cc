// Rows are found by the name that their schema starts with, and parsed when an archive first means them.

#include "frontend/historic_operators.h"

#include <cstdlib>
#include <iostream>
#include <iterator>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "frontend/parser.h"
#include "ir/schema_parser.h"

namespace vesta::frontend {
namespace {

using ir::Release;

struct Row {
  HistoricRange range;
  const char* schema;
  const char* reason;
  const char* body;
};

using By = HistoricRange::By;
constexpr HistoricRange below_version(int64_t version) { return {By::kVersion, version}; }
constexpr HistoricRange before(Release until) { return {By::kWriter, 0, until}; }
constexpr HistoricRange between(Release since, Release until) { return {By::kWriter, 0, until, since}; }
constexpr HistoricRange perhaps_before(Release until) { return {By::kPerhapsWriter, 0, until}; }
constexpr HistoricRange any_archive() { return {By::kAny, 0}; }

constexpr Row kRows[] = {
#define VESTA_HISTORIC(range, schema, reason, body) Row{range, schema, reason, body},
#include "frontend/historic_operators.def"
#undef VESTA_HISTORIC
};

// A wrong row is a bug of ours that any test of an old archive shows.
[[noreturn]] void bad_row(const Row& row, std::string_view why) {
  std::cerr << "vesta: bad row of historic_operators.def: " << row.schema << ": " << why << std::endl;
  std::abort();
}

std::string_view name_of(const Row& row) {
  const std::string_view schema = row.schema;
  return schema.substr(0, schema.find_first_of(".("));
}

class Table {
 public:
  Table() : parsed_(std::size(kRows)) {
    for (size_t i = 0; i < std::size(kRows); ++i) by_name_[name_of(kRows[i])].push_back(i);
  }

  std::vector<const HistoricOperator*> find(const std::string& name, int64_t version, const ir::Writer& writer) {
    std::vector<const HistoricOperator*> found;
    const auto rows = by_name_.find(name);
    if (rows == by_name_.end()) return found;
    for (const size_t i : rows->second) {
      if (kRows[i].range.contains(version, writer)) found.push_back(parsed(i));
    }
    return found;
  }

  std::vector<const HistoricOperator*> all() {
    std::vector<const HistoricOperator*> rows;
    for (size_t i = 0; i < std::size(kRows); ++i) rows.push_back(parsed(i));
    return rows;
  }

 private:
  struct Parsed {
    std::once_flag once;
    std::unique_ptr<const HistoricOperator> op;
    std::shared_ptr<Arena> arena;
  };

  const HistoricOperator* parsed(size_t i) {
    std::call_once(parsed_[i].once, [&] { parse(kRows[i], parsed_[i]); });
    return parsed_[i].op.get();
  }

  static void parse(const Row& row, Parsed& into) {
    absl::StatusOr<c10::FunctionSchema> schema = ir::parse_schema(row.schema);
    if (!schema.ok()) bad_row(row, std::string(schema.status().message()));
    // The parameters are the schema's; their types are those of the values that take their place.
    std::string text = "def replacement(";
    for (const c10::Argument& argument : schema->arguments()) absl::StrAppend(&text, argument.name(), ", ");
    absl::StrAppend(&text, "):", row.body);
    auto source = std::make_shared<support::Source>();
    source->text = std::move(text);
    source->filename = "historic_operators.def";
    absl::StatusOr<Module> module = parse_module(source);
    if (!module.ok()) bad_row(row, std::string(module.status().message()));
    into.arena = module->arena;
    into.op = std::make_unique<const HistoricOperator>(
        HistoricOperator{*std::move(schema), row.range, row.reason, &cast<Function>(*module->body[0])});
  }

  std::unordered_map<std::string_view, std::vector<size_t>> by_name_;
  std::vector<Parsed> parsed_;  // by row
};

Table& table() {
  static Table* const table = new Table();
  return *table;
}

}  // namespace

std::vector<const HistoricOperator*> historic_operators(const std::string& name, int64_t archive_version,
                                                        const ir::Writer& writer) {
  return table().find(name, archive_version, writer);
}

std::vector<const HistoricOperator*> all_historic_operators() { return table().all(); }

}  // namespace vesta::frontend
