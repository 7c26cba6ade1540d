#include "support/peer.hpp"

#include <libpq-fe.h>

#include <stdexcept>
#include <thread>

namespace test {

void Peer::Finish::operator()(pg_conn* connection) const noexcept {
  PQfinish(connection);
}

Peer::Peer(const std::string& conninfo) : connection_(PQconnectdb(conninfo.c_str())) {
  if (PQstatus(connection_.get()) != CONNECTION_OK) throw std::runtime_error{PQerrorMessage(connection_.get())};
  PQsetNoticeReceiver(
      connection_.get(), [](void*, const PGresult*) {}, nullptr);
}

std::vector<Row> Peer::run(const std::string& sql) {
  std::unique_ptr<PGresult, void (*)(PGresult*)> result{PQexec(connection_.get(), sql.c_str()), &PQclear};
  auto status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
    throw std::runtime_error{PQerrorMessage(connection_.get())};
  std::vector<Row> rows;
  for (int row = 0; row < PQntuples(result.get()); ++row) {
    Row& values = rows.emplace_back();
    for (int column = 0; column < PQnfields(result.get()); ++column) {
      if (PQgetisnull(result.get(), row, column))
        values.emplace_back(std::nullopt);
      else
        values.emplace_back(PQgetvalue(result.get(), row, column));
    }
  }
  return rows;
}

int Peer::pid() const {
  return PQbackendPID(connection_.get());
}

bool eventually(const std::function<bool()>& holds, opsh::Seconds within) {
  auto deadline = opsh::Deadline::in(within);
  while (!holds()) {
    if (deadline.passed()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

}  // namespace test
