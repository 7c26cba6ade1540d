#include <cstdlib>
#include <fstream>
#include <iterator>

#include "support/catch.hpp"
#include "support/server.hpp"
#include "terminal.hpp"

using repl::has;
using repl::Home;
using repl::Terminal;

TEST_CASE("what was found and tried becomes a runbook, and the person chooses what goes into it") {
  test::Database database;
  database.query("create table orders (id int primary key, status text, phone text)");
  database.query(
      "insert into orders select i, case when i < 4 then 'bad' else 'ok' end, '555-' || i + 100 "
      "from generate_series(1, 9) as i");
  Home home;
  ::setenv("NO_COLOR", "1", 1);
  Terminal terminal{home, {"--db", database.conninfo()}, home.path()};
  ::unsetenv("NO_COLOR");
  auto answer = [&](const std::string& line, const std::string& until) {
    terminal.type(line + "\r");
    terminal.wait_for("\r\n");
    return terminal.wait_for(until, opsh::Seconds{60});
  };
  const std::string first = database.name() + "=> ", writing = database.name() + " writing";
  terminal.wait_for(first);
  answer("\\suspects bad select * from orders where status = 'bad'", first);
  answer("\\suspects all table orders", first);
  answer("\\write", "[y/N] ");
  answer("y", writing);
  answer("update orders set status = 'ok' where id = 1;", writing);
  CHECK(has(answer("\\save fix.lua", writing), "a transaction is open"));
  answer("\\rollback", first);
  const std::string asked = answer("\\save fix.lua", "which one [1]: ");
  CHECK(has(asked, "  1  suspects.all: 9 rows\r\n"));
  CHECK(has(asked, "  2  suspects.bad: 3 rows of public.orders by id\r\n"));
  CHECK(has(answer("2", "that may: "), "these look secret or personal: public.orders.phone"));
  const std::string said = answer("y", first);
  CHECK(has(said, "saved fix.lua: 3 items of public.orders by id"));
  CHECK_FALSE(has(said, "masked"));
  std::ifstream rows{home.path() / "fix/fixture/rows.sql"};
  CHECK(has({std::istreambuf_iterator<char>{rows}, {}}, "(1, 'bad', '555-101')"));
}
