#include "db/types.hpp"

#include <string>

#include "support/catch.hpp"
#include "support/server.hpp"

using namespace opsh;

TEST_CASE("the types that opsh knows without asking are those of the server") {
  test::Database database;
  auto found = database.query(
      "select oid, typarray, format_type(oid, null) from pg_type where typtype = 'b' and typcategory <> 'A'");
  int known = 0;
  for (const auto& row : found) {
    const db::Type* type = db::fixed_type(static_cast<unsigned>(std::stoul(row[0].value())));
    if (!type) continue;
    ++known;
    CHECK(std::to_string(type->array) == row[1]);
    CHECK(type->element == 0);
    CHECK(type->name == row[2]);
  }
  CHECK(known == 13);
  CHECK(db::fixed_type(0) == nullptr);
}
