#include <cstdlib>

#include "support/catch.hpp"
#include "support/server.hpp"
#include "terminal.hpp"

using repl::has;
using repl::Home;
using repl::Terminal;

TEST_CASE("a hunt goes from broken references to a bag of rows, to one row and what it hangs together with") {
  test::Database database;
  database.query("create table customers (id int primary key)");
  database.query("create table orders (id int primary key, customer_id int, amount int check (amount >= 0))");
  database.query("insert into customers select generate_series(1, 9)");
  database.query("insert into orders select i, i, i - 1 from generate_series(1, 12) as i");
  Home home;
  ::setenv("NO_COLOR", "1", 1);
  Terminal terminal{home, {"--db", database.conninfo()}};
  ::unsetenv("NO_COLOR");
  const std::string first = database.name() + "=> ";
  terminal.wait_for(first);
  auto answer = [&](const std::string& line) {
    terminal.type(line + "\r");
    terminal.wait_for("\r\n");
    return terminal.wait_for(first);
  };
  // The table is wider than the terminal.
  std::string shown = answer("\\orphans");
  CHECK(has(shown, "table      public.orders\r\n"));
  CHECK(has(shown, "broken     3\r\n"));
  CHECK(has(shown, "(1 reference, 1 broken)"));
  CHECK(has(answer("\\suspects lost query(_[1].query)"), "(3 rows)"));
  CHECK(has(answer("\\suspects lost select * from orders where id > 9"), "suspects.lost: rows of public.orders by id"));
  shown = answer("\\why suspects.lost[1]");
  CHECK(has(shown, "customer_id  10\r\n"));
  CHECK(has(shown, "public.customers  customer_id  by name       0  broken\r\n"));
  CHECK(has(shown, "orders_amount_check  holds  CHECK (amount >= 0)\r\n"));
  CHECK(has(answer("=_.refers[1].what"), "broken"));
  terminal.type("\\diff sus\t");
  terminal.wait_for("suspects.lost");
  CHECK(has(answer(" suspects.lost:where{id=10}"), "2 went"));
}
