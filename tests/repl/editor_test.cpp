#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "support/catch.hpp"
#include "support/peer.hpp"
#include "support/server.hpp"
#include "terminal.hpp"

using repl::has;
using repl::Home;
using repl::Terminal;

namespace {

struct Editor {
  test::Database database;
  Home home;
  Terminal terminal;
  std::string first = database.name() + "=> ";

  explicit Editor(std::vector<std::string> more = {}) : terminal{home, arguments(std::move(more))} {
    terminal.wait_for(first);
  }

  std::vector<std::string> arguments(std::vector<std::string> more) const {
    more.insert(more.begin(), {"--db", database.conninfo()});
    return more;
  }

  /// What is shown for a line.
  std::string answer(const std::string& line) {
    terminal.type(line + "\r");
    terminal.wait_for("\r\n");
    return terminal.wait_for(first);
  }
};

}  // namespace

TEST_CASE("the prompt says which target, user and database it is, and is red when the target is protected") {
  test::Database database;
  Home home;
  std::ofstream{home.path() / "opsh.config.lua"} << "return { targets = { prod = { connect = \"" << database.conninfo()
                                                 << "\", protected = true }, other = { connect = \""
                                                 << database.conninfo() << "\" } } }";
  std::string line = database.value("select current_user") + "@" + database.name() + "=> ";
  Terminal red{home, {"--target=prod"}, home.path()};
  red.wait_for("\x1b[1;31mprod " + line + "\x1b[0m");
  Terminal plain{home, {"--target=prod", "--no-color"}, home.path()};
  CHECK_FALSE(has(plain.wait_for("prod " + line), "\x1b[1;31m"));
  Terminal other{home, {"--target=other"}, home.path()};
  CHECK_FALSE(has(other.wait_for("other " + line), "\x1b[1;31m"));
}

TEST_CASE("the lines of an entry come back whole, are edited, searched and run again") {
  Editor editor;
  editor.terminal.type("for i = 1, 2 do\r");
  editor.terminal.wait_for("do> ");
  editor.terminal.type("print(i) end\r");
  editor.terminal.wait_for("1\r\n2\r\n" + std::string{"\x1b[?2004h"});
  editor.terminal.wait_for(editor.first);
  editor.answer("x = 1");
  // Two back in the history; up within the entry, to its end, and the 2 becomes a 23.
  editor.terminal.type("\x1b[A\x1b[A\x1b[A\x05\x1b[D\x1b[D\x1b[D" + std::string{"3\r"});
  CHECK(has(editor.terminal.wait_for(editor.first), "\r\n23\r\n"));
  // Ctrl-R.
  editor.terminal.type("\x12print");
  editor.terminal.wait_for("(reverse-i-search)");
  editor.terminal.type("\r");
  CHECK(has(editor.terminal.wait_for("23\r\n"), "22\r\n"));
}

TEST_CASE("what is left out of the history is said, and so is a history that cannot be written") {
  test::Database database;
  Home home;
  std::filesystem::create_directories(home.history());
  Terminal terminal{home, {"--db", database.conninfo()}};
  std::string first = database.name() + "=> ";
  terminal.wait_for(first);
  terminal.type("x = 1\r");
  terminal.wait_for("its file cannot be written");
  terminal.wait_for(first);
  terminal.type("y = 2\r");
  CHECK_FALSE(has(terminal.wait_for(first), "cannot be written"));
  for (const char* line :
       {"create role a password 'abcdef';", "c = \"host=x password=abcdef\"", "u = 'postgresql://me:abcdef@host/db'"}) {
    terminal.type(std::string{line} + "\r");
    terminal.wait_for("left out of the history");
    terminal.wait_for(first);
  }
  terminal.type("\x1b[A\r");
  CHECK(has(terminal.wait_for(first), "y = "));
}

TEST_CASE("a password is not in the history's file") {
  Editor editor;
  editor.answer("c = 'password=abcdef'");
  editor.answer("d = 1");
  std::stringstream text;
  text << std::ifstream{editor.home.history()}.rdbuf();
  CHECK(text.str() == "d = 1\n");
}

TEST_CASE("a paste of 100 000 characters is one chunk") {
  Editor editor;
  std::string lines;
  for (int i = 1; lines.size() < 100000; ++i) lines += "n = " + std::to_string(i) + "\n";
  editor.terminal.paste("\x1b[200~" + lines + "\x1b[201~\r");
  editor.terminal.wait_for(editor.first);
  CHECK(has(editor.answer("=n"), std::to_string(std::count(lines.begin(), lines.end(), '\n')) + "\r\n"));
}

TEST_CASE("what is typed has colours, and none with --no-color") {
  Editor colored;
  colored.terminal.type("select 'x' as y;\r");
  CHECK(has(colored.terminal.wait_for("(1 row)"), "\x1b[36mselect\x1b[0m \x1b[32m'x'\x1b[0m"));
  Editor plain{{"--no-color"}};
  plain.terminal.type("select 'x' as y;\r");
  CHECK(has(plain.terminal.wait_for("(1 row)"), "select 'x' as y;"));
}

TEST_CASE("a text is edited on a terminal that becomes 20 columns wide, with wide characters in it") {
  Editor editor;
  editor.terminal.type("=#'a long text with \xe6\x97\xa5\xe6\x9c\xac");
  editor.terminal.wait_for("\xe6\x9c\xac");
  editor.terminal.resize(20, 10);
  editor.terminal.type("\x1b[D\x1b[D\x7f in'\r");
  // The space before the two characters is gone: 4 + 12 bytes, 3 of " in" and 6 of the characters are behind the quote.
  editor.terminal.wait_for("error");
  editor.terminal.wait_for("=> ");
  editor.terminal.type("='\xe6\x97\xa5\xe6\x9c\xac'\x1b[D\x1b[Dx\r");
  editor.terminal.wait_for("\xe6\x97\xa5x\xe6\x9c\xac\r\n");
}

TEST_CASE("what is typed is there again when the prompt comes back from the shell") {
  Editor editor;
  editor.terminal.type("=20 + ");
  editor.terminal.wait_for("+ ");
  editor.terminal.signal(SIGSTOP);
  editor.terminal.signal(SIGCONT);
  editor.terminal.wait_for(editor.first);
  editor.terminal.type("22\r");
  CHECK(has(editor.terminal.wait_for(editor.first), "42\r\n"));
}

TEST_CASE("a lost connection is said at once, and the prompt connects again only when it is told to") {
  Editor editor;
  editor.answer("kept = 7");
  editor.terminal.type("half a li");
  editor.terminal.wait_for("half a li");
  editor.database.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
      "and pid <> pg_backend_pid()");
  editor.terminal.wait_for("error: ");
  editor.terminal.wait_for(editor.database.name() + " lost=> half a li");
  editor.terminal.type("\x03");
  editor.terminal.wait_for(" lost=> ");
  editor.terminal.type("select 1;\r");
  editor.terminal.wait_for("\\reconnect");
  editor.terminal.wait_for(" lost=> ");
  editor.terminal.type("\\reconnect\r");
  editor.terminal.wait_for(editor.first);
  CHECK(has(editor.answer("=value('select 35') + kept"), "42\r\n"));
}

TEST_CASE("a query of more than a second says how long and what it waits for, until it is over") {
  Editor editor;
  editor.terminal.type("select pg_sleep(1.7);\r");
  CHECK(has(editor.terminal.wait_for("waits for Timeout: PgSleep"), "\r1."));
  CHECK(has(editor.terminal.wait_for("(1 row)"), "\r\x1b[K"));
}

TEST_CASE("what the server says on its own is shown while the statement runs") {
  test::Database database;
  database.query(
      "create function noisy() returns int language plpgsql stable as $$ begin raise notice 'halfway'; "
      "perform pg_sleep(60); return 1; end $$");
  Home home;
  Terminal terminal{home, {"--db", database.conninfo(), "--function=public.noisy"}};
  terminal.wait_for("=> ");
  terminal.type("select noisy();\r");
  terminal.wait_for("NOTICE: halfway");
  terminal.type("\x03");
  terminal.wait_for("interrupted");
}

TEST_CASE("a dumb terminal gets one line at a time, without an escape, and completion") {
  Home home;
  test::Database database;
  ::setenv("OPSH_TEST_TERM", "dumb", 1);
  Terminal terminal{home, {"--db", database.conninfo()}};
  ::unsetenv("OPSH_TEST_TERM");
  std::string shown = terminal.wait_for("=> ");
  terminal.type("select 'a\r");
  shown += terminal.wait_for(database.name() + "'> ");
  terminal.type("b' as x;\r");
  shown += terminal.wait_for("a\\nb");
  shown += terminal.wait_for("=> ");
  terminal.type("\\re\t");
  shown += terminal.wait_for("reconnect  refresh");
  shown += terminal.wait_for("=> \\re");
  terminal.type("\x15\x04");
  CHECK(terminal.end() == 0);
  CHECK_FALSE(has(shown, "\x1b"));
}

TEST_CASE("Tab completes names of the database, which were read beside the prompt, and those of Lua") {
  Editor editor;
  editor.database.query(
      "create table customer (id int primary key, email text);"
      "create table orders (id int primary key, customer_id int references customer, total numeric);"
      "create schema app; create table app.part (first int, second int, primary key (first, second));"
      "create table app.detail (one int, other int, foreign key (one, other) references app.part);"
      "create table \"Odd Name\" (plain int); create type mood as enum ('good')");
  auto& terminal = editor.terminal;
  {
    // While the names cannot be read there are the words of SQL, and nobody waits.
    test::Peer peer{editor.database.conninfo()};
    peer.run("begin; lock table pg_catalog.pg_constraint in access exclusive mode");
    terminal.type("\\refresh\r");
    terminal.wait_for(editor.first);
    REQUIRE(test::eventually(
        [&] { return editor.database.value("select count(*) from pg_locks where not granted") == "1"; }));
    terminal.type("SELECT 1 WHER");
    terminal.wait_for("WHER");
    terminal.type("\t");
    terminal.wait_for("WHERE", opsh::Seconds{2});
    terminal.type("\x15");
  }
  terminal.type("\\refresh\r");
  terminal.wait_for(editor.first);
  terminal.type("SELECT * FROM custo");
  // Until the names are there Tab does nothing.
  REQUIRE(test::eventually([&] {
    terminal.type("\t");
    return terminal.shows("mer", opsh::Seconds{0.05});
  }));
  struct Case {
    const char* typed;
    const char* completed;
  };
  for (const Case& each : std::vector<Case>{
           {"select * from orders, cust", "omer"},
           {"select * from app.det", "ail"},
           {"select * from odd", "\"Odd Name\""},
           {"select * from \"Odd Name\" x where x.pl", "ain"},
           {"select * from customer c join orders o on o.cust", "omer_id"},
           {"select * from orders o join customer c on ", "o.customer_id = c.id"},
           {"select * from app.detail d join app.part p on d.one = p.first and d.oth", "er"},
           {"with w as (select total as sum_of from orders) select * from w where w.s", "um_of"},
           {"with w(given, taken) as (select 1, 2) select * from w where w.ta", "ken"},
           {"select * from (select o.*, lower('X') as low from orders o) s where s.tot", "al"},
           {"select (select 1 from orders) from customer where em", "ail"},
           {"SELECT 1 WHER", "E"},
           {"select 'x'::moo", "d"},
           {"value([[select total from orders where cust", "omer_id"},
           {"\\tim", "ing"},
           {"\\i /etc/pass", "wd"},
           {"\\d orde", "rs"},
           {"require('opsh.js", "on"},
       }) {
    INFO(each.typed);
    terminal.type("\x15" + std::string{each.typed});
    terminal.type("\t");
    terminal.wait_for(each.completed, opsh::Seconds{5});
  }
  terminal.type("\x15select 'custo\t'\x15t = { alpha = { beta = 1 } }\r");
  terminal.wait_for(editor.first);
  terminal.type("t.al\t.be\t\r");
  CHECK(has(terminal.wait_for(editor.first), "\r\n1\r\n"));
}
