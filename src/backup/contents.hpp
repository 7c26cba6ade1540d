#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace opsh::backup {

/// The rows of one table, as figures that every other copy of them has too. `hash` is a sum over the rows, a decimal:
/// neither their order nor that of the columns matters, and rows that are twice there count twice.
struct TableContent {
  std::string name;  ///< schema.name, each as the server's quote_ident() writes it
  std::uint64_t rows = 0;
  std::string hash;
};

struct SequenceValue {
  std::string last_value;
  bool is_called = false;
  bool operator==(const SequenceValue&) const = default;
};

/// A sequence is in no snapshot: whoever copies it gets a value between those that it had before and after.
struct SequenceContent {
  std::string name;
  SequenceValue before;
  std::optional<SequenceValue> after;  ///< when it moved meanwhile
};

struct LargeObjectContent {
  std::uint64_t count = 0;
  std::string hash;
};

struct NotCompared {
  std::string name;
  std::string why;
};

/// What a database, or some tables of it, hold.
struct Contents {
  std::vector<TableContent> tables;                           ///< those that hold rows themselves, by name
  std::vector<SequenceContent> sequences;                     ///< of some tables: those that they own
  std::optional<LargeObjectContent> large_objects;            ///< nothing: only some tables were looked at
  std::vector<std::pair<std::string, std::int64_t>> objects;  ///< how many of each kind; empty: as above
  std::vector<std::string> roles;                             ///< that own, may use or are named by something in it
  std::vector<NotCompared> not_compared;
};

}  // namespace opsh::backup
