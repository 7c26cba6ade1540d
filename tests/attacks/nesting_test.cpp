#include "attacks/attackers.hpp"
#include "fuzz/shapes.hpp"
#include "support/catch.hpp"
#include "support/server.hpp"

// How long a statement the gate itself stands, tests/fuzz shows; the server gives up long before.
TEST_CASE("a session outlives every nesting") {
  test::Database database;
  database.query("create table t (a integer)");
  auto session = attacks::opsh_session(database.conninfo());
  for (const fuzz::Shape& shape : fuzz::deep_shapes(12000)) {
    INFO(shape.name);
    // Refused by the gate, by the server (54001, too deep), or answered.
    session->judged(shape.sql);
    CHECK(session->judged("select a from t").kind == "passed");
  }
}
