#include "attacks/bystanders.hpp"

#include <libpq-fe.h>

#include <stdexcept>

namespace attacks {
namespace {

std::unique_ptr<PGconn, void (*)(PGconn*)> connect(const std::string& conninfo) {
  std::unique_ptr<PGconn, void (*)(PGconn*)> connection{PQconnectdb(conninfo.c_str()), &PQfinish};
  if (PQstatus(connection.get()) != CONNECTION_OK) throw std::runtime_error{PQerrorMessage(connection.get())};
  return connection;
}

void run(PGconn* connection, const char* sql) {
  PQclear(PQexec(connection, sql));
}

}  // namespace

Bystander::Bystander(const std::string& conninfo) : connection_(connect(conninfo + " application_name=bystander")) {
  PQsendQuery(connection_.get(), "select pg_catalog.pg_sleep(100000)");
  PQflush(connection_.get());
}

int Bystander::pid() const {
  return PQbackendPID(connection_.get());
}

bool Bystander::is_undisturbed() {
  return PQconsumeInput(connection_.get()) != 0 && PQisBusy(connection_.get()) != 0;
}

Listener::Listener(const std::string& conninfo) : connection_(connect(conninfo)) {
  run(connection_.get(), "listen attack");
}

int Listener::heard() {
  // A session is told at the end of a statement of its own, when it was not told before.
  run(connection_.get(), "");
  PQconsumeInput(connection_.get());
  while (PGnotify* notification = PQnotifies(connection_.get())) {
    PQfreemem(notification);
    ++heard_;
  }
  return heard_;
}

}  // namespace attacks
