// Small containers of plain values go on one line; as soon as a tensor or a long text is inside, each element gets a
// line of its own.

#include <vesta/value.h>

#include <algorithm>

#include <ATen/core/class_type.h>
#include <ATen/core/enum_type.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/jit_type.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ir/printer.h"
#include "runtime/api/format_tensor.h"

namespace vesta {
namespace {

constexpr size_t kMaxLine = 100;
constexpr size_t kMaxDepth = 64;

struct Item {
  std::string label;  // with its separator: "logits=", "'a': ", ""
  c10::IValue value;
};

class Formatter {
 public:
  explicit Formatter(const FormatOptions& options) : options_(options) {}

  std::string format(const c10::IValue& value, size_t indent, size_t depth = 0) {
    if (depth > kMaxDepth) return "...";
    if (value.isTensor()) return internal::format_tensor(value.toTensor(), options_, indent);
    if (value.isString()) return text(value.toStringRef());
    if (value.isNone()) return "None";
    if (value.isBool()) return value.toBool() ? "True" : "False";
    if (value.isList()) return items("[", "]", list_items(value), value.toListRef().size(), indent, depth);
    if (value.isTuple()) return tuple(value, indent, depth);
    if (value.isGenericDict()) return dict(value, indent, depth);
    if (value.isObject()) return object(value, indent, depth);
    if (value.isEnum()) {
      const auto holder = value.toEnumHolder();
      return absl::StrCat(holder->type()->qualifiedClassName().name(), ".", holder->name());
    }
    if (value.isDevice()) return absl::StrCat("device('", value.toDevice().str(), "')");
    if (value.isInt() || value.isDouble() || value.isComplexDouble()) return ir::print_constant(value);
    return absl::StrCat("<", type_name(value), ">");
  }

 private:
  std::string text(const std::string& content) const {
    const size_t limit = static_cast<size_t>(std::max<int64_t>(options_.max_items, 1)) * 20;
    if (content.size() <= limit) return absl::StrCat("'", absl::Utf8SafeCHexEscape(content), "'");
    return absl::StrCat("'", absl::Utf8SafeCHexEscape(content.substr(0, limit)), "'... (", content.size(), " bytes)");
  }

  size_t shown(size_t count) const {
    return std::min(count, static_cast<size_t>(std::max<int64_t>(options_.max_items, 1)));
  }

  std::vector<Item> list_items(const c10::IValue& value) const {
    std::vector<Item> result;
    const c10::ArrayRef<c10::IValue> all = value.toListRef();
    for (size_t i = 0; i < shown(all.size()); ++i) result.push_back({"", all[i]});
    return result;
  }

  std::string tuple(const c10::IValue& value, size_t indent, size_t depth) {
    const auto& all = value.toTupleRef().elements();
    const auto schema = value.type()->expect<c10::TupleType>()->schema();
    std::vector<Item> result;
    for (size_t i = 0; i < shown(all.size()); ++i) {
      result.push_back({schema ? schema->arguments()[i].name() + "=" : "", all[i]});
    }
    if (schema) return items(schema->name() + "(", ")", result, all.size(), indent, depth);
    return items("(", all.size() == 1 ? ",)" : ")", result, all.size(), indent, depth);
  }

  std::string dict(const c10::IValue& value, size_t indent, size_t depth) {
    const auto all = value.toGenericDict();
    std::vector<Item> result;
    for (const auto& entry : all) {
      if (result.size() == shown(all.size())) break;
      result.push_back({format(entry.key(), indent, depth + 1) + ": ", entry.value()});
    }
    return items("{", "}", result, all.size(), indent, depth);
  }

  std::string object(const c10::IValue& value, size_t indent, size_t depth) {
    const c10::ivalue::Object& instance = value.toObjectRef();
    const auto type = instance.type();
    if (type->is_module()) return absl::StrCat("<module ", type->annotation_str(), ">");
    std::vector<Item> result;
    for (size_t i = 0; i < std::min(type->numAttributes(), instance.slots().size()); ++i) {
      result.push_back({type->getAttributeName(i) + "=", instance.getSlot(i)});
    }
    const size_t count = result.size();
    return items(type->name()->name() + "(", ")", result, count, indent, depth);
  }

  std::string items(const std::string& open, const std::string& close, const std::vector<Item>& all, size_t count,
                    size_t indent, size_t depth) {
    // Twice: where all fits on one line, the indentation of the parts does not matter.
    std::vector<std::string> parts;
    size_t length = open.size() + indent;
    bool one_line = true;
    for (const Item& item : all) {
      // The rows of a tensor stand below each other; what is inside of a container is indented by its line.
      const size_t column = indent + 2 + (item.value.isTensor() ? item.label.size() : 0);
      parts.push_back(item.label + format(item.value, column, depth + 1));
      length += parts.back().size() + 2;
      const bool plain = !item.value.isTensor() || item.value.toTensor().dim() == 0;
      one_line = one_line && plain && parts.back().find('\n') == std::string::npos;
    }
    if (all.size() < count) parts.push_back(absl::StrCat("... (", count, " in all)"));
    if (one_line && length <= kMaxLine) return open + absl::StrJoin(parts, ", ") + close;
    const std::string gap = "\n" + std::string(indent + 2, ' ');
    return open + gap + absl::StrJoin(parts, "," + gap) + "\n" + std::string(indent, ' ') + close;
  }

  const FormatOptions& options_;
};

}  // namespace

std::string format_value(const c10::IValue& value, const FormatOptions& options) {
  return Formatter(options).format(value, 0);
}

}  // namespace vesta
