#pragma once

// The optimized forms of the methods of a module that is not frozen: made as those of a frozen one, and used as long as
// what they rest on is as it was.

#include <memory>
#include <mutex>
#include <vector>

#include <ATen/core/ivalue.h>
#include <vesta/options.h>

#include "absl/status/statusor.h"
#include "ir/program.h"
#include "runtime/api/context.h"
#include "runtime/bytecode.h"

namespace vesta::internal {

// One for each root. Each call compares the attributes of all modules below the root with what they were when the code
// was made: numbers, texts and modules by identity, tensors by identity, address and version counter too. (Of memory
// that is written to past its tensors, through data_ptr(), nothing is known: see Module.) Where something has
// changed, the code is made anew; the more often that happens, the more calls run plainly before it is tried again.
//
// Thread-safe as far as nobody changes the module.
class LiveMethods {
 public:
  // Null where `options` ask for no optimization. InvalidArgument where they name a pass that does not exist.
  static absl::StatusOr<std::shared_ptr<const LiveMethods>> create(const ObjectPtr& root,
                                                                   const OptimizationOptions& options);
  // Of a copy of the modules that shares what no method changes (Module::instance): it shares the code.
  std::shared_ptr<const LiveMethods> for_instance(const ObjectPtr& root) const;

  // The method's optimized code for this object; null where the plain one has to do: gradients may be wanted, the
  // object is not of the tree, or something has just changed. Errors are Internal, and only in checked builds.
  absl::StatusOr<std::shared_ptr<const runtime::Code>> code(const c10::ivalue::Object& object,
                                                            const ir::Function& method,
                                                            const std::vector<c10::IValue>& arguments) const;
  const OptimizationOptions& options() const { return options_; }

 private:
  struct Generation;
  LiveMethods(ObjectPtr root, OptimizationOptions options) : root_(std::move(root)), options_(std::move(options)) {}
  std::shared_ptr<const Generation> current() const;

  const ObjectPtr root_;
  const OptimizationOptions options_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const Generation> generation_;
  mutable int64_t calls_ = 0;    // With this generation.
  mutable int64_t to_wait_ = 0;  // Calls until the next one is made.
  mutable int changes_ = 0;      // In a row, with few calls between them.
};

}  // namespace vesta::internal
