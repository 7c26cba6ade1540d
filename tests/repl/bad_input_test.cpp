#include <cstdlib>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/server.hpp"
#include "terminal.hpp"

using repl::has;
using repl::Home;
using repl::Terminal;

namespace {

/// A prompt that has a value, which every look wants back.
struct Prompt {
  test::Database database;
  Home home;
  Terminal terminal{home, {"--db", database.conninfo(), "--no-color"}};
  std::string first = database.name() + "=> ";

  Prompt() {
    terminal.wait_for(first);
    answer("kept = { 7 }");
  }

  std::string answer(const std::string& line) {
    terminal.type(line + "\r");
    terminal.wait_for("\r\n");
    return terminal.wait_for(first);
  }
  bool is_alive() { return has(answer("=kept[1] .. value('select 35')"), "735\r\n"); }
};

}  // namespace

TEST_CASE("what is wrong with a chunk is said with its place, and the values stay") {
  Prompt prompt;
  struct Case {
    const char* typed;
    std::vector<std::string> said;
  };
  // `kept` was line 1, and each look at it is one.
  for (const Case& each : std::vector<Case>{
           {"select nme from pg_class;",
            {"line 1: select nme from pg_class\r\n                   ^\r\n", "at prompt:2", "SQLSTATE 42703"}},
           {"select 1 from from;", {"line 1: select 1 from from\r\n                          ^\r\n", "at prompt:4"}},
           {"select :kpt as x;", {"                   ^", "at prompt:6", "did you mean :kept?"}},
           {"x = 'abc", {"unfinished string", "at prompt:8"}},
           {"for i = 1 do end", {"near 'do'", "at prompt:10"}},
           {"kept.x.y = 1", {"attempt to index field 'x'", "at prompt:12"}},
           {"error('on purpose')", {"on purpose", "at prompt:14"}},
           {"\\conninf", {"there is no command \\conninf", "did you mean \\conninfo?"}},
           {"\\frobnicate", {"there is no command \\frobnicate", "\\? lists the commands"}},
           {"\\i 'nowhere", {"a ' is not closed"}},
       }) {
    INFO(each.typed);
    const std::string shown = prompt.answer(each.typed);
    INFO(shown);
    for (const auto& piece : each.said) CHECK(has(shown, piece));
    CHECK(prompt.is_alive());
  }
}

TEST_CASE("a chunk of several lines says in which of them it is wrong, and one that is not ended can be dropped") {
  Prompt prompt;
  prompt.terminal.type("if true then\rprint('going')\r");
  prompt.terminal.wait_for(" then> ");
  CHECK(has(prompt.answer("nope() end"), "at prompt:4"));
  prompt.terminal.type("select 1,\r");
  prompt.terminal.wait_for("-> ");
  CHECK(has(prompt.answer("  nme from pg_class;"), "line 2:   nme from pg_class\r\n              ^\r\n"));
  prompt.terminal.type("select 'abc;\r");
  prompt.terminal.wait_for("'> ");
  prompt.terminal.type("\x03");
  prompt.terminal.wait_for(prompt.first);
  CHECK(prompt.is_alive());
}

TEST_CASE("bytes that are no text, control characters and columns of one name are shown and do not act") {
  Prompt prompt;
  const std::string other = prompt.database.name() + "_ascii";
  prompt.database.query("create database " + other + " encoding sql_ascii locale 'C' template template0");
  prompt.terminal.type("\\c " + other + "\r");
  prompt.first = other + "=> ";
  prompt.terminal.wait_for(prompt.first);
  std::string shown =
      prompt.answer("select chr(233) as word, e'a\\x1b[31mb\\rc\\x07' as word, array[chr(233)] as list;");
  CHECK(has(shown, "word  word_2"));
  CHECK(has(shown, "\\xe9  a\\x1b[31mb\\rc\\x07"));
  shown += prompt.answer("=_[1].word, { _[1].word }");
  shown += prompt.answer("_1:group('word')");
  CHECK_FALSE(has(shown, "\xe9"));
  CHECK_FALSE(has(shown, "\x1b[31m"));
  CHECK(prompt.is_alive());
  prompt.terminal.type("\\q\r");
  CHECK(prompt.terminal.end() == 0);
  prompt.database.query("drop database " + other);
}

TEST_CASE("a terminal that becomes 20 columns wide gets lists, and carets under their places") {
  Prompt prompt;
  prompt.terminal.resize(20, 30);
  prompt.terminal.type("select 1 as id, 'so many more words' as note;\r");
  CHECK(has(prompt.terminal.wait_for("(1 row)"), "id    1\r\nnote  so many more words\r\n"));
  prompt.terminal.type("select oid, relname, nope from pg_class;\r");
  CHECK(has(prompt.terminal.wait_for("SQLSTATE"), "line 1: … nope…\r\n              ^\r\n"));
  prompt.terminal.wait_for("=> ");
  prompt.terminal.resize(80, 24);
  CHECK(prompt.is_alive());
}
