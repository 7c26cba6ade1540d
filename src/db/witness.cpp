#include "db/witness.hpp"

#include "db/session.hpp"

namespace opsh::db {
namespace {

/// A lock that somebody else's queued DDL stands before is no deadlock to the server: the writer waits for the witness
/// in the client. The wait ends here.
Target impatient(Target target) {
  target.lock_within = Seconds{1};
  return target;
}

}  // namespace

Witness::Witness(const Target& target)
    : connection_(impatient(target), Connection::Access::read), may_idle_(!target.idle_within) {}

Result Witness::query(const sql::ReadSql& sql, const Parameters& parameters) {
  connection_.permit(sql);
  try {
    return located(sql, 0, [&] { return connection_.execute(sql.text().c_str(), parameters); });
  } catch (const Error&) {
    // A transaction that has failed answers nothing any more.
    release();
    throw;
  }
}

void Witness::hold() {
  if (connection_.in_transaction_) return;
  connection_.execute("begin transaction isolation level read committed read only", {}, Connection::Control::begins);
  if (may_idle_) connection_.execute("set local idle_in_transaction_session_timeout = 0", {});
}

void Witness::release() noexcept {
  if (connection_.lost() || !connection_.in_transaction_) return;
  try {
    connection_.execute("rollback", {}, Connection::Control::ends);
  } catch (const Error&) {
    // It is lost, and its locks with it.
  }
}

}  // namespace opsh::db
