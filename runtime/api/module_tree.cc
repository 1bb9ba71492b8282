#include "runtime/api/module_tree.h"

#include <algorithm>
#include <unordered_set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace vesta::internal {
namespace {

class Walker {
 public:
  Walker(bool recurse, const std::function<void(const TreeSlot&)>& visit) : recurse_(recurse), visit_(visit) {}

  void module(const c10::ivalue::Object& object, const std::string& prefix) {
    path_.push_back(&object);
    const std::shared_ptr<c10::ClassType> type = object.type();
    for (size_t i = 0; i < type->numAttributes(); ++i) {
      const TreeSlot current{object, *type, i, prefix + type->getAttributeName(i), slot(object, i)};
      visit_(current);
      if (!recurse_ || !current.is_module()) continue;
      const c10::ivalue::Object& child = current.value.toObjectRef();
      if (std::find(path_.begin(), path_.end(), &child) == path_.end()) module(child, current.name + ".");
    }
    path_.pop_back();
  }

 private:
  bool recurse_;
  const std::function<void(const TreeSlot&)>& visit_;
  std::vector<const c10::ivalue::Object*> path_;
};

std::string attribute_names(const c10::ClassType& type) {
  std::vector<std::string> names;
  for (size_t i = 0; i < type.numAttributes() && i < 20; ++i) names.push_back(type.getAttributeName(i));
  if (type.numAttributes() > names.size()) names.push_back("...");
  return names.empty() ? "nothing" : absl::StrJoin(names, ", ");
}

}  // namespace

std::shared_ptr<torch::jit::CompilationUnit> compilation_unit(const c10::ivalue::Object& object) {
  // A class type holds its program weakly; an object usually strongly, but constants of graphs do not.
  return object.type()->compilation_unit();
}

void walk(const c10::ivalue::Object& root, bool recurse, const std::function<void(const TreeSlot&)>& visit) {
  Walker(recurse, visit).module(root, "");
}

void for_each_module(const ObjectPtr& root, const std::function<void(const ObjectPtr&)>& visit) {
  std::vector<ObjectPtr> waiting{root};
  std::unordered_set<const c10::ivalue::Object*> seen{root.get()};
  while (!waiting.empty()) {
    const ObjectPtr module = std::move(waiting.back());
    waiting.pop_back();
    visit(module);
    std::vector<ObjectPtr> children;
    walk(*module, false, [&](const TreeSlot& slot) {
      if (slot.is_module() && seen.insert(&slot.value.toObjectRef()).second) children.push_back(slot.value.toObject());
    });
    waiting.insert(waiting.end(), children.rbegin(), children.rend());
  }
}

absl::StatusOr<Place> resolve(const ObjectPtr& root, std::string_view path) {
  std::vector<std::string> names = absl::StrSplit(as_absl(path), '.');
  Place place{root, std::move(names.back())};
  names.pop_back();
  for (const std::string& name : names) {
    const std::shared_ptr<c10::ClassType> type = place.module->type();
    const std::optional<size_t> index = type->findAttributeSlot(name);
    const c10::IValue child = index.has_value() ? slot(*place.module, *index) : c10::IValue();
    if (!child.isObject()) {
      return absl::NotFoundError(absl::StrCat("'", as_absl(path), "': '", type->annotation_str(), "' has no module '",
                                              name, "'; it has: ", attribute_names(*type)));
    }
    place.module = child.toObject();
  }
  return place;
}

}  // namespace vesta::internal
