#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "support/catch.hpp"
#include "support/peer.hpp"
#include "support/server.hpp"
#include "terminal.hpp"

using repl::has;
using repl::Home;
using repl::Terminal;

namespace {

struct Prompt {
  test::Database database;
  Home home;
  Terminal terminal{home, {"--db", database.conninfo()}};
  std::string first = database.name() + "=> ";

  /// The prompt of the next line, with what is open.
  std::string next(const std::string& open) const { return database.name() + open + "> "; }

  Prompt() { terminal.wait_for(first); }

  /// What is shown for a line.
  std::string answer(const std::string& line) {
    terminal.type(line + "\r");
    terminal.wait_for("\r\n");
    return terminal.wait_for(first);
  }
  bool server_has(const std::string& condition) const {
    return database.value(
               "select count(*) from pg_stat_activity where datname = current_database() and pid <> "
               "pg_backend_pid() and " +
               condition) != "0";
  }
};

std::string content(const std::filesystem::path& path) {
  std::stringstream text;
  text << std::ifstream{path}.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("the prompt shows values of Lua and rows of SQL, and keeps globals") {
  Prompt prompt;
  CHECK(has(prompt.answer("1 + 1"), "2\r\n"));
  prompt.answer("x = 41");
  CHECK(has(prompt.answer("=x + 1"), "42\r\n"));
  CHECK(has(prompt.answer("select 7 as seven, null as nothing;"), "    7  NULL\r\n(1 row)\r\n"));
  CHECK(has(prompt.answer("=_[1].seven"), "7\r\n"));
}

TEST_CASE("the prompt goes on in the next line until Lua or SQL is whole") {
  Prompt prompt;
  prompt.terminal.type("select 'a;\r");
  prompt.terminal.wait_for(prompt.next("'"));
  prompt.terminal.type("b' as c -- ;\r");
  prompt.terminal.wait_for(prompt.next("-"));
  CHECK(has(prompt.answer(";"), "a;\\nb\r\n"));
  prompt.terminal.type("for i = 1, 2 do\r");
  prompt.terminal.wait_for(prompt.next(" do"));
  CHECK(has(prompt.answer("print(i) end"), "1\r\n2\r\n"));
}

TEST_CASE("an error is shown and the prompt goes on") {
  Prompt prompt;
  CHECK(has(prompt.answer("select nme from pg_class;"), "^"));
  CHECK(has(prompt.answer("delete from pg_class;"), "error: "));
  CHECK(has(prompt.answer("selec = = 1"), "error: "));
  CHECK(has(prompt.answer("undefined_thing()"), "undefined global undefined_thing"));
  CHECK(has(prompt.answer("=1"), "1\r\n"));
}

TEST_CASE("Ctrl-C at the prompt drops what was typed, also the lines before") {
  Prompt prompt;
  prompt.terminal.type("for i = 1, 2 do\r");
  prompt.terminal.wait_for(prompt.next(" do"));
  prompt.terminal.type("nonsense nonsense\x03");
  prompt.terminal.wait_for(prompt.first);
  prompt.terminal.type("\x03");
  prompt.terminal.wait_for(prompt.first);
  CHECK(has(prompt.answer("=3"), "3\r\n"));
}

TEST_CASE("Ctrl-C stops a query, the server stops working on it, and the session stays") {
  Prompt prompt;
  std::string pid = prompt.answer("=value(\"select pg_backend_pid()\")");
  prompt.terminal.type("select pg_sleep(60);\r");
  REQUIRE(test::eventually([&] { return prompt.server_has("wait_event = 'PgSleep'"); }));
  prompt.terminal.type("\x03");
  prompt.terminal.wait_for("interrupted");
  CHECK(has(prompt.terminal.wait_for(prompt.first), "SQLSTATE 57014"));
  CHECK_FALSE(prompt.server_has("wait_event = 'PgSleep'"));
  CHECK(prompt.answer("=value(\"select pg_backend_pid()\")") == pid);
}

TEST_CASE("a loop in Lua that catches errors says how long it runs, and Ctrl-C stops it") {
  Prompt prompt;
  prompt.terminal.type("print('going') while true do pcall(function() while true do end end) end\r");
  prompt.terminal.wait_for("going\r\n");
  prompt.terminal.wait_for("\r1.0 s, Lua (Ctrl-C stops it)\x1b[K");
  prompt.terminal.type("\x03");
  CHECK(has(prompt.terminal.wait_for("error: "), "\r\x1b[K"));
  CHECK(has(prompt.terminal.wait_for(prompt.first), "interrupted"));
  CHECK(has(prompt.answer("=value('select 5')"), "5\r\n"));
}

TEST_CASE("a prompt that waits holds no transaction") {
  Prompt prompt;
  // What reads the names for Tab is a session of its own, which ends.
  CHECK(test::eventually([&] { return !prompt.server_has("state <> 'idle'"); }));
  prompt.answer("select 1;");
  prompt.answer("for row in rows('select generate_series(1, 5000)') do break end");
  prompt.answer("select 1/0;");
  CHECK(test::eventually([&] { return !prompt.server_has("(state <> 'idle' or backend_xmin is not null)"); }));
  CHECK(prompt.server_has("state = 'idle'"));
}

TEST_CASE("a chunk sees one snapshot, and the next one a new one") {
  Prompt prompt;
  prompt.database.query("create table t (id int)");
  prompt.answer("count = function() return value('select count(*) from t') end");
  CHECK(has(prompt.answer("=count()"), "0\r\n"));
  prompt.database.query("insert into t values (1)");
  CHECK(has(prompt.answer("=count()"), "1\r\n"));
}

TEST_CASE("a paste of several lines is one chunk") {
  Prompt prompt;
  prompt.terminal.type("\x1b[200~local a = 20\nlocal b = 22\nprint(a + b)\x1b[201~");
  prompt.terminal.wait_for("print(a + b)");
  CHECK(has(prompt.answer(""), "42\r\n"));
}

TEST_CASE("the history is there in the next session, whole entries, in a file that only its owner reads") {
  test::Database database;
  Home home;
  std::string first = database.name() + "=> ", next = database.name() + " then> ";
  {
    Terminal terminal{home, {"--db", database.conninfo()}};
    terminal.wait_for(first);
    for (const char* line : {"x = 1\r", "x = 1\r", " secret = 2\r"}) {
      terminal.type(line);
      terminal.wait_for(first);
    }
    terminal.type("if x then\r");
    terminal.wait_for(next);
    terminal.type("print('kept \\\\') end\r");
    terminal.wait_for(first);
    terminal.type("\\q\r");
    CHECK(terminal.end() == 0);
  }
  CHECK(content(home.history()) == "x = 1\nif x then\\nprint('kept \\\\\\\\') end\n\\\\q\n");
  struct stat status {};
  REQUIRE(::stat(home.history().c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  Terminal terminal{home, {"--db", database.conninfo()}};
  terminal.wait_for(first);
  terminal.type("x = 1\r");
  terminal.wait_for(first);
  terminal.type("\x1b[A\x1b[A\x1b[A\r");
  CHECK(has(terminal.wait_for(first), "kept \\\r\n"));
}

TEST_CASE("Ctrl-D at an empty line and a signal to end leave the prompt") {
  Prompt at_end;
  at_end.terminal.type("\x04");
  CHECK(at_end.terminal.end() == 0);
  for (int number : {SIGTERM, SIGHUP}) {
    Prompt told;
    told.terminal.signal(number);
    CHECK(told.terminal.end() == 130);
  }
}

TEST_CASE("a second Ctrl-C while the first is not heeded ends the process") {
  Prompt prompt;
  prompt.terminal.type("print('going') string.rep('a', 60):find(('a*'):rep(60) .. 'b')\r");
  prompt.terminal.wait_for("going\r\n");
  // Between the print and the pattern a Ctrl-C is heeded.
  std::this_thread::sleep_for(std::chrono::seconds{1});
  prompt.terminal.type("\x03");
  prompt.terminal.wait_for("^C");
  // The terminal shows it before the process has it, and two signals that wait are one.
  std::this_thread::sleep_for(std::chrono::milliseconds{200});
  prompt.terminal.type("\x03");
  CHECK(prompt.terminal.end() == 130);
}

TEST_CASE("escapes in text of the database do not reach the terminal") {
  Prompt prompt;
  std::string shown = prompt.answer("select e'\\x1b[31mred' as x;");
  CHECK(has(shown, "\\x1b[31mred"));
  CHECK_FALSE(has(prompt.answer("=value(\"select e'\\\\x1b[31mred'\")"), "\x1b[31m"));
}

TEST_CASE("a target that is not there is an error before any prompt") {
  Home home;
  Terminal terminal{home, {"--db", "host=/nonexistent"}};
  terminal.wait_for("error: ");
  CHECK(terminal.end() == 3);
}
