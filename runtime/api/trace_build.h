#pragma once

// From recorded graphs to a Module: the tree of modules with the tensors under their names, and methods whose graphs
// read them from there.

#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <ATen/core/ivalue.h>
#include <vesta/trace.h>

#include "absl/status/status.h"
#include "ir/graph.h"
#include "runtime/api/context.h"
#include "tracer/recorder.h"

namespace vesta::internal {

// An argument that is no tensor, or such a part of one, and what it was.
struct ScalarInput {
  ir::Value* value;
  c10::IValue example;
};
// Makes the graph raise an error where the argument is something else than in the example.
void guard_scalar(ir::Graph& graph, const ScalarInput& scalar);

class TraceBuilder {
 public:
  explicit TraceBuilder(const std::string& class_name);

  // Makes the tree. InvalidArgument where two tensors have one name, or a tensor the name of a module.
  absl::Status declare(const TraceTarget& target);
  // Makes a module that the code calls one of the tree. InvalidArgument where its name is taken or dotted.
  absl::Status declare(const Named<Module>& module);
  const tracer::Surroundings& surroundings() const { return surroundings_; }
  // The attribute that the graph `training` follows; null where there are no modes.
  bool has_modes() const { return modes_; }

  // Makes the graph a method: gives it `self`, and reads the tensors that it holds from attributes, of which those that
  // are not the target's become new ones.
  absl::Status define(const std::string& name, const std::shared_ptr<ir::Graph>& graph);

  const Module& module() const { return module_; }

 private:
  ObjectPtr child(const std::string& path);
  absl::Status add(const Named<at::Tensor>& tensor, bool parameter, bool buffer);
  ir::Value* attribute(ir::Value* self, ir::Node* before, const std::string& path, const c10::TypePtr& type,
                       std::unordered_map<std::string, ir::Value*>& made);
  std::string path_of(const c10::IValue& value);

  Module module_;
  bool modes_ = false;
  bool training_ = false;
  tracer::Surroundings surroundings_;
  std::unordered_map<std::string, ObjectPtr> children_;
  std::unordered_map<const void*, std::string> captured_;
};

}  // namespace vesta::internal
