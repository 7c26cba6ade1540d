#include "support/server.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <memory>
#include <stdexcept>

#include "base/error.hpp"

namespace test {

opsh::sandbox::Server& server() {
  static opsh::sandbox::Server one = opsh::sandbox::Server::start();
  return one;
}

std::vector<Row> query(const std::string& conninfo, const std::string& sql) {
  std::unique_ptr<PGconn, void (*)(PGconn*)> connection{PQconnectdb(conninfo.c_str()), &PQfinish};
  if (PQstatus(connection.get()) != CONNECTION_OK) throw std::runtime_error{PQerrorMessage(connection.get())};
  PQsetNoticeReceiver(
      connection.get(), [](void*, const PGresult*) {}, nullptr);
  std::unique_ptr<PGresult, void (*)(PGresult*)> result{PQexec(connection.get(), sql.c_str()), &PQclear};
  ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
    throw std::runtime_error{PQerrorMessage(connection.get())};
  std::vector<Row> rows;
  for (int row = 0; row < PQntuples(result.get()); ++row) {
    Row& values = rows.emplace_back();
    for (int column = 0; column < PQnfields(result.get()); ++column) {
      if (PQgetisnull(result.get(), row, column) != 0)
        values.emplace_back(std::nullopt);
      else
        values.emplace_back(PQgetvalue(result.get(), row, column));
    }
  }
  return rows;
}

Database::Database(const std::string& original) {
  static int number = 0;
  name_ = fmt::format("test_{}", ++number);
  conninfo_ = server().create_database(name_, original);
}

Database::~Database() {
  try {
    server().drop_database(name_);
  } catch (const opsh::Error&) {
    // A test may have stopped the server, and its own failure is the one to show.
  }
}

std::string Database::value(const std::string& sql) const {
  auto rows = query(sql);
  if (rows.empty() || rows.front().empty() || !rows.front().front()) throw std::runtime_error{"no value: " + sql};
  return *rows.front().front();
}

}  // namespace test
