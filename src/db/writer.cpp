#include "db/writer.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include "base/interrupt.hpp"
#include "db/session.hpp"

namespace opsh::db {

Writer::Writer(const Target& target) : connection_(target, Connection::Access::write) {
  backend_.pid = connection_.backend_pid();
  Result started = connection_.execute(
      "select a.backend_start::pg_catalog.text, pg_catalog.pg_is_in_recovery(), "
      "pg_catalog.current_setting('default_transaction_read_only') "
      "from pg_catalog.pg_stat_activity as a where a.pid = pg_catalog.pg_backend_pid()",
      {});
  if (started.field(0, 1) == "t")
    throw Error{"refused.standby", "the server is a standby: nothing can be applied there", "connect to the primary"};
  if (started.field(0, 2) == "on")
    throw Error{"refused.read_only", "the database or the role is set to read only (default_transaction_read_only)",
                "whoever set it did so on purpose: ask them, or connect as a role that may write"};
  backend_.started = started.field(0, 0).value_or("");
}

void Writer::begin(const BeginKey&) {
  connection_.execute("begin transaction isolation level read committed read write", {}, Connection::Control::begins);
}

CommitAnswer Writer::commit(const CommitKey&) {
  require_transaction();
  interrupt::Shield shield;
  try {
    Result answer = connection_.execute("commit", {}, Connection::Control::ends);
    // COMMIT of a failed transaction succeeds with the tag ROLLBACK (facts).
    return answer.tag() == "COMMIT" ? CommitAnswer::committed : CommitAnswer::rolled_back;
  } catch (const Error&) {
    if (connection_.lost()) return CommitAnswer::unknown;
    // A deferred constraint or trigger refused it and the server has rolled back; or it was never sent, because the
    // FETCH under way failed.
    if (PQtransactionStatus(connection_.connection_.get()) == PQTRANS_IDLE)
      connection_.leave_transaction();
    else
      rollback();
    throw;
  }
}

void Writer::rollback() noexcept {
  if (connection_.lost() || (!connection_.in_transaction_ && !doomed())) return;
  interrupt::Shield shield;
  try {
    connection_.execute("rollback", {}, Connection::Control::ends);
  } catch (const Error&) {
    // The connection is lost, and with it the transaction.
  }
}

Result Writer::execute_alone(const CommitKey&, const sql::WriteSql& sql) {
  require_no_transaction();
  connection_.permit(sql);
  return located(sql, 0, [&] { return connection_.execute(sql.text().c_str(), {}); });
}

void Writer::define(const sql::DefineSql& sql) {
  require_transaction();
  send_definition(sql);
}

void Writer::define_alone(const CommitKey&, const sql::DefineSql& sql) {
  require_no_transaction();
  send_definition(sql);
}

void Writer::send_definition(const sql::DefineSql& sql) {
  connection_.permit(sql);
  located(sql, 0, [&] { return connection_.execute(sql.text().c_str(), {}); });
  if (connection_.gate_) connection_.gate_->forget();
}

Result Writer::execute(const sql::WriteSql& sql, const Parameters& parameters) {
  require_transaction();
  connection_.permit(sql);
  return located(sql, 0, [&] { return connection_.execute(sql.text().c_str(), parameters); });
}

Result Writer::query(const sql::ReadSql& sql, const Parameters& parameters) {
  require_transaction();
  connection_.permit(sql);
  return located(sql, 0, [&] { return connection_.execute(sql.text().c_str(), parameters); });
}

Result Writer::repeated(const sql::HostSql& sql, const Parameters& parameters) {
  require_transaction();
  return connection_.execute_prepared(sql.text().data(), parameters);
}

std::vector<ColumnShape> Writer::describe(const sql::WriteSql& sql, const Parameters& parameters) {
  require_transaction();
  connection_.permit(sql);
  return located(sql, 0, [&] { return connection_.describe(sql.text().c_str(), parameters); }).shape();
}

std::vector<ColumnShape> Writer::describe(const sql::ReadSql& sql, const Parameters& parameters) {
  require_transaction();
  connection_.permit(sql);
  return located(sql, 0, [&] { return connection_.describe(sql.text().c_str(), parameters); }).shape();
}

std::unique_ptr<Cursor> Writer::open(const sql::ReadSql& sql, const Parameters& parameters) {
  require_transaction();
  return std::make_unique<Cursor>(connection_, sql, parameters);
}

Sample Writer::beginning(const sql::ReadSql& sql, const Parameters& parameters) {
  require_transaction();
  return db::beginning(connection_, sql, parameters);
}

bool Writer::doomed() const {
  return PQtransactionStatus(connection_.connection_.get()) == PQTRANS_INERROR;
}

bool Writer::in_transaction() const {
  return connection_.in_transaction_ && !connection_.lost();
}

void Writer::require_transaction() const {
  connection_.require_alive();
  if (!connection_.in_transaction_)
    throw Error{"session.no_transaction", "a write was asked for outside a batch", "write inside apply"};
}

void Writer::require_no_transaction() const {
  connection_.require_alive();
  if (connection_.in_transaction_) throw Error{"internal", "a statement of its own was asked for in a transaction"};
}

}  // namespace opsh::db
