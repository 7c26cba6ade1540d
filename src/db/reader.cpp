#include "db/reader.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <charconv>

#include "base/interrupt.hpp"
#include "db/session.hpp"

namespace opsh::db {
namespace {

// The counts of this transaction, and of earlier ones that are not reported yet: only the difference is its own. All
// relations, because a change of the catalog is a change too.
constexpr const char* look_sql =
    "select pg_catalog.pg_current_xact_id_if_assigned() is not null, "
    "pg_catalog.current_setting('transaction_read_only'), "
    "coalesce(pg_catalog.sum(pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) + "
    "pg_catalog.pg_stat_get_xact_tuples_updated(c.oid) + pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid)), 0) "
    "from pg_catalog.pg_class as c where c.relkind in ('r', 'm', 't')";

constexpr const char* pin_sql = "select null";

}  // namespace

Reader::Reader(const Target& target, Begins begins) : connection_(target, Connection::Access::read) {
  if (begins == Begins::at_once) begin();
}

Reader::~Reader() {
  close();
}

void Reader::close() noexcept {
  try {
    if (!connection_.lost() && !resting_) connection_.execute("rollback", {}, Connection::Control::ends);
  } catch (const Error&) {
    // The connection closes next; the server rolls back on its own.
  }
  connection_.close();
}

void Reader::begin() {
  connection_.execute("begin transaction isolation level repeatable read read only", {}, Connection::Control::begins);
  try {
    pin();
  } catch (const Error&) {
    changed_before_.reset();
    if (!connection_.lost()) roll_back();
    throw;
  }
  resting_ = false;
  if (connection_.gate_) connection_.gate_->forget();
}

/// The first query takes the snapshot, and from then on the transaction cannot be made writable by SET (up to 15 a
/// RESET still can: the gate refuses it). To look takes 25 ms with 5000 tables: what had counted nothing when the last
/// transaction ended has counted nothing now. Other counts may have been reported since, and are gone.
void Reader::pin() {
  if (changed_before_ == 0) {
    connection_.execute_prepared(pin_sql, {});
    return;
  }
  changed_before_ = 0;
  changed_before_ = look().changed_rows;
}

void Reader::roll_back() {
  interrupt::Shield shield;
  connection_.execute("rollback", {}, Connection::Control::ends);
}

Result Reader::query(const sql::ReadSql& sql, const Parameters& parameters) {
  connection().permit(sql);
  return located(sql, 0, [&] { return connection_.execute(sql.text().c_str(), parameters); });
}

std::unique_ptr<Cursor> Reader::open(const sql::ReadSql& sql, const Parameters& parameters) {
  return std::make_unique<Cursor>(connection(), sql, parameters);
}

std::vector<ColumnShape> Reader::describe(const sql::ReadSql& sql, const Parameters& parameters) {
  connection().permit(sql);
  return located(sql, 0, [&] { return connection_.describe(sql.text().c_str(), parameters); }).shape();
}

void Reader::preview(const sql::WriteSql& sql, const Parameters& parameters) {
  connection().permit(sql);
  located(sql, 0, [&] { return connection_.describe(sql.text().c_str(), parameters); });
}

Sample Reader::beginning(const sql::ReadSql& sql, const Parameters& parameters) {
  return db::beginning(connection(), sql, parameters);
}

void Reader::limit_statements(Seconds within) {
  connection().execute("select pg_catalog.set_config('statement_timeout', $1, true)",
                       {{fmt::format("{}ms", static_cast<long long>(within.count() * 1000))}});
}

void Reader::refresh() {
  rest();
  begin();
}

void Reader::rest() {
  if (resting_ && !connection_.lost()) return;
  end();
}

void Reader::end() {
  const bool doomed = PQtransactionStatus(connection_.connection_.get()) == PQTRANS_INERROR;
  const Evidence found = doomed ? Evidence{} : look();
  if (doomed)
    changed_before_.reset();
  else
    *changed_before_ += found.changed_rows;
  connection_.execute("rollback", {}, Connection::Control::ends);
  resting_ = true;
  evidence_.add(found);
  if (!found.holds()) throw contradicted(found);
}

Evidence Reader::look() {
  Result result = connection_.execute_prepared(look_sql, {});
  Evidence found;
  found.transactions = 1;
  found.transaction_id = result.field(0, 0) == "t";
  found.read_only = result.field(0, 1) == "on";
  const auto changed = result.field(0, 2).value_or("0");
  std::from_chars(changed.data(), changed.data() + changed.size(), found.changed_rows);
  found.changed_rows -= changed_before_.value_or(0);
  return found;
}

}  // namespace opsh::db
