#pragma once

#include <optional>
#include <string>
#include <vector>

#include "journal/stored_changes.hpp"

namespace opsh::journal {

/// A row that an undo leaves as it is; one for each column where columns are why.
struct Conflict {
  std::string table;
  Key key;
  std::string reason;
  std::string column = {};                ///< empty: the whole row
  std::optional<std::string> old = {};    ///< what would have been put back
  std::optional<std::string> wrote = {};  ///< what the run had written
  std::optional<std::string> found = {};  ///< what was there
};

/// Why rows are left: the words of opsh.conflict.reason.
namespace reason {
inline constexpr const char* edited = "edited since";
inline constexpr const char* deleted = "deleted since";
inline constexpr const char* key_taken = "key taken";
inline constexpr const char* referred_to = "referred to";
inline constexpr const char* later_left = "a later change was left";
inline constexpr const char* refused = "refused by the server";
inline constexpr const char* table_gone = "table gone";
inline constexpr const char* key_not_unique = "key no longer unique";
inline constexpr const char* column_gone = "column gone";
inline constexpr const char* type_changed = "type changed";
}  // namespace reason

}  // namespace opsh::journal
