#pragma once

#include "db/connection.hpp"
#include "sql/statement.hpp"

namespace opsh::db {

/// A second session beside a writer's, with the same login: only it still sees rows as they were before the writer's
/// transaction. It reads outside a transaction, so that each query sees what is committed at its moment.
class Witness {
 public:
  explicit Witness(const Target& target);

  /// What it holds is let go when a query fails.
  Result query(const sql::ReadSql& sql, const Parameters& parameters = {});

  /// Until release(), what is queried stays locked against DDL: ACCESS SHARE is kept in a transaction, READ COMMITTED.
  void hold();
  /// Idempotent; never throws.
  void release() noexcept;

  Connection& connection() { return connection_; }
  bool lost() const { return connection_.lost(); }

 private:
  Connection connection_;
  bool may_idle_;  ///< as long as the writer works; else as long as its target says
};

}  // namespace opsh::db
