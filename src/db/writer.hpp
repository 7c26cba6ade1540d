#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "db/connection.hpp"
#include "db/cursor.hpp"
#include "sql/statement.hpp"

namespace opsh::journal {
class Batch;
class Ledger;
class Simulation;
}  // namespace opsh::journal
namespace opsh::backup {
class Replacement;
class TableCopies;
}  // namespace opsh::backup

namespace opsh::db {

/// The right to begin a transaction that writes. A simulation has no more than this, so that it cannot commit.
class BeginKey {
  BeginKey() = default;
  friend class CommitKey;
  friend class journal::Simulation;
};

/// The right to begin and commit. Only the journal's types, and those that put a backup back, can make one, so nothing
/// else can commit.
class CommitKey : public BeginKey {
  CommitKey() = default;
  friend class backup::Replacement;
  friend class backup::TableCopies;
  friend class journal::Batch;
  friend class journal::Ledger;
};

/// How a COMMIT ended. `unknown`: the connection was lost between sending it and its answer.
enum class CommitAnswer { committed, rolled_back, unknown };

/// The server's process behind a session, as pg_stat_activity shows it.
struct Backend {
  int pid = 0;
  std::string started;
};

/// A session that writes, READ COMMITTED. It runs statements only inside a transaction, which it can neither begin nor
/// commit by itself.
class Writer {
 public:
  explicit Writer(const Target& target);

  void begin(const BeginKey&);
  CommitAnswer commit(const CommitKey&);
  /// Ends the transaction without a trace; does nothing when there is none. Never throws.
  void rollback() noexcept;

  /// A statement that is a transaction of its own, because the server takes it only so (CREATE DATABASE). Errors:
  /// "internal" inside a transaction.
  Result execute_alone(const CommitKey&, const sql::WriteSql& sql);

  /// Defines or changes objects, in the transaction or, where the server takes it only so, as one of its own. What was
  /// known of the catalog is forgotten.
  void define(const sql::DefineSql& sql);
  void define_alone(const CommitKey&, const sql::DefineSql& sql);

  Result execute(const sql::WriteSql& sql, const Parameters& parameters = {});
  Result query(const sql::ReadSql& sql, const Parameters& parameters = {});
  /// For statements of opsh that each batch sends: the server plans them once a session, which is most of their time.
  Result repeated(const sql::HostSql& sql, const Parameters& parameters = {});
  /// The columns that a statement would give; nothing is run.
  std::vector<ColumnShape> describe(const sql::WriteSql& sql, const Parameters& parameters = {});
  std::vector<ColumnShape> describe(const sql::ReadSql& sql, const Parameters& parameters = {});
  std::unique_ptr<Cursor> open(const sql::ReadSql& sql, const Parameters& parameters = {});
  /// As db::beginning.
  Sample beginning(const sql::ReadSql& sql, const Parameters& parameters = {});

  /// Savepoints nest. Taking one back also releases it.
  void savepoint() { connection_.savepoint(); }
  void release_savepoint() { connection_.release_savepoint(); }
  void rollback_to_savepoint() { connection_.rollback_to_savepoint(); }

  /// Whether a statement failed outside a savepoint: COMMIT would then answer ROLLBACK, without an error.
  bool doomed() const;
  bool in_transaction() const;

  const Backend& backend() const { return backend_; }
  Connection& connection() { return connection_; }

 private:
  void require_transaction() const;
  void require_no_transaction() const;
  void send_definition(const sql::DefineSql& sql);

  Connection connection_;
  Backend backend_;
};

}  // namespace opsh::db
