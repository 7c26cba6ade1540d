#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "db/connection.hpp"
#include "db/cursor.hpp"
#include "db/evidence.hpp"
#include "sql/statement.hpp"

namespace opsh::db {

/// A session that reads, in one snapshot: REPEATABLE READ READ ONLY, pinned by its first query. It has no commit; what
/// it holds ends in a ROLLBACK.
///
/// When a transaction ends, the server is asked whether it wrote anything; Error "in_doubt.evidence" when it did. A
/// transaction that a failed statement has doomed cannot be asked any more.
class Reader {
 public:
  /// When its first transaction begins: a plan's snapshot is taken as it connects; at the prompt nobody has asked
  /// anything yet.
  enum class Begins { at_once, at_first_use };

  explicit Reader(const Target& target, Begins begins = Begins::at_once);
  ~Reader();

  /// Ends the session, in a ROLLBACK that proves nothing. Idempotent; never throws.
  void close() noexcept;

  /// About all transactions of this session that have ended.
  const Evidence& evidence() const { return evidence_; }

  Result query(const sql::ReadSql& sql, const Parameters& parameters = {});
  std::unique_ptr<Cursor> open(const sql::ReadSql& sql, const Parameters& parameters = {});

  /// The columns that a query would give; nothing is run.
  std::vector<ColumnShape> describe(const sql::ReadSql& sql, const Parameters& parameters = {});

  /// Lets the server analyze a statement that would write: its names, its types and what it calls are judged as before
  /// it is sent, and it is not run. Errors: as of any statement, with the place in the author's text.
  void preview(const sql::WriteSql& sql, const Parameters& parameters = {});

  /// As db::beginning.
  Sample beginning(const sql::ReadSql& sql, const Parameters& parameters = {});

  /// Leaves the snapshot and takes a new one.
  void refresh();

  /// Leaves the snapshot: no transaction is open until the next use, which takes a new one. Idempotent; throws
  /// when the connection is lost.
  void rest();

  /// What the server says between two queries: Connection::descriptor and stir.
  int descriptor() const { return connection_.descriptor(); }
  void stir() { connection_.stir(); }

  /// The server cancels statements that take longer, up to the end of the transaction or of the savepoint.
  void limit_statements(Seconds within);

  /// Around a query that may fail without taking the snapshot with it.
  void savepoint() { connection().savepoint(); }
  void rollback_to_savepoint() { connection_.rollback_to_savepoint(); }

  /// In its transaction.
  Connection& connection() {
    if (resting_) begin();
    return connection_;
  }

  /// In whatever state it is: for its sinks and what it knows of itself, not for statements.
  Connection& channel() { return connection_; }

 private:
  void begin();
  void pin();
  void roll_back();
  void end();
  Evidence look();

  Connection connection_;
  bool resting_ = true;
  /// What the statistics counted when the transaction began; of a session that rests, when its last one ended. Nothing
  /// is not known.
  std::optional<std::int64_t> changed_before_;
  Evidence evidence_;
};

}  // namespace opsh::db
