#pragma once

// State of lowering one graph; private to lowering*.cc. See lowering.cc for how it works.

#include <cstdint>
#include <optional>
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
  // Jumps that are taken where a condition holds, and where it does not.
  struct Exits {
    std::vector<size_t> when_true;
    std::vector<size_t> when_false;
    std::vector<size_t>& of(bool when) { return when ? when_true : when_false; }
    void add(bool when, const std::vector<size_t>& jumps) {
      of(when).insert(of(when).end(), jumps.begin(), jumps.end());
    }
  };
  // Forms of a comparison: how far behind it they stand in the table.
  enum JumpForm { kJumpIf = 1, kJumpUnless = 2, kLoopIf = 3 };
  // What the way back of a loop needs; counter: -1 where it counts nothing.
  struct BackEdge {
    const Block* body;
    size_t start;
    int32_t counter;
    int32_t limit;
  };
  // Which registers were free.
  struct Registers {
    std::vector<int32_t> free_values;
    std::vector<int32_t> free_scalars;
    size_t values;
    size_t scalars;
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
  size_t emit(Opcode opcode, int64_t a = 0, int64_t b = 0, int64_t c = 0, int64_t d = 0);
  void emit_drop(const Value* value);
  size_t here() const { return code_.instructions.size(); }
  // The next instruction may be jumped to: none before it is taken back.
  size_t label() {
    single_read_ = kNone;
    return here();
  }
  void patch(size_t instruction) { code_.instructions[instruction].a = static_cast<int32_t>(label()); }
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
  bool free_before(const Value* parameter, const Node* last, const Value* result) const;
  const Node* hand_on_early(const Block* body, size_t to, const std::vector<Place>& places);
  bool free_after_handing_on(const Value* parameter, const Node* handed_on, const Value* result) const;
  Registers free_registers() const;
  void restore(const Registers& before);
  std::vector<const Value*> enter_branch(const Block* branch, const std::vector<const Value*>& ending);
  void emit_moves(const Node* reader, const std::vector<Move>& moves);
  std::vector<PendingMove> plan_moves(const std::vector<Move>& moves) const;
  void emit_planned(const Node* reader, std::vector<PendingMove> pending);
  void emit_move(const PendingMove& move, bool steal);
  Place start_carried(const Node* node, size_t slot);

  // lowering_conditions.cc
  static bool is_true(const c10::IValue* constant) {
    return constant != nullptr && constant->isBool() && constant->toBool();
  }
  void patch_all(const std::vector<size_t>& jumps) {
    for (const size_t jump : jumps) patch(jump);
  }
  bool ends_in_jump_unless(const std::vector<size_t>& jumps) const;
  void change_form(size_t at, JumpForm to);
  bool feeds_jump(const Node* node, const Value* condition) const;
  const Value* decides_jump(const Node* node) const;
  // Emits a jump (with target 0, to be patched) that is taken where the condition is `when`.
  size_t emit_jump(const Value* condition, bool when);
  absl::Status emit_condition(const Value* condition, bool fall, Exits& exits);
  absl::Status emit_choice(const Node* node, bool fall, Exits& exits);
  absl::Status emit_choice_branch(const Block* branch, const std::vector<const Value*>& ending, size_t slot, bool fall,
                                  Exits& exits);
  bool is_empty(const Block* block) const;
  bool next_condition_is_choice(const Block* body) const;
  void emit_loop(const BackEdge& back);
  void leave_or_loop(const BackEdge& back, size_t jump, std::vector<size_t>& exits);
  absl::Status emit_back_edge(const BackEdge& back, const std::vector<Move>& moves, std::vector<size_t>& exits);
  absl::Status emit_chosen_back_edge(const BackEdge& back, const std::vector<Move>& moves, std::vector<size_t>& exits);

  // lowering_scalars.cc
  bool lower_scalar(const Node* node);
  bool lower_derived_index(const Node* node);
  int32_t as_float(const Value* value);
  std::optional<int64_t> constant_bits(int32_t field) const;
  int32_t divisor_constant(int64_t divisor);
  void reduce_strength(Instruction& step);
  std::optional<Instruction> take_back(int32_t field);
  void join_steps(Instruction& step);
  void join_mask_test(Instruction& step);
  void emit_scalar(const Node* node, Opcode opcode, int32_t x, int32_t y = 0, int32_t z = 0);
  bool is_compared_byte(const Value* character) const;
  bool lower_byte(const Node* node);
  bool lower_byte_test(const Node* node);

  // lowering_nodes.cc: one handler for each kind, and the typed forms of operators.
  absl::Status lower_operator(const Node* node);
  bool lower_typed(const Node* node);
  bool moves_into(const Node* node, const Value* value, const Value* container);
  bool lower_length(const Node* node);
  bool lower_getitem(const Node* node);
  bool lower_setitem(const Node* node);
  bool lower_append(const Node* node);
  bool lower_size(const Node* node);
  bool is_element_of_sizes(const Node* node) const;
  bool lower_size_number(const Node* node, Opcode opcode, const Value* tensor, const Value* dim);
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
  absl::flat_hash_map<const Value*, const Node*> choices_;  // Results of Ifs that are jumps.
  absl::flat_hash_map<const Node*, std::vector<std::pair<int32_t, int32_t>>> early_moves_;  // Behind a node: to, from.
  absl::flat_hash_map<int64_t, int32_t> scalar_constants_;
  absl::flat_hash_map<int64_t, int32_t> divisor_constants_;
  absl::flat_hash_map<const c10::IValue*, int32_t> value_constants_;
  std::vector<Place> temporaries_;
  static constexpr size_t kNone = ~size_t{0};
  size_t single_read_ = kNone;           // The instruction whose scalar result is read once, if it is the last one.
  const Node* current_ = nullptr;        // The node that instructions are emitted for,
  const Node* current_range_ = nullptr;  // and the one that the last range belongs to.
};

}  // namespace vesta::runtime
