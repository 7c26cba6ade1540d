#include <fstream>
#include <sstream>

#include "support/catch.hpp"
#include "support/server.hpp"
#include "terminal.hpp"

using repl::Home;
using repl::Terminal;

namespace {

/// An apply on a protected target, as a person starts it.
struct Apply {
  test::Database database;
  Home home;
  std::string script = home.path() / "sample.lua";

  Apply() {
    database.query(
        "create table item (id int primary key, done bool not null default false);"
        "insert into item values (1), (2)");
    std::ofstream{script} << "return require(\"opsh.runbook\") { title = \"sample\", steps = { { name = \"work\", "
                             "plan = \"select id from item where not done\", key = \"id\", writes = { \"item\" }, "
                             "apply = function(tx) tx:exec(\"update item set done = true from :items as i where "
                             "item.id = i.id\") end } } }";
    std::ofstream{home.path() / "opsh.config.lua"} << "return { targets = { prod = { connect = \""
                                                   << database.conninfo() << "\", protected = true } } }";
    Terminal plan{home, {"--target=prod", script}, home.path()};
    REQUIRE(plan.end() == 0);
  }

  std::string done() const { return database.value("select count(*) from item where done"); }
};

}  // namespace

TEST_CASE("a protected target is written to when the database's name is typed") {
  Apply apply;
  Terminal terminal{apply.home, {"--target=prod", apply.script, "--apply"}, apply.home.path()};
  terminal.wait_for("This writes into a protected database.");
  CHECK(terminal.wait_for("Type the database's name to go on: ").find("2 items in item") != std::string::npos);
  CHECK(apply.done() == "0");
  terminal.type(apply.database.name() + "\r");
  CHECK(terminal.end() == 0);
  CHECK(apply.done() == "2");
}

TEST_CASE("a protected target is not written to when anything else is typed") {
  for (const char* typed : {"\r", "yes\r", "prod\r", "\x04"}) {
    Apply apply;
    Terminal terminal{apply.home, {"--target=prod", apply.script, "--apply"}, apply.home.path()};
    terminal.wait_for("Type the database's name to go on: ");
    terminal.type(typed);
    CHECK(terminal.end() == 5);
    CHECK(apply.done() == "0");
    CHECK(apply.database.value("select to_regnamespace('opsh') is null") == "t");
  }
}

TEST_CASE("Ctrl-C at the question ends the apply before anything is written") {
  Apply apply;
  Terminal terminal{apply.home, {"--target=prod", apply.script, "--apply"}, apply.home.path()};
  terminal.wait_for("Type the database's name to go on: ");
  terminal.type("\x03");
  CHECK(terminal.end() == 130);
  CHECK(apply.done() == "0");
}
