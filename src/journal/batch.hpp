#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "db/copy.hpp"
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
/// The constructor begins and locks the run's row (the fence); record() checks deferred constraints and writes the
/// ledger; commit() is the last line; without it the destructor rolls back.
class Batch {
 public:
  /// `writes` are the tables, by oid, that its statements may change.
  Batch(db::Writer& writer, Claim claim, std::vector<unsigned> writes);
  ~Batch();
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  /// Runs a statement of the script. Errors: "write.undeclared" for a table that is not in `writes`.
  db::Result execute(const sql::WriteSql& sql, const db::Parameters& parameters);

  /// Begins a COPY into a declared table. Errors: as execute.
  std::unique_ptr<db::CopyIn> copy_in(const sql::QualifiedName& table, std::span<const sql::Identifier> columns);

  db::Writer& writer() { return writer_; }

  /// The constraints that the author deferred are checked now, and deferred again: for telling which item fails.
  void check_deferred();

  /// The rows of `items` that still qualify after the plan. `recheck` locks rows and returns keys. It runs again
  /// when somebody committed meanwhile: after a lock wait its first answer is stale. Errors: "recheck.key",
  /// "recheck.writes".
  std::vector<std::size_t> recheck(const sql::WriteSql& recheck, const db::Parameters& parameters,
                                   const plan::Items& items);

  /// Writes the batch's row into the ledger, after deferred constraints were checked; nothing may be written
  /// afterwards. `figures` is the JSON of what the batch did. Errors: "batch.doomed" when a statement failed and the
  /// script went on.
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
  void require_declared(const sql::QualifiedName& table);
  sql::WriteSql deferring() const;

  db::Writer& writer_;
  Claim claim_;
  std::vector<unsigned> writes_;
  std::map<std::string, unsigned> relations_;  ///< oids of the names that its statements used
  std::string token_;
  std::optional<sql::WriteSql> defer_again_;  ///< made once; "select" when nothing is initially deferred
  bool open_ = false;
  bool recorded_ = false;
  std::chrono::steady_clock::time_point began_;
};

}  // namespace opsh::journal
