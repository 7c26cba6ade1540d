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
    if (!connection_.lost()) connection_.execute("rollback", {}, Connection::Control::ends);
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
}

Result Reader::query(const sql::ReadSql& sql, const Parameters& parameters) {
  return located(sql, 0, [&] { return connection_.execute(sql.text().c_str(), parameters); });
}

std::unique_ptr<Cursor> Reader::open(const sql::ReadSql& sql, const Parameters& parameters) {
  return std::make_unique<Cursor>(connection_, sql, parameters);
}

std::vector<ColumnShape> Reader::describe(const sql::ReadSql& sql, const Parameters& parameters) {
  Result shape = located(sql, 0, [&] { return connection_.describe(sql.text().c_str(), parameters); });
  std::vector<ColumnShape> columns;
  for (int column = 0; column < shape.columns(); ++column)
    columns.push_back({std::string{shape.name(column)}, shape.type(column)});
  return columns;
}

void Reader::refresh() {
  connection_.execute("rollback", {}, Connection::Control::ends);
  begin();
}

}  // namespace opsh::db
