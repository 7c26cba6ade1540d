#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "db/copy.hpp"
#include "db/writer.hpp"
#include "journal/capture.hpp"
#include "journal/definable.hpp"
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

/// How it ended. `kept`: in the transaction of a simulation, until that is rolled back.
enum class Outcome { committed, rolled_back, in_doubt, kept };

class Work;

/// Rows on their way into a table: over COPY, or, where the journal follows them, by INSERT in blocks, because COPY
/// returns nothing. finish() must be called.
class RowsIn {
 public:
  RowsIn(Work& work, db::Writer& writer, const sql::QualifiedName& table, std::vector<sql::Identifier> columns,
         bool journaled, bool overriding);

  void row(std::span<const std::optional<std::string_view>> fields);

  /// Returns how many rows the server took.
  std::uint64_t finish();

 private:
  void flush();

  Work& work_;
  sql::QualifiedName table_;
  std::vector<sql::Identifier> columns_;
  bool overriding_;  ///< a column is GENERATED ALWAYS AS IDENTITY, which COPY writes without being asked
  std::optional<db::CopyIn> copy_;
  db::Parameters block_;
  std::size_t block_rows_ = 0;
  std::uint64_t taken_ = 0;
};

/// What a step does to a batch of its items, in a transaction that is open: the same statements under the same rules
/// whether a Batch commits them or a simulation takes them back.
class Work {
 public:
  /// What its statements may change, and whether the journal is kept of it.
  struct Writes {
    std::shared_ptr<const Tables> tables;  ///< null: no journal, no proof
    std::vector<unsigned> oids;            ///< without a journal: the tables
    bool atomic = false;                   ///< it may take long: what it writes is kept locked against DDL
    /// By oid, tables of which a budget allows nothing but UPDATE of these columns.
    std::map<unsigned, std::vector<std::string>> columns = {};
    std::optional<Defines> defines = {};  ///< of a schema step, which changes no rows
  };

  virtual ~Work() = default;
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  /// Runs a statement of the script. Errors: "write.undeclared" for a table that is not in `writes`.
  Answer execute(const sql::WriteSql& sql, const db::Parameters& parameters);

  /// Runs a statement that changes rows of a declared table. Errors: as execute, "write.key" when it sets a column of
  /// the key or moves rows to other partitions, and "refused.budget" for a column that it may not set.
  Answer write(const sql::Operation& operation, const sql::WriteSql& sql, const db::Parameters& parameters);

  /// Defines or changes objects, in a schema step. A lock is waited for a short time only, because everybody else
  /// queues behind it. Errors: "sql.refused" elsewhere, and for what runs outside a transaction only; as
  /// require_definable.
  void define(const sql::DefineSql& sql);

  /// Declares more tables, once it has begun: a person says which with each statement. `writes` has those of before
  /// too. Errors: as Capture::extend; "internal" without a journal.
  void declare(Writes writes);

  /// What the last statement did, as the journal knows it, proved so far: at most so many rows of it. Errors: as
  /// Capture::changes; "internal" without a journal.
  StatementChanges last_statement(std::size_t most);

  /// Somebody is at work on it, though nothing is asked: the server must take neither session for idle.
  void wake();

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

  /// Between begin_checks() and end_checks() statements can only read; cursors of before are gone afterwards.
  void begin_checks();
  void end_checks();

  /// Its last word on what was done; nothing may be written afterwards. `figures` is the JSON of what it did. Errors:
  /// "batch.doomed" when a statement failed and the script went on.
  virtual void record(const Place& place, std::size_t items, const std::vector<LeftOut>& left_out,
                      const std::string& figures) = 0;

  /// Ends it, and keeps what was done. Errors: "internal" when nothing was recorded; those of the server.
  virtual Outcome finish() = 0;

  /// Takes back what was done; does nothing when it is over.
  virtual void rollback() noexcept = 0;

  bool open() const { return open_; }

  /// Rows that it changed: what statements and COPY counted, and of a Batch with a journal, once it is recorded, what
  /// that has of it, rows of cascades and triggers included. What is taken back to a savepoint still counts until then.
  std::uint64_t changed_rows() const { return changed_rows_; }
  void count_changed(std::uint64_t rows) { changed_rows_ += rows; }

 protected:
  Work(db::Writer& writer, Writes writes) : writer_(writer), writes_(std::move(writes)) {}

  /// Error: "batch.doomed", rolled back.
  void refuse_doomed();

  db::Writer& writer_;
  Writes writes_;
  std::optional<Capture> capture_;  ///< what is kept for the journal; only a Batch has one
  Watcher* watcher_ = nullptr;      ///< of a schema step that is proved to change no rows; only a Batch has one
  int savepoints_ = 0;              ///< open ones
  bool open_ = false;
  bool recorded_ = false;
  int recorded_within_ = 0;  ///< the savepoints that were open by then: without these, what was recorded is gone
  std::uint64_t changed_rows_ = 0;

 private:
  /// The oid of the table; 0 when there is none of that name.
  unsigned relation(const sql::QualifiedName& table);
  unsigned require_declared(const sql::QualifiedName& table);
  void require_columns(unsigned declared, const sql::Operation& operation) const;
  sql::WriteSql deferring() const;

  std::map<std::string, unsigned> relations_;  ///< oids of the names that its statements used
  std::optional<sql::WriteSql> defer_again_;   ///< made once; "select" when nothing is initially deferred
};

}  // namespace opsh::journal
