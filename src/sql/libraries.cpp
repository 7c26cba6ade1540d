#include "sql/libraries.hpp"

#include <pg_query.h>

namespace opsh::sql {

Libraries libraries() {
  // It does not say its own version, but that of the PostgreSQL whose grammar it is.
  return {{"libpg_query", "grammar of PostgreSQL " PG_VERSION, ""}};
}

}  // namespace opsh::sql
