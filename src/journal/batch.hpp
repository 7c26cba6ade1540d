#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "db/copy.hpp"
#include "journal/capture.hpp"
#include "journal/ledger.hpp"
#include "plan/items.hpp"
#include "sql/statement.hpp"

namespace opsh::journal {

/// An item that a batch took from the plan and did not work on.
struct LeftOut {
  std::vector<std::string> key;
  std::string outcome;  ///< "failed" or "changed" (since the plan)
  std::string sqlstate;
  std::string message;
};

class Batch;

/// Rows on their way into a table: over COPY, or, where the journal follows them, by INSERT in blocks, because COPY
/// returns nothing. finish() must be called.
class RowsIn {
 public:
  RowsIn(Batch& batch, db::Writer& writer, const sql::QualifiedName& table, std::vector<sql::Identifier> columns,
         bool journaled, bool overriding);

  void row(std::span<const std::optional<std::string_view>> fields);

  /// Returns how many rows the server took.
  std::uint64_t finish();

 private:
  void flush();

  Batch& batch_;
  sql::QualifiedName table_;
  std::vector<sql::Identifier> columns_;
  bool overriding_;  ///< a column is GENERATED ALWAYS AS IDENTITY, which COPY writes without being asked
  std::optional<db::CopyIn> copy_;
  db::Parameters block_;
  std::size_t block_rows_ = 0;
  std::uint64_t taken_ = 0;
};

/// Where a batch stands in its run.
struct Place {
  int step = 0;
  int number = 0;              ///< from 1
  std::uint64_t position = 0;  ///< rows of the step's plan consumed after it
  std::vector<std::string> first_key, last_key;
};

enum class Outcome { committed, rolled_back, in_doubt };

/// One batch: one transaction with its row in the ledger, so that it happened exactly when the row is there.
///
/// The constructor begins and locks the run's row (the fence); record() checks deferred constraints, proves what was
/// done, and writes ledger and journal; commit() is the last line; without it the destructor rolls back.
class Batch {
 public:
  /// What its statements may change, and whether the journal is kept of it.
  struct Writes {
    std::shared_ptr<const Tables> tables;  ///< null: no journal, no proof
    std::vector<unsigned> oids;            ///< without a journal: the tables
    bool atomic = false;                   ///< it may take long: what it writes is kept locked against DDL
  };

  Batch(Ledger& ledger, Claim claim, Writes writes);
  ~Batch();
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  /// Runs a statement of the script. Errors: "write.undeclared" for a table that is not in `writes`.
  Answer execute(const sql::WriteSql& sql, const db::Parameters& parameters);

  /// Runs a statement that changes rows of a declared table. Errors: as execute, and Capture::write.
  Answer write(const sql::Operation& operation, const sql::WriteSql& sql, const db::Parameters& parameters);

  /// Takes rows for a declared table. Errors: as execute.
  std::unique_ptr<RowsIn> rows_in(const sql::QualifiedName& table, std::vector<sql::Identifier> columns);

  /// Which rows of a declared table cascades and triggers may change; asked when the server counts more than the
  /// statements returned.
  void watch(const sql::QualifiedName& table, const sql::ReadSql& sql, const db::Parameters& parameters);

  /// Savepoints nest; what is taken back is not in the journal.
  void savepoint();
  void release_savepoint();
  void rollback_to_savepoint();

  db::Writer& writer() { return writer_; }

  /// The constraints that the author deferred are checked now, and deferred again: for telling which item fails.
  void check_deferred();

  /// The rows of `items` that still qualify after the plan. `recheck` locks rows and returns keys. It runs again
  /// when somebody committed meanwhile: after a lock wait its first answer is stale. Errors: "recheck.key",
  /// "recheck.writes".
  std::vector<std::size_t> recheck(const sql::WriteSql& recheck, const db::Parameters& parameters,
                                   const plan::Items& items);

  /// Proves the batch and writes its row into the ledger and its rows into the journal, after deferred constraints were
  /// checked; nothing may be written afterwards. `figures` is the JSON of what the batch did. Errors: "batch.doomed"
  /// when a statement failed and the script went on; those of Capture::changes.
  void record(const Place& place, std::size_t items, const std::vector<LeftOut>& left_out, const std::string& figures);

  /// Between record() and commit(): statements that can only read, for checks that decide about the commit.
  void begin_checks();
  void end_checks();

  /// Errors: "internal" when nothing was recorded; those of the server.
  Outcome commit();

  void rollback() noexcept;
  bool open() const { return open_; }
  const std::string& token() const { return token_; }

 private:
  /// The oid of the table; 0 when there is none of that name.
  unsigned relation(const sql::QualifiedName& table);
  unsigned require_declared(const sql::QualifiedName& table);
  sql::WriteSql deferring() const;

  db::Writer& writer_;
  Claim claim_;
  Writes writes_;
  std::optional<Capture> capture_;
  std::map<std::string, unsigned> relations_;  ///< oids of the names that its statements used
  std::string token_;
  std::optional<sql::WriteSql> defer_again_;  ///< made once; "select" when nothing is initially deferred
  bool open_ = false;
  bool recorded_ = false;
  std::chrono::steady_clock::time_point began_;
};

}  // namespace opsh::journal
