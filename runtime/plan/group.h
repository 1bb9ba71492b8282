#pragma once

// A group of nodes that runs by plans: prim::PlannedGroup at run time.

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "ir/program.h"
#include "runtime/by_thread.h"
#include "runtime/plan/builder.h"
#include "runtime/plan/derived_constants.h"
#include "runtime/plan/plan.h"
#include "runtime/plan/tuning.h"

namespace vesta::runtime {
class Code;
}  // namespace vesta::runtime

namespace vesta::runtime::plan {

// Holds a few plans, each for the sizes of one kind of call, made at the first such call. Thread-safe.
class PlannedGroup {
 public:
  // `name` and `program` are those of the code that the group is a part of.
  // `constants` are shared by all groups of a function; null: the group has its own.
  explicit PlannedGroup(std::shared_ptr<const ir::Graph> subgraph, std::string name = "group",
                        const ir::Program* program = nullptr, std::shared_ptr<DerivedConstants> constants = nullptr)
      : subgraph_(std::move(subgraph)),
        name_(std::move(name)),
        program_(program),
        constants_(constants != nullptr ? std::move(constants) : std::make_shared<DerivedConstants>()) {}
  ~PlannedGroup();

  // The group's inputs are all that is in the stack. True: they are replaced by the results. False: there is no plan
  // for such inputs (another type, device or layout, gradients wanted, ...), the stack is as it was, and the subgraph
  // is to be run as it stands.
  bool run(ir::Stack& stack) const;

  // What is to be run where there is no plan. If a node was refused: the same program with that node alone and what is
  // around it in groups of their own. Else with batch norms folded into convolutions, as plans do for themselves.
  // Null: the plain subgraph.
  const Code* plain() const;

  // Plans that are kept at most; the one that was used longest ago goes first.
  static constexpr size_t kMaxPlans = 12;
  size_t plans() const;
  // Why there is no plan for the last inputs that had none; "" if all had one.
  std::string refusal() const;

 private:
  // What a plan was made for.
  struct Key {
    int threads = 1;
    std::vector<PlanInput> inputs;
    bool operator==(const Key&) const = default;
  };
  struct Entry {
    Key key;
    std::shared_ptr<const Plan> plan;  // Null: such inputs cannot be planned, or run faster plainly.
    uint64_t used = 0;
    bool is_tuned = false;
  };
  // The plan of a thread's last call with all that it needs; it is taken out while a call uses it.
  struct Ready {
    Key key;
    std::shared_ptr<const Plan> plan;
    std::unique_ptr<PlanContext> context;
    ~Ready();
  };
  static std::optional<Key> key_of(const ir::Stack& stack);
  static bool fits(const Key& key, const ir::Stack& stack);
  std::unique_ptr<Ready> find(const ir::Stack& stack) const;
  // `inputs` are of that kind: what is tuned runs on them.
  std::shared_ptr<const Plan> make(const Key& key, const ir::Stack& inputs) const;
  PlanChoice choice(const PlanGraph& graph, const Key& key, const ir::Stack& inputs) const;

  void split_at(const ir::Node* refused) const;
  // The subgraph with batch norms folded into convolutions; null where there are none.
  std::shared_ptr<const ir::Graph> folded() const;
  void set_plain(const ir::Graph& graph) const;

  std::shared_ptr<const ir::Graph> subgraph_;
  std::string name_;
  const ir::Program* program_;
  mutable std::vector<std::unique_ptr<const Code>> made_;  // Calls may still be in one that was replaced.
  mutable std::atomic<const Code*> plain_{nullptr};
  mutable std::atomic<bool> is_folded_{false};
  mutable bool is_split_ = false;
  std::shared_ptr<DerivedConstants> constants_;
  mutable ByThread<Ready> ready_;
  mutable std::mutex mutex_;
  mutable std::vector<Entry> entries_;
  mutable uint64_t clock_ = 0;
  mutable std::string refusal_;
};

}  // namespace vesta::runtime::plan
