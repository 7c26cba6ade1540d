#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sql/identifier.hpp"

namespace opsh::backup {

/// What a dump says of itself: `pg_restore --list`. It is what whoever made the dump wrote there, and shows nothing of
/// its data.
struct Listing {
  std::string database;
  /// When it was made, in seconds since 1970. A dump holds the local time of the machine that made it and not its zone:
  /// this is right where that zone was UTC, as in dumps that opsh takes, and off by its distance elsewhere.
  std::optional<std::int64_t> created;
  std::string server_version;  ///< "15.18"
  std::string pg_dump_version;
  std::string compression;       ///< as pg_restore says it: "gzip", "-1" (gzip, up to 15), "0" or "none"
  std::set<std::string> owners;  ///< a role with a blank in its name appears as its last word
  std::set<std::string> tables;  ///< `schema.name` as in SQL; one with a blank in either name is missing
  int entries = 0;
};

/// Reads what pg_restore --list printed in the time zone UTC.
Listing read_listing(std::string_view printed);

/// Of the entries that pg_restore --list printed for the three sections of a dump, those that bring these tables back
/// with their rows: everything before the data (types, functions, empty tables), their data, their keys. No foreign
/// keys, triggers and indexes: what those refer to may not be there. The text is a list for --use-list. Error:
/// "backup.tables" for a table whose data is not in the dump.
std::string choose_tables(std::string_view before_data, std::string_view data, std::string_view after_data,
                          const std::vector<sql::QualifiedName>& tables);

}  // namespace opsh::backup
