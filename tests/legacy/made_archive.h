#pragma once

// A TorchScript archive made by hand: a module `M` without attributes.

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <vesta/vesta.h>

#include "tests/serialization/zip_builder.h"

namespace vesta::test {

// `methods` is indented by two, as in the body of a class. `writer` is what the members show: nothing of a writer but
// the version, or a `.data/serialization_id`, which 2.1 and later write.
inline std::string made_archive(int version, const std::string& methods, bool today = false) {
  using namespace std::string_literals;
  std::vector<serialization::testing::ZipMember> members = {
      {.name = "m/data.pkl", .contents = "\x80\x02"s + "c__torch__\nM\nq\0)\x81}(ubq\1."s},
      {.name = "m/code/__torch__.py",
       .contents = "class M(Module):\n  __parameters__ = []\n  __buffers__ = []\n" + methods},
      {.name = "m/constants.pkl", .contents = "\x80\x02)."s},
      {.name = "m/version", .contents = std::to_string(version) + "\n"},
  };
  if (today) members.push_back({.name = "m/.data/serialization_id", .contents = "0123456789"});
  return serialization::testing::build_zip(members);
}

inline absl::StatusOr<Module> load_made(const std::string& archive, const LoadOptions& options = {}) {
  return load(std::as_bytes(std::span(archive.data(), archive.size())), options);
}

}  // namespace vesta::test
