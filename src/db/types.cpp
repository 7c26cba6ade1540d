#include "db/types.hpp"

#include <algorithm>
#include <iterator>

namespace opsh::db {

const Type* fixed_type(unsigned oid) {
  static const Type types[] = {{16, 1000, 0, "boolean"},
                               {20, 1016, 0, "bigint"},
                               {21, 1005, 0, "smallint"},
                               {23, 1007, 0, "integer"},
                               {25, 1009, 0, "text"},
                               {701, 1022, 0, "double precision"},
                               {1043, 1015, 0, "character varying"},
                               {1082, 1182, 0, "date"},
                               {1114, 1115, 0, "timestamp without time zone"},
                               {1184, 1185, 0, "timestamp with time zone"},
                               {1700, 1231, 0, "numeric"},
                               {2950, 2951, 0, "uuid"},
                               {3802, 3807, 0, "jsonb"}};
  auto found = std::find_if(std::begin(types), std::end(types), [&](const Type& type) { return type.oid == oid; });
  return found == std::end(types) ? nullptr : found;
}

}  // namespace opsh::db
