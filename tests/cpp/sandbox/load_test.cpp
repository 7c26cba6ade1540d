#include "sandbox/load.hpp"

#include <fstream>

#include "base/error.hpp"
#include "owner.hpp"
#include "support/catch.hpp"
#include "support/server.hpp"

using namespace opsh;

namespace {

struct File {
  test::Scratch scratch;
  std::filesystem::path path = scratch.path() / "fixture.sql";
  explicit File(const std::string& text) { std::ofstream{path} << text; }
};

Error load_failure(const std::string& conninfo, const std::filesystem::path& path) {
  try {
    sandbox::load(conninfo, {path});
  } catch (const Error& error) {
    return error;
  }
  return {"", "it loaded"};
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a file is loaded with its variables, several statements and COPY data") {
  test::Database database;
  File file{
      "create table t (a int, b text);\ncopy t from stdin;\n1\tone\n2\ttwo\n\\.\ninsert into t values (3, :'word');\n"};
  sandbox::load(database.conninfo(), {file.path, {{"word", "it's $HOME; three"}}});
  CHECK(database.query("select a, b from t order by a") ==
        std::vector<test::Row>{{"1", "one"}, {"2", "two"}, {"3", "it's $HOME; three"}});
}

TEST_CASE("the first error of a file stops it and says what and where") {
  test::Database database;
  File file{
      "create table t (a int primary key);\ndo $$ begin raise notice 'x'; end $$;\ninsert into t values (1), (1);\n"
      "create table never ();\n"};
  Error error = load_failure(database.conninfo(), file.path);
  CHECK(error.kind == "sandbox.load");
  CHECK(has(error.message, "duplicate key value violates unique constraint \"t_pkey\""));
  CHECK(has(error.message, "fixture.sql"));
  CHECK(error.where == file.path.string() + ":3");
  CHECK(error.sqlstate == "23505");
  CHECK(has(error.detail, "Key (a)=(1) already exists."));
  CHECK_FALSE(has(error.message, "LOCATION"));
  CHECK(database.query("select from pg_class where relname = 'never'").empty());
}

TEST_CASE("an error with a position shows the statement, and the server's hint is the hint") {
  test::Database database;
  File file{"create table t (amount int);\nselect amounts from t;\n"};
  Error error = load_failure(database.conninfo(), file.path);
  CHECK(error.sqlstate == "42703");
  CHECK(has(error.excerpt, "LINE 1: select amounts from t;\n"));
  CHECK(error.excerpt.back() == '^');
  CHECK(has(error.hint, "Perhaps you meant"));
}

TEST_CASE("psql's own errors are errors too") {
  test::Database database;
  File file{"\n\\nosuchcommand\n"};
  Error error = load_failure(database.conninfo(), file.path);
  CHECK(has(error.message, "invalid command \\nosuchcommand"));
  CHECK(error.where == file.path.string() + ":2");
}

TEST_CASE("a server that does not answer is an error in psql's words") {
  File file{"select 1"};
  Error error = load_failure("host=/nonexistent user=opsh", file.path);
  CHECK(error.kind == "sandbox.load");
  CHECK(has(error.message, "No such file or directory"));
}

TEST_CASE("a file that is not there has an error of its own") {
  CHECK(load_failure(test::server().conninfo(), "/nonexistent.sql").kind == "sandbox.no_file");
  CHECK(load_failure(test::server().conninfo(), "/tmp").kind == "sandbox.no_file");
}

TEST_CASE("a password is not put into arguments") {
  File file{"select 1"};
  Error error = load_failure("host=localhost password=hunter2", file.path);
  CHECK(error.kind == "sandbox.load");
  CHECK_FALSE(has(error.message + error.hint, "hunter2"));
}
