#include "kit.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"

using namespace opsh;
using namespace opsh::backup;

namespace {

constexpr const char* password = "pa:ss\\word 7";

/// Says all that others can see of a program, and where its passfile is, and what is in it.
constexpr const char* telling = R"(case "$1" in --version) echo 'pg_dump (PostgreSQL) 99.1'; exit;; esac
{ tr '\0' '\n' < /proc/$$/cmdline; tr '\0' '\n' < /proc/$$/environ; } > "$(dirname "$0")/seen"
cat "$PGPASSFILE" > "$(dirname "$0")/passfile"
stat -Lc '%a %F' "$PGPASSFILE" > "$(dirname "$0")/mode"
exit 1)";

/// A login that needs a password, whatever pg_hba.conf would let it do without.
struct Guarded {
  test::Database database;
  test::Folder folder;
  std::string conninfo = fmt::format("{} password='pa:ss\\\\word 7'", database.conninfo());
  std::string bin = folder.script("pg_dump", telling);

  /// What was seen of a pg_dump.
  std::string seen(const std::string& with) const {
    db::Target target = test::target(with);
    target.judged = false;
    db::Reader session{target};
    test::failure([&] { Dump{session, {.tools = {.directory = bin}, .file = folder / "a.dump"}}.finish(); });
    return test::content(bin + "/seen");
  }
};

}  // namespace

TEST_CASE("a password is in neither arguments nor environment of pg_dump but in a passfile of its own") {
  Guarded guarded;
  ::setenv("PGPASSWORD", "from_environment", 1);
  const auto seen = guarded.seen(guarded.conninfo);
  ::unsetenv("PGPASSWORD");
  CHECK(seen.find("--dbname=host='/") != std::string::npos);
  CHECK(seen.find("word 7") == std::string::npos);
  CHECK(seen.find("from_environment") == std::string::npos);
  CHECK(test::content(guarded.bin + "/passfile") == "*:*:*:*:pa\\:ss\\\\word 7\n");
  CHECK(test::content(guarded.bin + "/mode") == "600 regular file\n");
}

TEST_CASE("a password in the arguments is seen: the control") {
  Guarded guarded;
  proc::run({.argv = {guarded.bin + "/pg_dump", "--dbname=" + guarded.conninfo}});
  CHECK(test::content(guarded.bin + "/seen").find("word 7") != std::string::npos);
}

TEST_CASE("a session without a password gives pg_dump no passfile and nothing of our environment") {
  Guarded guarded;
  ::setenv("PGOPTIONS", "-c work_mem=1MB", 1);
  ::setenv("SECRET_TOKEN", "abcdef", 1);
  const auto seen = guarded.seen(guarded.database.conninfo());
  ::unsetenv("PGOPTIONS");
  ::unsetenv("SECRET_TOKEN");
  CHECK(seen.find("PGPASSFILE") == std::string::npos);
  CHECK(seen.find("abcdef") == std::string::npos);
  CHECK(seen.find("\nPG") == std::string::npos);
  CHECK(seen.find("options='-c work_mem=1MB'") != std::string::npos);
}

namespace {

/// For a while the server asks this login for its password, unlike the others.
class Asking {
 public:
  explicit Asking(const test::Database& database)
      : database_(database), path_(database.value("show hba_file")), before_(test::content(path_)) {
    database_.query("create role guarded login superuser password 'pa:ss\\word 7'");
    std::ofstream{path_} << "local all guarded scram-sha-256\n" << before_;
    database_.query("select pg_reload_conf()");
  }
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;
  ~Asking() {
    std::ofstream{path_} << before_;
    database_.query("select pg_reload_conf()");
    database_.query("drop role guarded");
  }

 private:
  const test::Database& database_;
  std::string path_;
  std::string before_;
};

}  // namespace

TEST_CASE("a server that asks for a password is dumped with the one of the session") {
  test::Database database;
  test::Folder folder;
  const Asking asking{database};
  db::Target target;
  target.judged = false;
  target.conninfo = fmt::format("host='{}' port={} dbname='{}' user=guarded password='pa:ss\\\\word 7'",
                                test::server().directory().string(), test::server().port(), database.name());
  db::Reader session{target};
  CHECK(Dump(session, {.file = folder / "a.dump"}).finish().size > 0);
  CHECK(Dump(session, {.file = folder / "a.dir", .jobs = 2}).finish().size > 0);
  // The control: without the passfile the server does not let it in.
  const auto client = Client::of(session.connection());
  auto outcome = proc::run(find_program({}, "pg_dump").command(client.arguments()));
  CHECK(outcome.errors.find("no password supplied") != std::string::npos);
}

TEST_CASE("pg_dump behind a prefix connects as the target says and writes here") {
  test::Database database;
  test::Folder folder;
  test::take(database, {.tools = {.prefix = {"env", "-u", "NOTHING"}},
                        .connect = database.conninfo(),
                        .file = folder / "a.dump",
                        .hash = true});
  CHECK(Archive::open(folder / "a.dump", {}).listing().database == database.name());
}

TEST_CASE("what goes through ssh reaches the other side as it was") {
  test::Database database;
  test::Folder folder;
  database.query(
      "create table \"it's $HOME\" (id int); insert into \"it's $HOME\" values (1); create table b (id int)");
  // As ssh does: the arguments joined with blanks, to a shell.
  const auto bin = folder.script("ssh", "shift\nexec sh -c \"$*\"");
  test::take(database, {.tools = {.prefix = {bin + "/ssh", "db1"}},
                        .connect = database.conninfo(),
                        .file = folder / "a.dump",
                        .tables = {"\"it's $HOME\""}});
  test::Database copy;
  Archive::open(folder / "a.dump", {})
      .restore({.client = test::client_of(copy), .tables = {sql::QualifiedName{"public", "it's $HOME"}}})
      ->finish();
  CHECK(copy.value("select count(*) from \"it's $HOME\"") == "1");
}

TEST_CASE("a restore through a prefix gets the dump as a stream") {
  test::Database database;
  test::Folder folder;
  database.query("create table item (id int)");
  const auto path = test::dumped(database, folder / "a.dump");
  test::Database copy;
  const Tools tools{.prefix = {"env", "-u", "NOTHING"}};
  auto outcome =
      Archive::open(path, tools).restore({.tools = tools, .client = Client::elsewhere(copy.conninfo())})->finish();
  CHECK(outcome.sha256 == digest::sha256_file(path));
  CHECK(copy.value("select to_regclass('item') is not null") == "t");
}

TEST_CASE("a prefix that does not work says so before anything is made") {
  test::Database database;
  test::Folder folder;
  const auto failing = folder.script("docker", "echo 'Error: no such service: db' >&2; exit 1");
  const auto take = [&](std::vector<std::string> prefix, const std::string& connect, int jobs = 0) {
    return test::failure([&] {
      test::take(database,
                 {.tools = {.prefix = std::move(prefix)}, .connect = connect, .file = folder / "a.dump", .jobs = jobs});
    });
  };
  auto error = take({failing + "/docker", "compose", "exec"}, "dbname=app");
  CHECK(error.kind == "backup.tool");
  CHECK(error.message.find("exit status 1: Error: no such service: db") != std::string::npos);
  CHECK(take({"/nonexistent/docker"}, "dbname=app").kind == "backup.tool");
  CHECK(take({"env"}, "").kind == "backup.connect");
  CHECK(take({"env"}, "dbname=app password=secret1").kind == "backup.connect");
  CHECK(take({"env"}, "dbname=app", 2).kind == "backup.prefix");
  CHECK_FALSE(std::filesystem::exists(folder / "a.dump.partial"));
}

TEST_CASE("a missing pg_dump is an error that says where it was looked for") {
  test::Folder folder;
  auto error = test::failure([&] { find_program({.directory = folder / "bin"}, "pg_dump"); });
  CHECK(error.kind == "backup.tool");
  CHECK(error.message == "there is no pg_dump in " + (folder / "bin"));
}
