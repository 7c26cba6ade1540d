#include "db/libraries.hpp"

#include <libpq-fe.h>
#include <pg_config.h>

#include <pqxx/version>

namespace opsh::db {
namespace {

/// 150020 as "15.20", as it is since PostgreSQL 10.
std::string dotted(int version) {
  return std::to_string(version / 10000) + "." + std::to_string(version % 10000);
}

}  // namespace

Libraries libraries() {
  return {{"libpqxx", PQXX_VERSION, ""}, {"libpq", dotted(PG_VERSION_NUM), dotted(PQlibVersion())}};
}

}  // namespace opsh::db
