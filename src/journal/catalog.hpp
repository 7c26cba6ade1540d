#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "db/parameters.hpp"
#include "db/result.hpp"
#include "journal/tables.hpp"
#include "sql/statement.hpp"

namespace opsh::journal {

/// Runs a statement of opsh's own on whichever session examines.
using Ask = std::function<db::Result(const sql::ReadSql& sql, const db::Parameters& parameters)>;

/// A unique index.
struct CatalogIndex {
  std::string name;
  bool primary = false;
  std::vector<int> numbers;  ///< of its key columns, in its order; 0 for an expression
  std::string unfit;         ///< why two rows may be equal in it ("is partial"); empty when none can, NULL apart
};

/// A relation that stands in `writes` or below one that does.
struct CatalogRelation {
  unsigned oid = 0;  ///< 0: there is none of that name
  std::string schema, name;
  char kind = '?';  ///< pg_class.relkind
  bool unlogged = false;
  std::int64_t estimated_rows = 0;
  bool row_security = false;   ///< policies apply to the role
  bool schema_usable = false;  ///< the role may name what is in the schema
  std::string unreadable;      ///< columns that the role may not read, as SQL writes them; empty: none
  std::string instead_rule;    ///< empty: none
  bool triggers_before_update = false;
  std::vector<int> partition_numbers;  ///< columns that decide about the partition
  std::vector<Column> columns;
  std::vector<int> not_null;  ///< numbers of the columns that are NOT NULL themselves, not by their domain
  std::vector<CatalogIndex> indexes;

  /// An index that the key may be made of: unfit for nothing, all columns NOT NULL.
  bool is_key(const CatalogIndex& index) const;
  /// Errors: "transaction.tables_changed" when somebody changes the table at this moment.
  const Column& column(int number) const;
};

struct Catalog {
  /// By name in `writes`: the relation itself and all below it, by oid.
  std::vector<std::vector<unsigned>> below;
  std::vector<unsigned> roots;  ///< by name in `writes`; 0: there is none of that name
  std::map<unsigned, CatalogRelation> relations;
  std::string role;  ///< as SQL writes it
  /// Where track_counts is turned off ("the session", "function f(integer)"); empty: nowhere.
  std::string uncounted;

  const CatalogRelation& relation(unsigned oid) const { return relations.at(oid); }
  CatalogRelation* find(unsigned oid) {
    auto found = relations.find(oid);
    return found == relations.end() ? nullptr : &found->second;
  }
};

/// Reads it in five statements. Temporary tables are not seen: those of other sessions cannot be read, and one of this
/// session is nobody's data.
Catalog read_catalog(const Ask& ask, std::span<const std::string> names);

}  // namespace opsh::journal
