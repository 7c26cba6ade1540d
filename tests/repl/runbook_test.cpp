#include <fstream>

#include "support/catch.hpp"
#include "support/server.hpp"
#include "terminal.hpp"

using repl::has;
using repl::Home;
using repl::Terminal;

namespace {

std::string runbook(const std::string& title) {
  return "return require(\"opsh.runbook\") { title = \"" + title +
         "\", params = { limit = { type = \"integer\", default = 3 }, mode = { type = \"choice\", choices = { "
         "\"strict\", \"lenient\" }, default = \"strict\" } }, steps = { { name = \"work\", plan = \"select id, part "
         "from item where not done and id <= :limit\", key = \"id\", tolerance = 0, writes = { \"item\" }, apply = "
         "function(tx) tx:exec(\"update item set done = true from :items as i where item.id = i.id\") end } } }";
}

/// A database with nine items, a target that leads there, and a runbook that works on the first three.
struct Place {
  test::Database database;
  Home home;
  const std::filesystem::path& folder = home.path();
  std::string first = "there opsh@" + database.name() + "=> ";

  explicit Place(bool is_protected = false) {
    database.query(
        "create table item (id int primary key, part text, done bool not null default false);"
        "insert into item select i, 'part ' || i from generate_series(1, 9) as i");
    write("sample");
    std::ofstream{folder / "opsh.config.lua"} << "return { targets = { there = { connect = \"" << database.conninfo()
                                              << "\", protected = " << (is_protected ? "true" : "false") << " } } }";
  }

  void write(const std::string& title) const { std::ofstream{folder / "sample.lua"} << runbook(title); }
  std::string done() const { return database.value("select count(*) from item where done"); }
};

/// opsh at that place, at its prompt.
struct AtPrompt {
  const Place& place;
  Terminal terminal;
  std::string begun;

  AtPrompt(const Place& at, std::vector<std::string> arguments)
      : place(at), terminal(at.home, with_target(std::move(arguments)), at.folder), begun(terminal.wait_for(at.first)) {
    terminal.resize(160, 50);
  }
  static std::vector<std::string> with_target(std::vector<std::string> arguments) {
    arguments.emplace_back("--target=there");
    arguments.emplace_back("--no-color");
    return arguments;
  }
  std::string answer(const std::string& line) {
    terminal.type(line + "\r");
    terminal.wait_for("\r\n");
    return terminal.wait_for(place.first);
  }
};

}  // namespace

TEST_CASE("a runbook is loaded at the prompt with Tab, and again when its file has changed") {
  Place place;
  AtPrompt prompt{place, {}};
  prompt.terminal.type("\\load sam\t");
  prompt.terminal.wait_for("sample.lua");
  prompt.terminal.type(" li\t");
  prompt.terminal.wait_for("limit=");
  prompt.terminal.type("2 mode=l\t");
  prompt.terminal.wait_for("lenient");
  CHECK(has(prompt.answer(""), "sample.lua: sample\r\n"));
  prompt.terminal.type("=#rb.pl\t");
  prompt.terminal.wait_for("rb.plan(");
  prompt.terminal.type("'w\t");
  prompt.terminal.wait_for("work");
  CHECK(has(prompt.answer("'), rb.params.mode"), "2\r\nlenient\r\n"));
  place.write("another");
  prompt.terminal.type("=rb.params.li\t");
  prompt.terminal.wait_for("limit");
  std::string shown = prompt.answer(", rb.title");
  CHECK(has(shown, "sample.lua changed: loaded again"));
  CHECK(has(shown, "2\r\nanother\r\n"));
}

TEST_CASE(
    "an interactive plan is what rb.plan shows, is not written when the prompt is left, and can be applied later") {
  Place place;
  AtPrompt prompt{place, {"sample.lua", "--limit=3", "--interactive"}};
  CHECK(has(prompt.begun, "Nothing was written"));
  place.database.query("update item set part = 'else' where id = 1");
  CHECK(has(prompt.answer("=rb.plan()[1].part"), "part 1\r\n"));
  prompt.answer("rb.params.limit = 2");
  CHECK(has(prompt.answer("=#rb.plan(), rb.plan()[1].part"), "2\r\nelse\r\n"));
  prompt.terminal.type("\\q\r");
  prompt.terminal.wait_for("nothing was written");
  prompt.terminal.wait_for("this applies the plan: opsh sample.lua --limit=3 --target=there --no-color --apply ");
  prompt.terminal.wait_for("--plan=");
  std::string id = prompt.terminal.wait_for("\r\n");
  CHECK(prompt.terminal.end() == 0);
  CHECK(place.done() == "0");
  CHECK(place.database.value("select to_regnamespace('opsh') is null") == "t");
  place.database.query("update item set part = 'part 1' where id = 1");
  Terminal later{
      place.home, {"--target=there", "sample.lua", "--limit=3", "--apply", "--plan=" + id.substr(0, 22)}, place.folder};
  CHECK(later.end() == 0);
  CHECK(place.done() == "3");
}

TEST_CASE("\\apply applies the plan that is loaded, and opsh ends with its exit status") {
  Place place;
  AtPrompt prompt{place, {"sample.lua", "--interactive", "--reason=why not"}};
  std::string shown = prompt.answer("\\apply");
  CHECK(has(shown, "nothing came, went or changed of 3 items"));
  CHECK(place.done() == "3");
  CHECK(place.database.value("select reason from opsh.run") == "why not");
  CHECK(has(prompt.answer("=#rb.plan()"), "0\r\n"));
  // A plan is good for one apply; the status stays that of the run.
  CHECK(has(prompt.answer("\\apply"), "was applied by run"));
  prompt.terminal.type("\\q\r");
  CHECK(prompt.terminal.end() == 0);
}

TEST_CASE("\\apply refuses what is not what was planned: rows, params, the script, another place") {
  Place place;
  AtPrompt prompt{place, {"sample.lua", "--interactive"}};
  place.database.query("delete from item where id = 2");
  CHECK(has(prompt.answer("\\apply"), "0 came, 1 went, 0 changed of 3 planned, and 0 tolerated"));
  place.database.query("insert into item values (2, 'part 2')");
  prompt.answer("rb.params.limit = 1");
  CHECK(has(prompt.answer("\\apply"), "was made with other params"));
  prompt.answer("rb.params.limit = nil");
  place.write("another");
  CHECK(has(prompt.answer("\\apply"), "has changed since plan"));
  place.write("sample");
  prompt.answer("\\c " + place.database.name());
  CHECK(has(prompt.answer("\\apply"), "the prompt went elsewhere"));
  CHECK(place.done() == "0");
  prompt.terminal.type("\\q\r");
  prompt.terminal.wait_for("nothing was written");
  CHECK(prompt.terminal.end() == 5);
}

TEST_CASE("\\apply is refused where a transaction is open, and where \\safe was said") {
  Place place;
  AtPrompt prompt{place, {"sample.lua", "--interactive"}};
  const std::string at = "there opsh@" + place.database.name();
  prompt.terminal.type("\\write no-backup trying\r");
  prompt.terminal.wait_for("begin? [y/N] ");
  prompt.terminal.type("y\r");
  prompt.terminal.wait_for(at + " writing*=> ");
  prompt.terminal.type("update item set done = true where id = 1;\r");
  prompt.terminal.wait_for(at + " writing*=> ");
  // What was tried is seen by a plan that is made now.
  prompt.terminal.type("rb.params.limit = 5\r");
  prompt.terminal.wait_for(at + " writing*=> ");
  prompt.terminal.type("=#rb.plan()\r");
  CHECK(has(prompt.terminal.wait_for(at + " writing*=> "), "4\r\n"));
  for (const char* command : {"\\apply\r", "\\load sample.lua\r"}) {
    prompt.terminal.type(command);
    CHECK(has(prompt.terminal.wait_for(at + " writing*=> "), "would leave the transaction that is open"));
  }
  prompt.answer("\\rollback");
  prompt.answer("rb.params.limit = nil");
  prompt.terminal.type("\\safe\r");
  prompt.terminal.wait_for(at + " safe=> ");
  prompt.terminal.type("\\apply\r");
  CHECK(has(prompt.terminal.wait_for(at + " safe=> "), "\\safe was said"));
  CHECK(place.done() == "0");
}

TEST_CASE("Ctrl-C stops a loop over rb that catches errors") {
  Place place;
  AtPrompt prompt{place, {}};
  prompt.answer("\\load sample.lua");
  prompt.terminal.type("print('going') while true do pcall(rb.plan) pcall(rb.check) end\r");
  prompt.terminal.wait_for("going\r\n");
  prompt.terminal.type("\x03");
  CHECK(has(prompt.terminal.wait_for(place.first), "interrupted"));
  CHECK(has(prompt.answer("=#rb.plan()"), "3\r\n"));
}

TEST_CASE("\\apply on a protected target wants the database's name") {
  Place place{true};
  AtPrompt prompt{place, {"sample.lua", "--interactive"}};
  prompt.terminal.type("\\apply\r");
  prompt.terminal.wait_for("Type the database's name to go on: ");
  CHECK(has(prompt.answer("there"), "nothing was written"));
  CHECK(place.done() == "0");
  prompt.terminal.type("\\apply\r");
  prompt.terminal.wait_for("Type the database's name to go on: ");
  prompt.answer(place.database.name());
  CHECK(place.done() == "3");
  prompt.terminal.type("\x04");
  CHECK(prompt.terminal.end() == 0);
}
