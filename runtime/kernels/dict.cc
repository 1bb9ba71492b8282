// Dicts. A c10 dict keeps the order of insertion and hashes its keys by their tags, so one kernel serves all types
// of keys. Single entries are looked up in place (entries_of).

#include "runtime/kernels/boxing.h"
#include "runtime/kernels/elements.h"
#include "runtime/kernels/value_text.h"

namespace vesta::runtime::kernels {
namespace {

absl::Status key_error(const IValue& key) { return value_error("KeyError: ", value_text(key)); }

// Null where the dict has no such key.
const IValue* find_in(const IValue& dict, const IValue& key) {
  auto& entries = entries_of(dict);
  auto entry = entries.find(key);
  return entry == entries.end() ? nullptr : &entry->second;
}

// The value of a key, which is taken out of the dict.
absl::StatusOr<IValue> take(GenericDict& dict, const IValue& key) {
  auto entry = dict.find(key);
  if (entry == dict.end()) return key_error(key);
  IValue value = entry->value();
  dict.erase(entry);
  return value;
}

}  // namespace

VESTA_KERNEL(dict_len, [](const IValue& dict) { return static_cast<int64_t>(entries_of(dict).size()); })
VESTA_KERNEL(dict_contains, [](const IValue& dict, const IValue& key) { return entries_of(dict).count(key) != 0; })

VESTA_KERNEL(dict_get_item, [](const IValue& dict, const IValue& key) -> absl::StatusOr<IValue> {
  const IValue* value = find_in(dict, key);
  if (value == nullptr) return key_error(key);
  return *value;
})
VESTA_KERNEL(dict_set_item, [](const IValue& dict, const IValue& key, const IValue& value) {
  entries_of(dict).insert_or_assign(key, value);
})

VESTA_KERNEL(dict_get, [](const IValue& dict, const IValue& key) {
  const IValue* value = find_in(dict, key);
  return value == nullptr ? IValue() : *value;
})
VESTA_KERNEL(dict_get_default, [](const IValue& dict, const IValue& key, const IValue& missing) {
  const IValue* value = find_in(dict, key);
  return value == nullptr ? missing : *value;
})
VESTA_KERNEL(dict_setdefault, [](GenericDict dict, const IValue& key, const IValue& value) {
  auto entry = dict.find(key);
  if (entry != dict.end()) return entry->value();
  dict.insert(key, value);
  return value;
})

VESTA_KERNEL(dict_pop, [](GenericDict dict, const IValue& key) { return take(dict, key); })
VESTA_KERNEL(dict_pop_default,
             [](GenericDict dict, const IValue& key, const IValue& missing) -> absl::StatusOr<IValue> {
               return dict.contains(key) ? take(dict, key) : missing;
             })
VESTA_KERNEL(dict_delete, [](GenericDict dict, const IValue& key) { return take(dict, key).status(); })

// The oldest entry goes first, unlike in Python.
VESTA_KERNEL(dict_popitem, [](GenericDict dict) -> absl::StatusOr<IValue> {
  if (dict.empty()) return value_error("popitem(): dictionary is empty");
  auto entry = dict.begin();
  IValue item = c10::ivalue::Tuple::create(entry->key(), entry->value());
  dict.erase(entry);
  return item;
})

VESTA_KERNEL(dict_clear, [](GenericDict dict) { dict.clear(); })
VESTA_KERNEL(dict_copy, [](GenericDict dict) { return dict.copy(); })
VESTA_KERNEL(dict_update, [](GenericDict dict, GenericDict other) {
  if (dict.is(other)) return;
  for (const auto& entry : other) dict.insert_or_assign(entry.key(), entry.value());
})

VESTA_KERNEL(dict_keys, [](GenericDict dict) {
  GenericList keys(dict.keyType());
  keys.reserve(dict.size());
  for (const auto& entry : dict) keys.push_back(entry.key());
  return keys;
})
VESTA_KERNEL(dict_values, [](GenericDict dict) {
  GenericList values(dict.valueType());
  values.reserve(dict.size());
  for (const auto& entry : dict) values.push_back(entry.value());
  return values;
})
VESTA_KERNEL(dict_items, [](GenericDict dict) {
  GenericList items(c10::TupleType::create({dict.keyType(), dict.valueType()}));
  items.reserve(dict.size());
  for (const auto& entry : dict) items.push_back(c10::ivalue::Tuple::create(entry.key(), entry.value()));
  return items;
})

VESTA_KERNEL(dict_empty, []() { return GenericDict(c10::StringType::get(), c10::TensorType::get()); })
VESTA_KERNEL(dict_from_items, [](GenericList items) -> absl::StatusOr<GenericDict> {
  const c10::TypePtr type = items.elementType();
  const auto* pair = type->castRaw<c10::TupleType>();
  if (pair == nullptr || pair->elements().size() != 2)
    return value_error("dict() takes a list of pairs, got ", type->repr_str());
  GenericDict dict(pair->elements()[0], pair->elements()[1]);
  dict.reserve(items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    const IValue item = items.get(i);
    const auto& parts = item.toTupleRef().elements();
    dict.insert_or_assign(parts[0], parts[1]);
  }
  return dict;
})

}  // namespace vesta::runtime::kernels
