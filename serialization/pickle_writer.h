#pragma once

// Writes Python pickles of protocol 2: the opcodes that torch.load(weights_only=True) and torch::jit's reader both
// know.
//
// Source of the format: CPython's `pickletools` (opcodes, arguments).

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"

namespace vesta::serialization {

// Each call appends one value or opcode; what a value is made of is written before what makes it, as the comments show.
// The same calls give the same bytes. Not thread-safe.
//
//   PickleWriter pickle;  // [1, "two", (3.0,)]
//   pickle.empty_list();
//   pickle.mark();
//   pickle.integer(1);
//   RETURN_IF_ERROR(pickle.text("two"));
//   pickle.real(3.0);
//   pickle.tuple(1);
//   pickle.appends();
//   std::string bytes = std::move(pickle).finish();
class PickleWriter {
 public:
  PickleWriter() : out_("\x80\x02") {}

  void none() { out_ += 'N'; }
  void boolean(bool value) { out_ += value ? '\x88' : '\x89'; }
  // The shortest of BININT1, BININT and LONG1, which torch::jit's own writer uses too.
  void integer(int64_t value);
  // Two's complement, little endian. InvalidArgument for more than 255 bytes, which LONG1 cannot hold.
  absl::Status big_integer(std::string_view bytes);
  void real(double value);
  // UTF-8. InvalidArgument for 4 GiB and more.
  absl::Status text(std::string_view utf8);
  // The same for text that comes often: written once, then fetched from the memo.
  absl::Status shared_text(std::string_view utf8);
  // A value of type `bytes`, which protocol 2 has not: the call _codecs.encode(text, "latin1").
  absl::Status bytes(std::string_view raw);
  // A class or function. Written once, then fetched from the memo.
  void global(std::string_view module, std::string_view name);

  // Containers: empty_*(), mark(), elements (keys and values in turn), then appends() or set_items().
  void empty_list() { out_ += ']'; }
  void empty_dict() { out_ += '}'; }
  void empty_tuple() { out_ += ')'; }
  void mark() { out_ += '('; }
  void appends() { out_ += 'e'; }
  void set_items() { out_ += 'u'; }
  // Of what lies above the last mark.
  void tuple() { out_ += 't'; }
  // Of the last 1 to 3 values. REQUIRES: 1 <= size <= 3.
  void tuple(int size) { out_ += static_cast<char>(0x84 + size); }

  // The last value, which becomes a persistent id.
  void persistent_id() { out_ += 'Q'; }
  // callable, tuple of arguments -> the call's result.
  void reduce() { out_ += 'R'; }
  // class, tuple of arguments -> an object, without a call of __init__.
  void new_object() { out_ += '\x81'; }
  // object, state -> the object with that state.
  void build() { out_ += 'b'; }
  void pop() { out_ += '0'; }

  // Puts the last value into the memo; get() writes it again.
  uint32_t memoize();
  void get(uint32_t memo);

  // With STOP. REQUIRES: exactly one value was written and not used up.
  std::string finish() &&;

 private:
  void little(uint64_t value, int size);

  std::string out_;
  uint32_t memo_size_ = 0;
  absl::flat_hash_map<std::pair<std::string, std::string>, uint32_t> globals_;
  absl::flat_hash_map<std::string, uint32_t> texts_;
};

}  // namespace vesta::serialization
