#pragma once

// Changes the program of a native file without breaking its tables: a number becomes another one, a vector shorter, a
// reference to a table or text leads to another of its kind, a text gets another letter. Bytes that change at random
// seldom get past flatbuffers' verifier; these all do, so what is behind it is reached.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include <flatbuffers/minireflect.h>

namespace vesta::test {

class NativeMutator : public flatbuffers::IterationVisitor {
 public:
  // `program` is a flatbuffer that has passed the verifier, of the tables that `types` describe.
  NativeMutator(uint8_t* program, const flatbuffers::TypeTable* types, unsigned seed) : random_(seed) {
    flatbuffers::IterateFlatBuffer(program, types, this);
  }

  void mutate() {
    for (size_t times = pick(4) + 1; times > 0; --times) {
      switch (pick(8)) {
        case 0:
          shorten();
          break;
        case 1:
          redirect();
          break;
        case 2:
          respell();
          break;
        default:
          renumber();
      }
    }
  }

  void Field(size_t /*field*/, size_t /*set*/, flatbuffers::ElementaryType type, bool is_vector,
             const flatbuffers::TypeTable* types, const char* /*name*/, const uint8_t* value) override {
    if (value == nullptr) return;
    if (is_vector) {
      vectors_.push_back(target(value));
    } else {
      add(type, types, value);
    }
  }
  void Element(size_t /*i*/, flatbuffers::ElementaryType type, const flatbuffers::TypeTable* types,
               const uint8_t* value) override {
    add(type, types, value);
  }

 private:
  struct Number {
    uint8_t* at;
    size_t size;
  };
  struct Reference {
    uint8_t* at;
    const flatbuffers::TypeTable* types;  // null: a text
  };

  static uint8_t* target(const uint8_t* reference) {
    return const_cast<uint8_t*>(reference) + flatbuffers::ReadScalar<flatbuffers::uoffset_t>(reference);
  }

  void add(flatbuffers::ElementaryType type, const flatbuffers::TypeTable* types, const uint8_t* value) {
    uint8_t* const at = const_cast<uint8_t*>(value);
    if (type == flatbuffers::ET_STRING) {
      references_.push_back({at, nullptr});
    } else if (type != flatbuffers::ET_SEQUENCE) {
      numbers_.push_back({at, flatbuffers::InlineSize(type, types)});
    } else if (types->st == flatbuffers::ST_TABLE) {
      references_.push_back({at, types});
    }
  }

  size_t pick(size_t count) { return std::uniform_int_distribution<size_t>(0, count - 1)(random_); }

  uint64_t other_number(const Number& number) {
    uint64_t now = 0;
    std::memcpy(&now, number.at, number.size);
    switch (pick(6)) {
      case 0:
        return now + 1;
      case 1:
        return now - 1;
      case 2:
        return now ^ (uint64_t{1} << pick(number.size * 8));
      case 3: {
        const Number& from = numbers_[pick(numbers_.size())];
        uint64_t value = 0;
        std::memcpy(&value, from.at, from.size);
        return value;
      }
      case 4:
        return random_();
      default:
        return pick(24);
    }
  }

  void renumber() {
    if (numbers_.empty()) return;
    const Number& number = numbers_[pick(numbers_.size())];
    const uint64_t value = other_number(number);
    std::memcpy(number.at, &value, number.size);
  }

  void shorten() {
    if (vectors_.empty()) return;
    uint8_t* const vector = vectors_[pick(vectors_.size())];
    const auto length = flatbuffers::ReadScalar<flatbuffers::uoffset_t>(vector);
    if (length > 0) flatbuffers::WriteScalar(vector, static_cast<flatbuffers::uoffset_t>(pick(length)));
  }

  void redirect() {
    if (references_.empty()) return;
    const Reference& from = references_[pick(references_.size())];
    const Reference& to = references_[pick(references_.size())];
    // References lead forward only.
    if (from.types != to.types || target(to.at) <= from.at) return;
    flatbuffers::WriteScalar(from.at, static_cast<flatbuffers::uoffset_t>(target(to.at) - from.at));
  }

  void respell() {
    if (references_.empty()) return;
    const Reference& reference = references_[pick(references_.size())];
    const Reference& other = references_[pick(references_.size())];
    if (reference.types != nullptr) return;
    uint8_t* const text = target(reference.at);
    const auto length = flatbuffers::ReadScalar<flatbuffers::uoffset_t>(text);
    if (length == 0) return;
    uint8_t* const letters = text + sizeof(length);
    if (other.types != nullptr || pick(2) == 0) {
      letters[pick(length)] = static_cast<uint8_t>(pick(4) == 0 ? pick(256) : ' ' + pick('~' - ' '));
      return;
    }
    // As much of another one as there is room for; both end with a zero.
    const uint8_t* const from = target(other.at);
    const auto count = std::min(length, flatbuffers::ReadScalar<flatbuffers::uoffset_t>(from));
    std::memmove(letters, from + sizeof(count), count);
    letters[count] = 0;
    flatbuffers::WriteScalar(text, count);
  }

  std::mt19937 random_;
  std::vector<Number> numbers_;
  std::vector<uint8_t*> vectors_;
  std::vector<Reference> references_;
};

}  // namespace vesta::test
