#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "support/catch.hpp"
#include "support/server.hpp"
#include "terminal.hpp"

using repl::has;
using repl::Home;
using repl::Terminal;

namespace {

/// A prompt with a pager of the test's: $OPSH_TEST_PAGER.
struct Paged {
  test::Database database;
  Home home;
  Terminal terminal;
  std::string first = database.name() + "=> ";

  explicit Paged(const char* pager, std::vector<std::string> more = {})
      : terminal{home, arguments(pager, std::move(more)), home.path()} {
    ::unsetenv("OPSH_TEST_PAGER");
    ::unsetenv("NO_COLOR");
    terminal.wait_for(first);
  }

  std::string answer(const std::string& line) {
    terminal.type(line + "\r");
    terminal.wait_for("\r\n");
    return terminal.wait_for(first);
  }

  std::string content(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream{home.path() / name}.rdbuf();
    return text.str();
  }

 private:
  /// Of opsh, which inherits what is set here.
  std::vector<std::string> arguments(const char* pager, std::vector<std::string> more) const {
    ::setenv("OPSH_TEST_PAGER", pager, 1);
    ::setenv("NO_COLOR", "1", 1);
    ::setenv("EDITOR", "printf 'select 6 * 7 as edited;' >", 1);
    ::unsetenv("VISUAL");
    more.insert(more.end(), {"--db", database.conninfo()});
    return more;
  }
};

}  // namespace

TEST_CASE("what is longer than the terminal goes into the pager, the first 1000 rows, and more when asked") {
  Paged prompt{"sed -n '$p;1p'"};
  std::string shown = prompt.answer("select n from generate_series(1, 2500) as n;");
  CHECK(has(shown, "n\r\n(the first 1,000 of 2,500 rows) \\more shows the next\r\n"));
  CHECK(has(prompt.answer("\\more"), "(rows 1,001 to 2,000 of 2,500 rows)"));
  CHECK(has(prompt.answer("\\more"), "(rows 2,001 to 2,500 of 2,500 rows)\r\n"));
  CHECK(has(prompt.answer("\\more"), "there are no more rows"));
  CHECK(has(prompt.answer("\\more all"), "(2,500 rows)"));
  CHECK(has(prompt.answer("select 1 as few;"), "few"));
}

TEST_CASE("a table that is wider than the terminal is shown as lists, in the pager when \\x is off, else cut") {
  const std::string wide = "select repeat('a', 70) as one, repeat('b', 70) as other;";
  Paged prompt{"tr ab xy"};
  CHECK(has(prompt.answer(wide), "other  bbbbbb"));
  prompt.answer("\\x off");
  CHECK(has(prompt.answer(wide), std::string(70, 'x') + "  " + std::string(70, 'y')));
  CHECK(has(prompt.answer("select 1 as n \\gx"), "n  1\r\n"));
  CHECK(has(prompt.answer("select 1 as n;"), "n\r\n"));
  Paged without{""};
  without.answer("\\x off");
  CHECK(has(without.answer(wide), "a…  bbb"));
}

TEST_CASE("\\d and its family are psql's on the same server") {
  Paged prompt{""};
  prompt.database.query("create table \"Odd one\" (id int primary key, part text default 'x')");
  std::string shown = prompt.answer("\\d \"Odd one\"");
  CHECK(has(shown, "Table \"public.Odd one\""));
  CHECK(has(shown, "PRIMARY KEY, btree (id)"));
  CHECK(has(prompt.answer("\\dt"), "Odd one"));
  CHECK(has(prompt.answer("\\l"), prompt.database.name()));
  CHECK(has(prompt.answer("\\conninfo"), "no transaction is open between two lines"));
  prompt.answer("\\s typed.txt");
  CHECK(has(prompt.content("typed.txt"), "\\dt\n\\l\n"));
  CHECK(has(prompt.answer("\\d nope"), "there is no relation nope"));
  CHECK(has(prompt.answer("\\dt `touch here`"), "there is no relation `touch"));
  CHECK_FALSE(std::filesystem::exists(prompt.home.path() / "here"));
  CHECK(has(prompt.answer("\\dzz"), "there is no command \\dzz"));
}

TEST_CASE("\\o sends results into a file, all their rows, and \\copy writes CSV") {
  Paged prompt{""};
  prompt.answer("\\o found.txt");
  prompt.answer("select n from generate_series(1, 1500) as n;");
  CHECK_FALSE(std::filesystem::exists(prompt.home.path() / "found.txt"));
  prompt.answer("\\o");
  CHECK(has(prompt.content("found.txt"), "\n1500\n(1,500 rows)\n"));
  CHECK(has(prompt.answer(
                "\\copy (select n, ')(' as x, null as y from generate_series(1, 2) as n) to 'it''s.csv' csv header"),
            "copied 2 rows"));
  CHECK(prompt.content("it's.csv") == "n,x,y\r\n1,)(,\r\n2,)(,\r\n");
  std::filesystem::create_symlink("it's.csv", prompt.home.path() / "link");
  prompt.answer("\\copy (select 3 as n) to link");
  CHECK(prompt.content("it's.csv") == "n\r\n3\r\n");
  CHECK(std::filesystem::is_symlink(prompt.home.path() / "link"));
  CHECK(has(prompt.answer("\\copy t from 'x.csv'"), "the prompt only reads"));
}

TEST_CASE("\\e runs what the editor leaves, \\i a file, and \\errverbose shows the last error in full") {
  Paged prompt{""};
  CHECK(has(prompt.answer("\\e"), "    42\r\n(1 row)"));
  std::ofstream{prompt.home.path() / "more.sql"} << "x = 20\nselect :x + 1 as more\n  ;\nselect 1/0;\n=nothing\n";
  std::string shown = prompt.answer("\\i more.sql");
  CHECK(has(shown, "  21\r\n"));
  CHECK(has(shown, "at more.sql:4"));
  CHECK_FALSE(has(shown, "nothing"));
  CHECK(has(prompt.answer("\\errverbose"), "SQLSTATE  22012"));
  CHECK(has(prompt.answer("\\errverbos"), "did you mean \\errverbose?"));
}

TEST_CASE("\\c goes to another database and keeps the values, and stays where it is when that fails") {
  Paged prompt{""};
  test::Database other;
  prompt.answer("x = 5");
  CHECK(has(prompt.answer("\\c nowhere_at_all"), "does not exist"));
  CHECK(has(prompt.answer("select current_database() = :here as same;"), "no value for :here"));
  prompt.terminal.type("\\c " + other.name() + "\r");
  prompt.terminal.wait_for(other.name() + "=> ");
  prompt.terminal.type("select :x as kept, current_database() as now;\r");
  CHECK(has(prompt.terminal.wait_for("(1 row)"), "5     " + other.name()));
}

TEST_CASE("a chunk that runs out of memory is an error, and the values before it are kept") {
  Paged prompt{"", {"--script-memory=64"}};
  prompt.answer("x = 7");
  CHECK(has(prompt.answer("t = {} while true do t[#t + 1] = ('x'):rep(2^20) .. #t end"), "memory"));
  prompt.answer("t = nil");
  CHECK(has(prompt.answer("=x"), "7\r\n"));
  std::string shown = prompt.answer("select 1 as id, repeat('x', 100000000) as big;");
  CHECK(has(shown, "(100,000,000 bytes)"));
  CHECK(has(prompt.answer("=_[1].big"), "not read to be looked at"));
  CHECK(has(prompt.answer("=value(\"select repeat('x', 100000000)\")"), "memory"));
  CHECK(has(prompt.answer("=x + value('select 1')"), "8\r\n"));
}

TEST_CASE("\\watch runs the statement again and again until Ctrl-C, and the prompt goes on, without its pager too") {
  Paged prompt{"no-such-pager"};
  CHECK(has(prompt.answer("select n from generate_series(1, 60) as n;"), "60\r\n(60 rows)\r\n"));
  prompt.terminal.type("select 'again' as word \\watch 0.01\r");
  for (int times = 0; times < 4; ++times) prompt.terminal.wait_for("again\r\n");
  prompt.terminal.type("\x03");
  prompt.terminal.wait_for(prompt.first);
  CHECK(has(prompt.answer("=1"), "1\r\n"));
}
