#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/descriptor.hpp"

namespace opsh::plan {

/// An item as 32 bytes: what identifies it, what it holds, and where it is.
struct ItemDigest {
  std::array<std::uint64_t, 2> key{};
  std::uint64_t row = 0;     ///< of all its fields
  std::uint64_t number = 0;  ///< its row in the spool
};

/// Digests, given back in the order of their keys. Memory stays flat: full runs go sorted into a file without a name,
/// and are merged.
///
/// Errors: "spool.full" and "spool.write" for that file.
class SortedDigests {
 public:
  /// `folder` is for the file, which is there only when more than `run` are added.
  explicit SortedDigests(std::filesystem::path folder, std::size_t run = std::size_t{1} << 17);

  void add(const ItemDigest& digest);

  /// The next one; false after the last. Nothing may be added once this was called.
  bool next(ItemDigest& digest);

 private:
  struct Run {
    std::vector<ItemDigest> buffer;
    std::size_t used = 0;
    std::uint64_t next = 0, end = 0;  // those that are still in the file
  };

  void sort_filling();
  void write_out();
  void begin();
  bool refill(Run& run);
  bool comes_later(std::size_t left, std::size_t right) const;
  [[noreturn]] void fail(int error, const char* doing) const;

  std::filesystem::path folder_;
  std::size_t run_;
  std::vector<ItemDigest> filling_;
  Descriptor file_;
  std::uint64_t written_ = 0;  // digests that are in the file
  std::vector<Run> runs_;
  std::vector<std::size_t> heap_;  // the runs that are not at their end, the one with the least key first
  bool begun_ = false;
};

}  // namespace opsh::plan
