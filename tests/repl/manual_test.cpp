#include <filesystem>
#include <fstream>

#include "support/catch.hpp"
#include "support/server.hpp"
#include "terminal.hpp"

using repl::Home;
using repl::Terminal;

namespace {

/// An apply with a question in it, as a person starts it.
struct Apply {
  test::Database database;
  Home home;
  std::string script = home.path() / "sample.lua";

  explicit Apply(const std::string& more = {}) {
    std::ofstream{script} << "return require(\"opsh.runbook\") { title = \"sample\", steps = { { name = \"look\", "
                             "manual = \"Is it there?\""
                          << more << " } } }";
  }

  Terminal start(const std::string& language = "en") const {
    return {home, {"--db=" + database.conninfo(), script, "--apply", "--lang=" + language}, home.path()};
  }

  /// What the ledger has of the answer's member.
  std::string recorded(const std::string& member) const {
    return database.value("select coalesce(effects ->> '" + member + "', 'nothing') from opsh.step");
  }
};

}  // namespace

TEST_CASE("a manual step is asked on the terminal: the answer, a note, a file that shows it") {
  Apply apply;
  std::ofstream{apply.home.path() / "screen.png"} << "picture";
  Terminal terminal = apply.start();
  terminal.wait_for("Is it there?");
  terminal.wait_for("yes, no, or nothing for later: ");
  terminal.type("perhaps\r");
  terminal.wait_for("yes, no, or nothing for later: ");
  terminal.type("yes\r");
  terminal.wait_for("a note, or nothing: ");
  terminal.type("seen by two\r");
  terminal.wait_for("a file that shows it, or nothing: ");
  terminal.type("missing.png\r");
  terminal.wait_for("there is no file missing.png");
  terminal.wait_for("a file that shows it, or nothing: ");
  terminal.type("screen.png\r");
  CHECK(terminal.end() == 0);
  CHECK(apply.recorded("answer") == "yes");
  CHECK(apply.recorded("note") == "seen by two");
  CHECK(apply.database.value("select effects #>> '{evidence,bytes}' from opsh.step") == "7");
}

TEST_CASE("a manual step is asked and answered in Spanish, and recorded as always") {
  Apply apply;
  std::filesystem::create_directory(apply.home.path() / "sample");
  std::ofstream{apply.home.path() / "sample" / "es.lua"}
      << "return { [\"look\"] = \"mirar\", [\"Is it there?\"] = \"¿Está ahí?\" }";
  Terminal terminal = apply.start("es");
  terminal.wait_for("¿Está ahí?");
  terminal.wait_for("sí, no, o nada para dejarlo para después: ");
  terminal.type("sí\r");
  terminal.wait_for("una nota, o nada: ");
  terminal.type("\r");
  terminal.wait_for("un archivo que lo demuestre, o nada: ");
  terminal.type("\r");
  CHECK(terminal.end() == 0);
  CHECK(apply.recorded("answer") == "yes");
  CHECK(apply.recorded("question") == "Is it there?");
}

TEST_CASE("an empty answer to a manual step is later: the run waits") {
  for (const char* typed : {"\r", "\x04"}) {
    Apply apply;
    Terminal terminal = apply.start();
    terminal.wait_for("yes, no, or nothing for later: ");
    terminal.type(typed);
    CHECK(terminal.end() == 4);
    CHECK(apply.database.value("select state from opsh.run") == "stopped");
    CHECK(apply.recorded("answer") == "nothing");
  }
}

TEST_CASE("a no on the terminal fails the run") {
  Apply apply;
  Terminal terminal = apply.start();
  terminal.wait_for("yes, no, or nothing for later: ");
  terminal.type("n\r");
  terminal.wait_for("a note, or nothing: ");
  terminal.type("\r");
  terminal.wait_for("a file that shows it, or nothing: ");
  terminal.type("\r");
  CHECK(terminal.end() == 6);
  CHECK(apply.recorded("answer") == "no");
}

TEST_CASE("a manual step that wants a file takes no yes without one") {
  Apply apply{", evidence = true"};
  std::ofstream{apply.home.path() / "screen.png"} << "picture";
  Terminal terminal = apply.start();
  terminal.wait_for("yes, no, or nothing for later: ");
  terminal.type("y\r");
  terminal.wait_for("a note, or nothing: ");
  terminal.type("\r");
  terminal.wait_for("the file that shows it: ");
  terminal.type("\r");
  terminal.wait_for("the file that shows it: ");
  terminal.type("screen.png\r");
  CHECK(terminal.end() == 0);
}
