#include <chrono>
#include <csignal>
#include <fstream>
#include <memory>
#include <thread>

#include "support/catch.hpp"
#include "support/peer.hpp"
#include "support/proxy.hpp"
#include "support/server.hpp"
#include "terminal.hpp"

using repl::has;
using repl::Home;
using repl::Terminal;

namespace {

/// Leads through a proxy as long as there is one, and then to the server itself.
std::string through(const test::Proxy& proxy, const std::string& conninfo) {
  auto host = [](const std::string& text) {
    auto begin = text.rfind("host=") + 5;
    std::string value = text.substr(begin, text.find(' ', begin) - begin);
    std::erase(value, '\'');
    return value;
  };
  return conninfo + " host=" + host(proxy.conninfo()) + "," + host(conninfo);
}

/// A prompt on a target of opsh.config.lua, where a transaction may be begun.
struct Writing {
  explicit Writing(const std::string& fields = "", bool behind_proxy = false) {
    if (behind_proxy) proxy = std::make_unique<test::Proxy>(database.conninfo());
    const std::string connect = proxy ? through(*proxy, database.conninfo()) : database.conninfo();
    database.query(
        "create table item (id int primary key, part text not null, done bool not null default false);"
        "insert into item select i, 'red' from generate_series(1, 30) i");
    std::ofstream{home.path() / "opsh.config.lua"} << "return { targets = { prod = { connect = \"" << connect << "\", "
                                                   << fields << " } } }";
    terminal = std::make_unique<Terminal>(home, std::vector<std::string>{"--target=prod"}, home.path());
    terminal->wait_for(reads);
  }

  /// What is shown for a line, up to a prompt.
  std::string answer(const std::string& line, const std::string& prompt) {
    terminal->type(line + "\r");
    terminal->wait_for("\r\n");
    return terminal->wait_for(prompt);
  }
  void begin() {
    terminal->type("\\write ticket 12\r");
    terminal->wait_for("begin? [y/N] ");
    answer("y", writes);
  }
  std::string done() const { return database.value("select count(*) from item where done"); }
  /// The session that writes.
  std::string writer() const { return "pid = (select backend_pid from opsh.run order by started_at desc limit 1)"; }

  test::Database database;
  Home home;
  std::unique_ptr<test::Proxy> proxy;
  std::unique_ptr<Terminal> terminal;
  std::string reads = database.name() + "=> ", writes = database.name() + " writing*=> ";
};

}  // namespace

TEST_CASE(
    "a transaction is asked for, shows what each statement changed, and is committed when its counts are agreed to") {
  Writing at;
  at.terminal->type("\\write ticket 12\r");
  auto asked = at.terminal->wait_for("begin? [y/N] ");
  CHECK(has(asked, "This begins a transaction that writes."));
  CHECK(has(asked, "backup      none is wanted: a throw-away server"));
  CHECK(has(at.answer("n", at.reads), "nothing was begun"));
  at.terminal->type("\x1b[200~\\write\nupdate item set done = true;\x1b[201~");
  CHECK(has(at.answer("", at.reads), "stands in a line of its own"));
  CHECK(at.database.value("select to_regnamespace('opsh') is null") == "t");

  at.begin();
  auto shown = at.answer("update item set done = true, part = 'blue' where id < 3;", at.writes);
  CHECK(has(shown, "update public.item: 2 rows updated"));
  CHECK(has(shown, "~ id 1  part: red → blue, done: f → t"));
  CHECK(at.done() == "0");
  CHECK(has(at.answer("update item set part = null;", at.writes), "the statement is rolled back"));
  at.terminal->type("\\commit\r");
  CHECK(has(at.terminal->wait_for("commit? [y/N] "), "public.item: 2 rows updated"));
  CHECK(has(at.answer("", at.writes), "nothing was committed, and the transaction goes on"));
  CHECK(at.done() == "0");
  at.terminal->type("\\commit\r");
  at.terminal->wait_for("commit? [y/N] ");
  CHECK(has(at.answer("y", at.reads), "is committed: 2 rows"));
  CHECK(at.done() == "2");
  CHECK(at.database.value("select state || ' ' || reason from opsh.run") == "done ticket 12");
}

TEST_CASE("a transaction on a protected target wants the database's name typed") {
  Writing at{"protected = true"};
  at.terminal->type("\\write\r");
  CHECK(has(at.terminal->wait_for("Type the database's name to go on: "), "This writes into a protected database."));
  CHECK(has(at.answer("yes", at.reads), "nothing was written"));
  at.terminal->type("\\write\r");
  at.terminal->wait_for("Type the database's name to go on: ");
  at.answer(at.database.name(), at.writes);
  at.answer("delete from item;", at.writes);
  at.answer("\\rollback", at.reads);
  CHECK(at.database.value("select count(*) from item") == "30");
  CHECK(at.database.value("select state from opsh.run") == "failed");
}

TEST_CASE("leaving with a transaction open asks, and keeps nothing") {
  Writing at;
  at.begin();
  at.answer("update item set done = true;", at.writes);
  at.terminal->type("\x04");
  CHECK(has(at.terminal->wait_for("roll it back? [y/N] "), "public.item: 30 rows updated"));
  at.answer("n", at.writes);
  at.terminal->type("\\q\r");
  at.terminal->wait_for("roll it back? [y/N] ");
  at.terminal->type("\x03");
  at.terminal->wait_for(at.writes);
  at.terminal->type("\\q\r");
  at.terminal->wait_for("roll it back? [y/N] ");
  at.terminal->type("y\r");
  CHECK(at.terminal->end() == 0);
  CHECK(at.done() == "0");
}

TEST_CASE("a transaction whose person is gone says so, and is rolled back, with what is typed left as it is") {
  Writing at{"idle = '2s'"};
  at.begin();
  at.answer("update item set done = true where id = 1;", at.writes);
  // When opsh itself cannot, the server ends it.
  CHECK(has(at.answer("=value(\"select current_setting('idle_in_transaction_session_timeout')\")", at.writes), "32s"));
  at.terminal->type("=20 + ");
  CHECK(has(at.terminal->wait_for("it is rolled back after"), "locks on rows of public.item"));
  CHECK(at.database.value("select count(*) from pg_stat_activity where state = 'idle in transaction' and " +
                          at.writer()) == "1");
  at.terminal->wait_for("the transaction was rolled back");
  CHECK(test::eventually([&] { return at.database.value("select state from opsh.run") == "failed"; }));
  at.terminal->wait_for(at.reads);
  CHECK(has(at.answer("1", at.reads), "21\r\n"));
  test::Peer other{at.database.conninfo()};
  other.run("set lock_timeout = '1s'; update item set part = 'free' where id = 1");
}

TEST_CASE(
    "Ctrl-C takes one statement back, and a lost connection is said at once, nothing of the transaction is committed, "
    "and "
    "the prompt goes on") {
  Writing at;
  at.begin();
  at.answer("update item set done = true;", at.writes);
  at.terminal->type("update item set part = 'late' where pg_sleep(60) is not null;\r");
  REQUIRE(test::eventually([&] {
    return at.database.value("select count(*) from pg_stat_activity where wait_event = 'PgSleep' and " + at.writer()) ==
           "1";
  }));
  at.terminal->type("\x03");
  CHECK(has(at.terminal->wait_for(at.writes), "interrupted"));
  CHECK(has(at.answer("select count(*) as n from item where done and part = 'red';", at.writes), "30"));
  at.database.query("select pg_terminate_backend(backend_pid) from opsh.run");
  auto failed = at.database.name() + " writing!=> ";
  CHECK(has(at.terminal->wait_for(failed), "nothing of the transaction was committed"));
  CHECK(has(at.answer("update item set done = true;", failed), "\\rollback leaves it"));
  CHECK(has(at.answer("select 1;", failed), "\\rollback leaves it"));
  at.answer("\\rollback", at.reads);
  CHECK(has(at.answer("=value('select count(*) from item where done')", at.reads), "0\r\n"));
}

TEST_CASE("a COMMIT whose answer was lost is asked about, and the run is done") {
  Writing at{"", true};
  // What defers itself while deferred constraints are checked is left for COMMIT, which then takes its time.
  at.database.query(
      "create table late (id int generated always as identity primary key);"
      "create function finish() returns trigger language plpgsql as 'begin perform pg_sleep(1); return null; end';"
      "create constraint trigger finish after insert on late deferrable initially deferred for each row "
      "execute function finish();"
      "create function put_off() returns trigger language plpgsql as "
      "'begin set constraints finish deferred; insert into late default values; return null; end';"
      "create constraint trigger put_off after update on item deferrable initially deferred for each row "
      "execute function put_off()");
  at.begin();
  at.answer("\\write also late", at.writes);
  at.answer("update item set done = true where id = 1;", at.writes);
  at.terminal->type("\\commit\r");
  at.terminal->wait_for("commit? [y/N] ");
  at.terminal->type("y\r");
  REQUIRE(test::eventually([&] {
    return at.database.value(
               "select count(*) from pg_stat_activity where query ilike 'commit%' and state = 'active'") != "0";
  }));
  at.proxy.reset();
  at.terminal->wait_for("is committed: ");
  at.terminal->wait_for(at.database.name() + " lost=> ");
  CHECK(at.done() == "1");
  CHECK(at.database.value("select state from opsh.run") == "done");
}

TEST_CASE("a prompt that is told to end takes its transaction back") {
  Writing at;
  at.begin();
  at.answer("update item set done = true;", at.writes);
  at.terminal->signal(SIGTERM);
  CHECK(at.terminal->end() == 130);
  CHECK(at.done() == "0");
  CHECK(at.database.value("select state from opsh.run") == "failed");
}

TEST_CASE("a prompt that is killed leaves nothing of its transaction, and resume says so") {
  Writing at;
  at.begin();
  at.answer("update item set done = true;", at.writes);
  at.terminal->signal(SIGKILL);
  CHECK(at.terminal->end() == -SIGKILL);
  CHECK(test::eventually(
      [&] { return at.database.value("select count(*) from pg_stat_activity where " + at.writer()) == "0"; }));
  CHECK(at.done() == "0");
  auto run = at.database.value("select id from opsh.run");
  Terminal resume{at.home, {"--target=prod", "resume", run}, at.home.path()};
  resume.wait_for("was never committed: nothing of it is there");
  CHECK(resume.end() == 0);
  CHECK(at.database.value("select state from opsh.run") == "failed");
}
