// check() is a depth-first walk with its own stack. A container is entered when it is met first and
// left when its children are done; meeting one that is entered but not left is a cycle. Depth and
// node count of a container are known when it is left.

#include "serialization/pickle_graph.h"

#include <algorithm>
#include <limits>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "serialization/pickle_reader.h"

namespace vesta::serialization {
namespace {

const void* identity(const c10::IValue& value) {
  // Every container is an intrusive pointer, and internalToPointer gives its address.
  return value.internalToPointer();
}

std::vector<c10::IValue> children_of(const c10::IValue& value) {
  std::vector<c10::IValue> children;
  if (value.isList()) {
    const auto list = value.toListRef();
    children.assign(list.begin(), list.end());
  } else if (value.isTuple()) {
    const auto& elements = value.toTupleRef().elements();
    children.assign(elements.begin(), elements.end());
  } else if (value.isGenericDict()) {
    for (const auto& item : value.toGenericDict()) {
      children.push_back(item.key());
      children.push_back(item.value());
    }
  } else if (value.isObject()) {
    const auto& slots = value.toObjectRef().slots();
    children.assign(slots.begin(), slots.end());
  } else if (const PickleObject* object = PickleObject::from(value)) {
    children = object->items;
  }
  return children;
}

void clear(c10::IValue& value) {
  if (value.isList()) {
    value.toList().clear();
  } else if (value.isTuple()) {
    auto tuple = value.toTuple();
    tuple->setElements(std::vector<c10::IValue>(tuple->size()));
  } else if (value.isGenericDict()) {
    value.toGenericDict().clear();
  } else if (value.isObject()) {
    auto object = value.toObject();
    for (size_t i = 0; i < object->slots().size(); ++i) object->setSlot(i, c10::IValue());
  } else if (PickleObject* object = PickleObject::from(value)) {
    object->items.clear();
  }
}

struct Measure {
  bool left = false;
  bool holds_pickle_objects = false;
  int64_t depth = 1;
  int64_t nodes = 1;
};

struct Frame {
  c10::IValue container;
  std::vector<c10::IValue> children;
  size_t next = 0;
};

int64_t saturating_add(int64_t a, int64_t b) {
  return a > std::numeric_limits<int64_t>::max() - b ? std::numeric_limits<int64_t>::max() : a + b;
}

absl::Status too_deep(const Limits& limits) {
  return absl::ResourceExhaustedError(
      absl::StrCat("containers nest deeper than the limit 'pickle_depth', ", limits.pickle_depth));
}

}  // namespace

bool is_container(const c10::IValue& value) {
  return value.isList() || value.isTuple() || value.isGenericDict() || value.isObject() ||
         PickleObject::from(value) != nullptr;
}

ContainerSet::~ContainerSet() {
  for (c10::IValue& value : containers_) clear(value);
}

void ContainerSet::add(const c10::IValue& value) {
  if (is_container(value)) containers_.push_back(value);
}

absl::Status ContainerSet::put(const c10::IValue& parent, const c10::IValue& child, const Limits& limits) {
  if (!is_container(child)) return absl::OkStatus();
  const auto inner = depths_.find(identity(child));
  const int64_t depth = (inner == depths_.end() ? 1 : inner->second) + 1;
  if (depth > limits.pickle_depth) return too_deep(limits);
  int64_t& known = depths_.try_emplace(identity(parent), depth).first->second;
  known = std::max(known, depth);
  return absl::OkStatus();
}

absl::StatusOr<bool> ContainerSet::check(const c10::IValue& root, const Limits& limits, bool allow_cycles) const {
  absl::flat_hash_map<const void*, Measure> measures;
  std::vector<Frame> stack;
  const auto enter = [&](const c10::IValue& container) {
    measures.emplace(identity(container), Measure{});
    stack.push_back({container, children_of(container), 0});
  };
  const auto walk = [&](const c10::IValue& start) -> absl::Status {
    if (!is_container(start) || measures.contains(identity(start))) return absl::OkStatus();
    enter(start);
    while (!stack.empty()) {
      Frame& top = stack.back();
      if (top.next < top.children.size()) {
        const c10::IValue child = top.children[top.next++];
        if (!is_container(child)) continue;
        const auto found = measures.find(identity(child));
        if (found == measures.end()) {
          enter(child);
        } else if (!found->second.left && !allow_cycles) {
          return absl::DataLossError("a container holds itself");
        }
        continue;
      }
      Measure measure{true, PickleObject::from(top.container) != nullptr, 1, 1};
      for (const c10::IValue& child : top.children) {
        const bool inner = is_container(child);
        const Measure below = inner ? measures.at(identity(child)) : Measure{true, false, 0, 1};
        measure.holds_pickle_objects |= below.holds_pickle_objects;
        measure.depth = std::max(measure.depth, below.depth + 1);
        measure.nodes = saturating_add(measure.nodes, below.nodes);
      }
      if (measure.depth > limits.pickle_depth) {
        return too_deep(limits);
      }
      measures[identity(top.container)] = measure;
      stack.pop_back();
    }
    return absl::OkStatus();
  };
  for (const c10::IValue& container : containers_) {
    if (absl::Status status = walk(container); !status.ok()) return status;
  }
  if (absl::Status status = walk(root); !status.ok()) return status;
  if (!is_container(root)) return false;
  const Measure& whole = measures.at(identity(root));
  if (whole.nodes > limits.pickle_nodes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the value has more nodes, shared ones counted each time, than the limit 'pickle_nodes', ",
                     limits.pickle_nodes));
  }
  return whole.holds_pickle_objects;
}

}  // namespace vesta::serialization
