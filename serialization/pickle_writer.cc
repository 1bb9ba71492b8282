// Opcodes and their arguments, appended to a string. Memo keys are numbered in the order in which they are used, with
// BINPUT up to 255 and LONG_BINPUT above.

#include "serialization/pickle_writer.h"

#include <bit>
#include <limits>

#include "absl/strings/str_cat.h"

namespace vesta::serialization {

void PickleWriter::little(uint64_t value, int size) {
  for (int i = 0; i < size; ++i) out_ += static_cast<char>(value >> (8 * i) & 0xff);
}

void PickleWriter::integer(int64_t value) {
  const auto bits = static_cast<uint64_t>(value);
  if (value >= 0 && value < 0x100) {
    out_ += 'K';
    little(bits, 1);
  } else if (value >= std::numeric_limits<int32_t>::min() && value <= std::numeric_limits<int32_t>::max()) {
    out_ += 'J';
    little(bits, 4);
  } else {
    out_ += "\x8a\x08";
    little(bits, 8);
  }
}

absl::Status PickleWriter::big_integer(std::string_view bytes) {
  if (bytes.size() > 255) return absl::InvalidArgumentError("an int of more than 255 bytes cannot be written");
  out_ += '\x8a';
  little(bytes.size(), 1);
  out_ += bytes;
  return absl::OkStatus();
}

void PickleWriter::real(double value) {
  out_ += 'G';
  little(__builtin_bswap64(std::bit_cast<uint64_t>(value)), 8);
}

absl::Status PickleWriter::text(std::string_view utf8) {
  if (utf8.size() > std::numeric_limits<uint32_t>::max()) {
    return absl::InvalidArgumentError("a string of 4 GiB or more cannot be written");
  }
  out_ += 'X';
  little(utf8.size(), 4);
  out_ += utf8;
  return absl::OkStatus();
}

absl::Status PickleWriter::shared_text(std::string_view utf8) {
  std::string key(utf8);
  if (const auto found = texts_.find(key); found != texts_.end()) {
    get(found->second);
    return absl::OkStatus();
  }
  if (absl::Status status = text(utf8); !status.ok()) return status;
  texts_.emplace(std::move(key), memoize());
  return absl::OkStatus();
}

absl::Status PickleWriter::bytes(std::string_view raw) {
  // Each byte as the character of that number.
  std::string characters;
  characters.reserve(raw.size() * 2);
  for (const char c : raw) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte >= 0x80) characters += static_cast<char>(0xc0 | byte >> 6);
    characters += static_cast<char>(byte < 0x80 ? byte : 0x80 | (byte & 0x3f));
  }
  global("_codecs", "encode");
  if (absl::Status status = text(characters); !status.ok()) return status;
  if (absl::Status status = text("latin1"); !status.ok()) return status;
  tuple(2);
  reduce();
  return absl::OkStatus();
}

void PickleWriter::global(std::string_view module, std::string_view name) {
  std::pair<std::string, std::string> key(module, name);
  if (const auto found = globals_.find(key); found != globals_.end()) return get(found->second);
  absl::StrAppend(&out_, "c", key.first, "\n", key.second, "\n");
  globals_.emplace(std::move(key), memoize());
}

uint32_t PickleWriter::memoize() {
  const uint32_t memo = memo_size_++;
  out_ += memo < 0x100 ? 'q' : 'r';
  little(memo, memo < 0x100 ? 1 : 4);
  return memo;
}

void PickleWriter::get(uint32_t memo) {
  out_ += memo < 0x100 ? 'h' : 'j';
  little(memo, memo < 0x100 ? 1 : 4);
}

std::string PickleWriter::finish() && {
  out_ += '.';
  return std::move(out_);
}

}  // namespace vesta::serialization
