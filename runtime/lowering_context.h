#pragma once

// State of lowering one graph; private to lowering*.cc. See lowering.cc for how it works.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "ir/support/status.h"
#include "runtime/bytecode.h"
#include "runtime/liveness.h"

namespace vesta::runtime {

class LoweringContext {
 public:
  LoweringContext(const ir::Graph& graph, Code& code, std::shared_ptr<plan::DerivedConstants> constants)
      : graph_(graph),
        code_(code),
        derived_constants_(std::move(constants)),
        live_(graph),
        autocasts_(code.program != nullptr && uses_autocast(*code.program)) {}
  absl::Status run();

 private:
  using Block = ir::Block;
  using Node = ir::Node;
  using Value = ir::Value;

  // A register. Scalar constants have numbers from kConstantBase until the code is complete.
  struct Place {
    Bank bank = Bank::kValue;
    int32_t index = 0;
    bool is_value() const { return bank == Bank::kValue; }
    bool operator==(const Place& other) const { return is_value() == other.is_value() && index == other.index; }
  };
  static constexpr int32_t kConstantBase = int32_t{1} << 28;

  struct RegisterFile {
    std::vector<int32_t> free;
    std::vector<uint32_t> pins;  // By register: a pinned one is not freed by the death of a value in it.
  };
  struct Move {
    const Value* source;  // A root.
    Place target;
  };
  struct PendingMove {
    const Value* source;
    Place from;
    bool constant;
    bool stays;  // The source is at home in a target, too.
    Place target;
  };
  // A comparison that the next jump performs.
  struct Comparison {
    Opcode compare;
    int32_t x;
    int32_t y;
  };
  using Handler = absl::Status (LoweringContext::*)(const Node*);
  static const absl::flat_hash_map<c10::Symbol, Handler>& handlers();

  // lowering.cc: registers and emission.
  RegisterFile& file(Bank bank) { return bank == Bank::kValue ? values_ : scalars_; }
  Place allocate(Bank bank);
  void release(Place place);
  void pin(Place place) { ++file(place.bank).pins[static_cast<size_t>(place.index)]; }
  void unpin(Place place) { --file(place.bank).pins[static_cast<size_t>(place.index)]; }
  size_t emit(Opcode opcode, int64_t a = 0, int64_t b = 0, int64_t c = 0);
  void emit_drop(const Value* value);
  size_t here() const { return code_.instructions.size(); }
  void patch(size_t instruction) { code_.instructions[instruction].a = static_cast<int32_t>(here()); }
  int32_t site_number(Site site);
  bool has_dtype(const Node& node) const;
  bool take_number_out(const Node* node, Site& site) const;
  void replace_constant(const Site& site, size_t input);
  int32_t value_constant(const c10::IValue& value);
  int32_t scalar_constant(int64_t bits);
  int32_t scalar_constant(const c10::IValue& value, Bank bank);
  const Value* root(const Value* value) const { return live_.root(value); }
  bool is_constant(const Value* value) const { return constant_of(root(value)) != nullptr; }
  Bank bank_of_value(const Value* value) const { return bank_of(*value->type()); }
  Place place(const Value* value) const { return places_.at(root(value)); }
  // The scalar register that holds the value. REQUIRES: its static type is int, float or bool.
  int32_t scalar(const Value* value);
  // A value register that holds the value; a temporary one, until the node is done, where it had none.
  int32_t value_register(const Value* value);
  void release_temporaries();

  // Defining and ending values.
  Place define(const Value* value);
  void define_at(const Value* value, Place place);
  void note_death(const Value* value, const Block* block);
  bool dies_at(const Value* value, const Node* node) const;
  void release_deaths(const Node* node);
  void drop_deaths(const Node* node, const std::vector<Place>& kept = {});
  bool needs_drop(const Value* value) const;

  // Sites.
  void add_inputs(const Node* node, std::span<Value* const> inputs, Site& site);
  void add_outputs(const Node* node, Site& site);
  void emit_site(Opcode opcode, const Node* node, std::span<Value* const> inputs, Site site, int32_t b = 0,
                 int32_t c = 0);
  absl::Status unimplemented(const Node* node) const;
  void finish();

  // lowering_control.cc
  absl::Status lower_block(const Block* block, const std::vector<const Value*>& dying);
  absl::Status lower_node(const Node* node);
  absl::Status lower_if(const Node* node);
  absl::Status lower_constant_if(const Node* node, const Block* taken);
  absl::Status lower_branch(const Node* node, const Block* branch, const std::vector<const Value*>& ending);
  absl::Status lower_loop(const Node* node);
  bool free_before(const Value* parameter, const Value* result) const;
  void emit_moves(const Node* reader, const std::vector<Move>& moves);
  std::vector<PendingMove> plan_moves(const std::vector<Move>& moves) const;
  void emit_planned(const Node* reader, std::vector<PendingMove> pending);
  void emit_move(const PendingMove& move, bool steal);
  // Emits a jump (with target 0, to be patched) that is taken where the condition is `when`.
  size_t emit_jump(const Value* condition, bool when);
  Place start_carried(const Node* node, size_t slot);
  bool can_fuse(const Node* node) const;

  // lowering_nodes.cc: one handler for each kind, and the typed forms of operators.
  absl::Status lower_operator(const Node* node);
  bool lower_scalar(const Node* node);
  bool lower_typed(const Node* node);
  void emit_scalar(const Node* node, Opcode opcode, bool swap, Bank operand_bank);
  int32_t as_float(const Value* value);
  bool lower_length(const Node* node);
  bool lower_getitem(const Node* node);
  bool lower_setitem(const Node* node);
  bool lower_append(const Node* node);
  bool lower_size(const Node* node);
  bool lower_identity(const Node* node);
  void emit_element(const Node* node, Opcode first, int32_t b, int32_t c, const Value* output);
  absl::Status lower_unpack(const Node* node);
  absl::Status lower_tuple_index(const Node* node);
  absl::Status lower_tuple_slice(const Node* node);
  absl::Status lower_list_unpack(const Node* node);
  static absl::StatusOr<int32_t> attribute_slot(const ir::Node& node);
  absl::Status lower_get_attr(const Node* node);
  absl::Status lower_set_attr(const Node* node);
  absl::Status lower_create_object(const Node* node);
  absl::Status lower_call_method(const Node* node);
  absl::Status lower_call_function(const Node* node);
  absl::Status lower_construct(const Node* node);
  absl::Status lower_isinstance(const Node* node);
  absl::Status lower_raise(const Node* node);
  absl::Status lower_fork(const Node* node);
  absl::Status lower_wait(const Node* node);
  absl::Status lower_group(const Node* node);
  absl::Status lower_enum(const Node* node);
  absl::Status lower_context(const Node* node);
  absl::Status lower_cast(const Node* node);
  absl::Status resolve_method(const Node* node, const std::string& name, Site& site, bool& is_interface);

  const ir::Graph& graph_;
  Code& code_;
  std::shared_ptr<plan::DerivedConstants> derived_constants_;  // Of the plans.
  Liveness live_;
  bool autocasts_;
  RegisterFile values_;
  RegisterFile scalars_;
  absl::flat_hash_map<const Value*, Place> places_;
  absl::flat_hash_map<const Value*, Place> hints_;
  absl::flat_hash_map<const Node*, std::vector<const Value*>> deaths_;
  absl::flat_hash_map<const Value*, Comparison> deferred_;
  absl::flat_hash_map<int64_t, int32_t> scalar_constants_;
  absl::flat_hash_map<const c10::IValue*, int32_t> value_constants_;
  std::vector<Place> temporaries_;
  const Node* current_ = nullptr;        // The node that instructions are emitted for,
  const Node* current_range_ = nullptr;  // and the one that the last range belongs to.
};

}  // namespace vesta::runtime
