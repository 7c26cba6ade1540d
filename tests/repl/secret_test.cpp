#include <filesystem>
#include <fstream>

#include "support/catch.hpp"
#include "support/server.hpp"
#include "terminal.hpp"

TEST_CASE("a secret param is asked for on the terminal, and not shown while it is typed nor afterwards") {
  test::Database database;
  database.query("create table item (id bigint primary key)");
  repl::Home home;
  auto script = home.path() / "sample.lua";
  std::ofstream{script} << R"(return require("opsh.runbook") {
    title = "sample",
    params = { token = { type = "string", secret = true, required = true } },
    steps = { {
      name = "work", key = "id", writes = { "item" }, apply = function() end,
      plan = function(ctx)
        print("it has", #ctx.params.token, ctx.params.token)
        return "select id from item"
      end,
    } },
  })";
  repl::Terminal terminal{home, {"--db", database.conninfo(), script.string()}};
  terminal.wait_for("token: ");
  terminal.type("open sesame\r");
  std::string shown = terminal.wait_for("it has\t11\t***");
  shown += terminal.wait_for("nothing to do");
  CHECK(shown.find("sesame") == std::string::npos);
  CHECK(terminal.end() == 0);
}

TEST_CASE("Ctrl-C at the question for a secret ends opsh, and the terminal shows again what is typed") {
  repl::Home home;
  auto script = home.path() / "sample.lua";
  std::ofstream{script} << R"(return require("opsh.runbook") {
    title = "sample",
    params = { token = { type = "string", secret = true, required = true } },
    steps = { { name = "work", key = "id", writes = { "item" }, plan = "select 1 as id", apply = function() end } },
  })";
  repl::Terminal terminal{home, {"--db", "host=/nowhere", script.string()}};
  terminal.wait_for("token: ");
  terminal.type("\x03");
  terminal.wait_for("error: ");
  terminal.wait_for("interrupted");
  CHECK(terminal.end() == 130);
}
