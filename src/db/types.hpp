#pragma once

#include <string>

namespace opsh::db {

/// What opsh needs to know of a PostgreSQL type.
struct Type {
  unsigned oid = 0;
  unsigned array = 0;    ///< oid of its array type, 0 when it has none that unnest() turns back into one column of it
  unsigned element = 0;  ///< of an array that walk_array() reads: oid of its elements, else 0
  std::string name;      ///< as format_type prints it: "character varying", "app.colour"
};

/// A type that most columns have and whose oids never change (pg_type.dat), or nothing: to ask the server for those
/// would cost every short query a round trip of its own.
const Type* fixed_type(unsigned oid);

}  // namespace opsh::db
