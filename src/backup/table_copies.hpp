#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "db/reader.hpp"
#include "db/writer.hpp"
#include "sql/identifier.hpp"

namespace opsh::backup {

/// Copies of tables of another database, in a schema of their own that is made for them: all of it in one transaction,
/// so that the schema is there with all its rows or not at all. Nothing else is written.
///
/// A copy has the columns and types of its original, and its key as primary key: no defaults, constraints, indexes,
/// triggers or privileges.
class TableCopies {
 public:
  /// Begins, and makes the schema. Errors: those of a Writer; SQLSTATE 42P06 when there is one of this name.
  TableCopies(const db::Target& target, std::string schema);
  ~TableCopies();
  TableCopies(const TableCopies&) = delete;
  TableCopies& operator=(const TableCopies&) = delete;

  /// Copies a table without those that inherit from it; returns how many rows it has. `key` may be empty.
  /// Errors: those of both servers, also when a type of the original is not there.
  std::uint64_t add(db::Reader& from, const sql::QualifiedName& original, const std::string& name,
                    const std::vector<std::string>& key);

  /// Errors: "in_doubt.copies" when COMMIT was not answered.
  void finish();

  db::Writer& writer() { return writer_; }

 private:
  db::Writer writer_;
  std::string schema_;
};

}  // namespace opsh::backup
