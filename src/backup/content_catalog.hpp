#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backup/contents.hpp"
#include "db/reader.hpp"
#include "sql/identifier.hpp"

namespace opsh::backup {

/// A relation whose content is looked at.
struct StoredRelation {
  unsigned oid = 0;
  sql::QualifiedName name{"?"};
  std::string text;  ///< the name as the server writes it (quote_ident), which quotes fewer keywords than we do
  char kind = '?';   ///< pg_class.relkind
  bool unlogged = false;
  std::string extension;                 ///< that it belongs to; empty: none
  bool readable = false;                 ///< the role may read all of it
  bool row_security = false;             ///< policies hide rows of it from the role
  std::vector<sql::Identifier> columns;  ///< of a table, in the order of their names
};

/// The relations of a database that are somebody's: no temporary ones, none of the server's own schemas. With names,
/// those tables, what is below them, and the sequences that they own. By name.
/// Errors: "usage.table" for a name that is no table.
std::vector<StoredRelation> read_relations(db::Reader& reader, const std::optional<std::vector<std::string>>& tables);

/// The number of objects of each kind that a dump makes again; not those of extensions, nor of the schema opsh.
std::vector<std::pair<std::string, std::int64_t>> count_objects(db::Reader& reader);

/// The roles that a dump names.
std::vector<std::string> read_roles(db::Reader& reader);

}  // namespace opsh::backup
