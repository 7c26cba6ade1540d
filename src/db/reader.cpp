#include "db/reader.hpp"

#include "base/interrupt.hpp"
#include "db/session.hpp"

namespace opsh::db {

Reader::Reader(const Target& target) : connection_(target, Connection::Access::read) {
  begin();
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
  // The first query takes the snapshot, and from then on the transaction cannot be made writable by SET (up to 15 a
  // RESET still can: the gate refuses it).
  connection_.execute("select pg_catalog.pg_backend_pid()", {});
  resting_ = false;
}

Result Reader::query(const sql::ReadSql& sql, const Parameters& parameters) {
  return located(sql, 0, [&] { return connection().execute(sql.text().c_str(), parameters); });
}

std::unique_ptr<Cursor> Reader::open(const sql::ReadSql& sql, const Parameters& parameters) {
  return std::make_unique<Cursor>(connection(), sql, parameters);
}

std::vector<ColumnShape> Reader::describe(const sql::ReadSql& sql, const Parameters& parameters) {
  return located(sql, 0, [&] { return connection().describe(sql.text().c_str(), parameters); }).shape();
}

Sample Reader::beginning(const sql::ReadSql& sql, const Parameters& parameters) {
  constexpr int most = 1000;
  Cursor cursor{connection(), sql, parameters, most};
  Sample found{cursor.next(), 0};
  found.total = static_cast<std::uint64_t>(found.rows.rows()) + cursor.count_rest();
  return found;
}

void Reader::refresh() {
  rest();
  begin();
}

void Reader::rest() {
  if (resting_ && !connection_.lost()) return;
  connection_.execute("rollback", {}, Connection::Control::ends);
  resting_ = true;
}

}  // namespace opsh::db
