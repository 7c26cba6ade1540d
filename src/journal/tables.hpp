#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "db/reader.hpp"
#include "db/writer.hpp"
#include "sql/identifier.hpp"

namespace opsh::journal {

/// A column that is stored: no dropped one.
struct Column {
  int number = 0;  ///< pg_attribute.attnum
  std::string name;
  unsigned type = 0;
  bool generated = false;        ///< computed by the server: never written, never in an image
  bool identity_always = false;  ///< written only with OVERRIDING SYSTEM VALUE
};

/// A table that holds rows itself: an ordinary table, or a partition.
struct Leaf {
  unsigned oid = 0;
  sql::QualifiedName name{"?"};
  std::vector<Column> columns;          ///< in the order of their numbers
  std::vector<std::size_t> key;         ///< indices into `columns`: unique, not null, checked at once
  bool triggers_before_update = false;  ///< row triggers that may change what a statement sets
  std::int64_t estimated_rows = 0;      ///< pg_class.reltuples; 0 when unknown
};

/// A table that a step declares in `writes`, with the leaves below it.
struct DeclaredTable {
  unsigned oid = 0;
  sql::QualifiedName name{"?"};
  std::vector<std::string> key;                ///< the same columns in every leaf, in the order of the key's index
  std::vector<std::string> partition_columns;  ///< those whose change moves a row; expressions: all columns they use
  std::vector<unsigned> leaves;                ///< itself, when it holds rows; by oid
  std::vector<unsigned> partitioned;           ///< partitioned tables below it, which hold none; by oid
};

/// What the journal needs to know of the tables that a step writes, read from the catalog.
struct Tables {
  std::vector<DeclaredTable> declared;  ///< one for each name, in their order
  std::vector<Leaf> leaves;             ///< of all of them, each once, by oid
  /// Equal as long as nothing that is said here has changed: columns, types, keys, partitions, triggers.
  std::string fingerprint;

  const Leaf* leaf(unsigned oid) const;
  /// The declared table that is this relation or above it, the nearest one; null when there is none.
  const DeclaredTable* declared_above(unsigned relation) const;
};

/// One name in `writes`.
struct DeclaredName {
  std::string name;           ///< as the author wrote it
  bool row_security = false;  ///< rows that the role's policies hide are left out knowingly
};

/// Reads them. Errors, each with the table and what to do: "sql.identifier" for what is no name; "sql.undefined_table";
/// "refused.ledger" for a table of opsh's own; "refused.journal" for what no proof can be given of: views, foreign
/// tables, DO INSTEAD rules, unlogged tables, row security that applies to the role (unless declared), a column or a
/// schema that the role may not read, no unique, valid, immediate and complete key on NOT NULL columns that all leaves
/// share, track_counts off or turned off by a function, a role or the database. Temporary tables are not seen.
///
/// The session is the one of the login that writes; a Writer must be in a transaction. Outside a snapshot (a Writer)
/// the five statements may see a change that somebody makes between them, which then shows in the fingerprint.
Tables examine_tables(db::Reader& reader, std::span<const DeclaredName> names);
Tables examine_tables(db::Writer& writer, std::span<const DeclaredName> names);

}  // namespace opsh::journal
