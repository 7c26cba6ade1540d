#include <fmt/format.h>

#include <thread>

#include "cpp/journal/undoing.hpp"
#include "support/peer.hpp"

using test::conflicts_of;
using test::failure;
using test::Journaled;
using test::Undoing;

namespace {

const std::string orders =
    "create table orders (id int primary key, n int not null default 0, note text); "
    "insert into orders select g, 0, 'note ' || g from generate_series(1, 3) g";

std::string rows(const test::Database& database) {
  return database.value("select coalesce(string_agg((o.*)::text, ' ' order by id), '') from orders o");
}

}  // namespace

TEST_CASE("a row that somebody edited is left, with what would have been put back, what the run wrote, what is there") {
  Journaled run{orders, {{"orders"}}};
  run.commit({"update orders set n = 5, note = null"});
  run.database.query("update orders set n = 7 where id = 1; update orders set n = 8, note = '' where id = 2");
  Undoing undo{run, {{"orders"}}};
  auto undone = undo.take_back(1);
  CHECK(undone.left == 2);
  CHECK(conflicts_of(undone) ==
        "edited since: orders 1 n 0 5 7\nedited since: orders 2 n 0 5 8\nedited since: orders 2 note note 2 ");
  CHECK(rows(run.database) == "(1,7,) (2,8,\"\") (3,0,\"note 3\")");
  CHECK(run.database.value("select string_agg(concat_ws(' ', key, reason, column_name, old, wrote, found), ';' "
                           "order by key, column_name) from opsh.conflict") ==
        "{1} edited since n 0 5 7;{2} edited since n 0 5 8;{2} edited since note note 2 ");
  CHECK(run.database.value("select skipped from opsh.batch where run = 'u1'") == "2");
}

TEST_CASE("an edit of a column that the run did not touch is kept, and the row put back around it") {
  Journaled run{orders, {{"orders"}}};
  run.commit({"update orders set n = 5"});
  run.database.query("update orders set note = 'mine' where id = 1");
  Undoing undo{run, {{"orders"}}};
  CHECK(undo.take_back(1).left == 0);
  CHECK(rows(run.database) == "(1,0,mine) (2,0,\"note 2\") (3,0,\"note 3\")");
}

TEST_CASE("a row that is gone is left, and so is one whose key another row has") {
  Journaled run{orders, {{"orders"}}};
  run.commit({"update orders set n = 5 where id = 1", "delete from orders where id = 2"});
  run.database.query("delete from orders where id = 1; insert into orders values (2, 9, 'new')");
  Undoing undo{run, {{"orders"}}};
  CHECK(conflicts_of(undo.take_back(1)) == "deleted since: orders 1\nkey taken: orders 2");
  CHECK(rows(run.database) == "(2,9,new) (3,0,\"note 3\")");
}

TEST_CASE("an inserted row that was edited in any column, or deleted, is left") {
  Journaled run{orders, {{"orders"}}};
  run.commit({"insert into orders values (7), (8), (9)"});
  run.database.query("update orders set note = '' where id = 7; delete from orders where id = 8");
  Undoing undo{run, {{"orders"}}};
  auto undone = undo.take_back(1);
  CHECK(undone.inserts == 1);
  CHECK(conflicts_of(undone) == "edited since: orders 7\ndeleted since: orders 8");
}

TEST_CASE("a change that was left leaves the earlier changes of its row, also when the undo goes on elsewhere") {
  Journaled run{orders, {{"orders"}}};
  run.commit({"update orders set note = 'first'"});
  run.commit({"update orders set n = 5"});
  run.database.query("update orders set n = 7 where id = 1");
  Undoing undo{run, {{"orders"}}};
  undo.take_back(2);
  // Nothing of the first batch is in this object's memory: what it knows is in the ledger.
  CHECK(conflicts_of(undo.take_back(1)) == "a later change was left: orders 1");
  CHECK(rows(run.database) == "(1,7,first) (2,0,\"note 2\") (3,0,\"note 3\")");
}

TEST_CASE("what the server refuses is left with its reason, and the rest is put back") {
  Journaled run{orders + "; create unique index on orders (note)", {{"orders"}}};
  run.commit({"update orders set note = 'n' || id", "delete from orders where id = 3"});
  run.database.query("insert into orders values (30, 0, 'note 3'), (10, 0, 'note 1')");
  Undoing undo{run, {{"orders"}}};
  auto undone = undo.take_back(1);
  CHECK(undone.left == 2);
  CHECK(conflicts_of(undone).find("refused by the server: orders 3 duplicate key") != std::string::npos);
  CHECK(conflicts_of(undone).find("refused by the server: orders 1 duplicate key") != std::string::npos);
  CHECK(rows(run.database) == "(1,0,n1) (2,0,\"note 2\") (10,0,\"note 1\") (30,0,\"note 3\")");
}

namespace {

/// Undoes the journal as a checklist would, without opsh: `compares` the row with what the run wrote, or does not;
/// `meanwhile` happens between deciding and writing.
void naive_undo(const test::Database& database, bool compares, const std::function<void()>& meanwhile) {
  auto wanted = database.query("select c.key[1], c.old[1], c.new[1] from opsh.change c order by c.key[1]");
  std::vector<test::Row> decided;
  for (const auto& row : wanted)
    if (!compares || database.value("select n from orders where id = " + *row[0]) == *row[2]) decided.push_back(row);
  meanwhile();
  for (const auto& row : decided)
    database.query(fmt::format("update orders set n = {} where id = {}", *row[1], *row[0]));
}

}  // namespace

TEST_CASE("an edit before the undo is kept; the control, which does not compare, overwrites it") {
  for (bool broken : {false, true}) {
    Journaled run{orders, {{"orders"}}};
    run.commit({"update orders set n = 5"});
    run.database.query("update orders set n = 7 where id = 1");
    if (broken)
      naive_undo(run.database, false, [] {});
    else
      Undoing{run, {{"orders"}}}.take_back(1);
    CHECK(run.database.value("select n from orders where id = 1") == (broken ? "0" : "7"));
    CHECK(run.database.value("select n from orders where id = 2") == "0");
  }
}

TEST_CASE("an edit in the middle of the undo is kept; the control, which does not lock first, overwrites it") {
  for (bool broken : {false, true}) {
    Journaled run{orders, {{"orders"}}};
    run.commit({"update orders set n = 5"});
    test::Peer other{run.database.conninfo()};
    auto edit = [&] { other.run("update orders set n = 7 where id = 1"); };
    if (broken) {
      naive_undo(run.database, true, edit);
    } else {
      // It is under way when the undo comes, and committed while that waits.
      other.run("begin");
      edit();
      std::thread committer{[&] {
        test::eventually([&] {
          return run.database.value("select count(*) from pg_stat_activity where wait_event_type = 'Lock'") == "1";
        });
        other.run("commit");
      }};
      Undoing undo{run, {{"orders"}}};
      auto undone = undo.take_back(1);
      committer.join();
      CHECK(conflicts_of(undone) == "edited since: orders 1 n 0 5 7");
    }
    CHECK(run.database.value("select n from orders where id = 1") == (broken ? "0" : "7"));
    CHECK(run.database.value("select n from orders where id = 2") == "0");
  }
}

TEST_CASE("what was decided about stays locked until the undo is committed") {
  Journaled run{orders, {{"orders"}}};
  run.commit({"update orders set n = 5", "insert into orders values (9)"});
  Undoing undo{run, {{"orders"}}};
  auto batch = undo.begin();
  auto undone = opsh::journal::undo_batch(*batch, {"r1", 1, 1}, "u1");
  test::Peer other{run.database.conninfo()};
  other.run("set lock_timeout = '50ms'");
  CHECK_THROWS(other.run("update orders set n = 7 where id = 1"));
  CHECK_THROWS(other.run("update orders set n = 7 where id = 9"));
  undo.commit(*batch, undone);
  other.run("update orders set n = n + 1 where id = 1");
  CHECK(rows(run.database) == "(1,1,\"note 1\") (2,0,\"note 2\") (3,0,\"note 3\")");
}

TEST_CASE("an undo that is rolled back leaves nothing") {
  Journaled run{orders, {{"orders"}}};
  run.commit({"update orders set n = 5"});
  run.database.query("update orders set n = 7 where id = 1");
  std::string before = rows(run.database);
  Undoing undo{run, {{"orders"}}};
  {
    auto batch = undo.begin();
    opsh::journal::undo_batch(*batch, {"r1", 1, 1}, "u1");
  }
  CHECK(rows(run.database) == before);
  CHECK(run.database.value("select count(*) from opsh.conflict") == "0");
  CHECK(undo.take_back(1).left == 1);
}

TEST_CASE("a second undo of the same run cannot begin beside the first, and its original's opsh is fenced out") {
  Journaled run{orders, {{"orders"}}};
  run.commit({"update orders set n = 5"});
  Undoing undo{run, {{"orders"}}};
  CHECK(failure([&] { Undoing(run, {{"orders"}}, "u2"); }).kind == "run.busy");
  CHECK(failure([&] { run.begin(); }).kind == "run.taken_over");
}
