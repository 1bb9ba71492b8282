// The dispatcher has no look-up by name without an overload, so its names are indexed once; a name that
// is not found makes the index anew if a library has registered operators since. The order of
// overloads matters to resolution: torch::jit tries the dispatcher's in the order in which they were
// registered, then its own. A registration listener is told of the operators in just that order. Schemas
// of builtin rows are parsed when their name is first asked for.

#include "ir/operator.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <set>

#include "ir/schema_parser.h"

namespace vesta::ir {
namespace {

std::string name_of(std::string_view schema) { return std::string(schema.substr(0, schema.find_first_of(".("))); }

// Collects the names of the dispatcher's operators in the order of their registration.
class NameCollector final : public c10::OpRegistrationListener {
 public:
  using Names = std::unordered_map<std::string, std::vector<c10::OperatorName>>;
  explicit NameCollector(Names& names) : names_(names) {}
  void onOperatorRegistered(const c10::OperatorHandle& op) override {
    names_[op.operator_name().name].push_back(op.operator_name());
  }
  void onOperatorDeregistered(const c10::OperatorHandle&) override {}

 private:
  Names& names_;
};

// Counts registrations.
class RegistrationCounter final : public c10::OpRegistrationListener {
 public:
  explicit RegistrationCounter(std::atomic<uint64_t>& count) : count_(count) {}
  void onOperatorRegistered(const c10::OperatorHandle&) override { ++count_; }
  void onOperatorDeregistered(const c10::OperatorHandle&) override {}

 private:
  std::atomic<uint64_t>& count_;
};

}  // namespace

const std::vector<std::string_view>& builtin_schema_texts() {
  static const std::vector<std::string_view> texts = {
#define VESTA_BUILTIN(kernel, schema) schema,
#include "ir/builtin_ops.def"
#undef VESTA_BUILTIN
  };
  return texts;
}

const OperatorCatalog& OperatorCatalog::standard() {
  static const OperatorCatalog* const catalog = new OperatorCatalog();
  return *catalog;
}

OperatorCatalog::OperatorCatalog() {
  const auto& texts = builtin_schema_texts();
  for (size_t row = 0; row < texts.size(); ++row) {
    builtin_rows_[name_of(texts[row])].push_back(static_cast<BuiltinId>(row));
  }
  listener_ =
      c10::Dispatcher::singleton().addRegistrationListener(std::make_unique<RegistrationCounter>(registrations_));
  scan_dispatcher();
}

void OperatorCatalog::scan_dispatcher() const {
  dispatcher_names_.clear();
  scanned_registrations_ = registrations_;  // Before the scan: what is registered meanwhile makes another one.
  // Told of all operators while it is added; removed at once.
  c10::Dispatcher::singleton().addRegistrationListener(std::make_unique<NameCollector>(dispatcher_names_));
}

void OperatorCatalog::load_builtins(const std::string& name, std::vector<const Operator*>& into) const {
  auto rows = builtin_rows_.find(name);
  if (rows == builtin_rows_.end()) return;
  for (const BuiltinId row : rows->second) {
    absl::StatusOr<c10::FunctionSchema> schema = parse_schema(builtin_schema_texts()[static_cast<size_t>(row)]);
    if (!schema.ok()) {  // A wrong row is a bug of ours that a test over all rows catches.
      std::cerr << "vesta: bad row of ir/builtin_ops: " << schema.status().message() << std::endl;
      std::abort();
    }
    // libtorch 2.15's dispatcher has some of them (aten::dim, aten::numel, ...), with the same meaning.
    const auto is_this = [&](const Operator* op) { return op->schema.overload_name() == schema->overload_name(); };
    if (std::any_of(into.begin(), into.end(), is_this)) continue;
    into.push_back(&operators_.emplace_back(Operator{*std::move(schema), std::nullopt, row}));
  }
}

const std::vector<const Operator*>& OperatorCatalog::candidates(std::string_view name) const {
  const std::string key(name);
  std::lock_guard<std::mutex> lock(mutex_);
  auto cached = cache_.find(key);
  if (cached != cache_.end()) return cached->second;
  std::vector<const Operator*> found;
  auto overloads = dispatcher_names_.find(key);
  if (overloads == dispatcher_names_.end() && builtin_rows_.count(key) == 0 && is_outdated()) {
    scan_dispatcher();
    overloads = dispatcher_names_.find(key);
  }
  if (overloads != dispatcher_names_.end()) {
    for (const c10::OperatorName& overload : overloads->second) {
      std::optional<c10::OperatorHandle> handle = c10::Dispatcher::singleton().findSchema(overload);
      if (handle.has_value())
        found.push_back(&operators_.emplace_back(Operator{handle->schema(), handle, kNotBuiltin}));
    }
  }
  load_builtins(key, found);
  static const std::vector<const Operator*> kNone;
  if (found.empty()) return kNone;  // Not kept: it may be registered later.
  return cache_.emplace(key, std::move(found)).first->second;
}

const Operator* OperatorCatalog::find(std::string_view name, std::string_view overload) const {
  for (const Operator* op : candidates(name)) {
    if (op->schema.overload_name() == overload) return op;
  }
  return nullptr;
}

std::vector<std::string> OperatorCatalog::names() const {
  std::lock_guard<std::mutex> lock(mutex_);
  std::set<std::string> all;
  for (const auto& [name, rows] : builtin_rows_) all.insert(name);
  for (const auto& [name, overloads] : dispatcher_names_) all.insert(name);
  return {all.begin(), all.end()};
}

std::string display_name(std::string_view name) {
  // What has a name of its own only because there is no function of that name.
  struct Row {
    std::string_view name, written;
  };
  constexpr Row kSyntax[] = {
      {"aten::_set_item", "__setitem__"}, {"aten::Delete", "del"},           {"prim::ModuleContainerIndex", "[]"},
      {"prim::Print", "print"},           {"prim::RaiseException", "raise"},
  };
  for (const Row& row : kSyntax) {
    if (row.name == name) return std::string(row.written);
  }
  for (const std::string_view own : {"aten::", "prim::"}) {
    if (name.starts_with(own)) return std::string(name.substr(own.size()));
  }
  return std::string(name);
}

}  // namespace vesta::ir
