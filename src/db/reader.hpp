#pragma once

#include <cstdint>
#include <functional>
#include <memory>
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
  explicit Reader(const Target& target);
  ~Reader();

  /// Ends the session, in a ROLLBACK that proves nothing. Idempotent; never throws.
  void close() noexcept;

  /// About all transactions of this session that have ended.
  const Evidence& evidence() const { return evidence_; }

  Result query(const sql::ReadSql& sql, const Parameters& parameters = {});
  std::unique_ptr<Cursor> open(const sql::ReadSql& sql, const Parameters& parameters = {});

  /// The columns that a query would give; nothing is run.
  std::vector<ColumnShape> describe(const sql::ReadSql& sql, const Parameters& parameters = {});

  /// At most 1000 rows of a query, and how many it has: the others are counted by the server and not sent.
  Sample beginning(const sql::ReadSql& sql, const Parameters& parameters = {});

  /// Leaves the snapshot and takes a new one.
  void refresh();

  /// Leaves the snapshot: no transaction is open until the next use, which takes a new one. Idempotent; throws
  /// when the connection is lost.
  void rest();

  /// What the server says between two queries: Connection::descriptor and stir.
  int descriptor() const { return connection_.descriptor(); }
  void stir() { connection_.stir(); }

  /// Around a query that may fail without taking the snapshot with it.
  void savepoint() { connection_.savepoint(); }
  void rollback_to_savepoint() { connection_.rollback_to_savepoint(); }

  /// In its transaction.
  Connection& connection() {
    if (resting_) begin();
    return connection_;
  }

 private:
  void begin();
  void end();
  Evidence look();

  Connection connection_;
  bool resting_ = false;
  std::int64_t changed_before_ = 0;  ///< what the statistics counted when the transaction began
  Evidence evidence_;
};

}  // namespace opsh::db
