#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <optional>

#include "base/interrupt.hpp"
#include "kit.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/peer.hpp"

using namespace opsh;
using namespace opsh::backup;

namespace {

struct Shop {
  test::Database database;
  test::Folder folder;

  Shop() {
    database.query("create table item (id int primary key, name text)");
    database.query("insert into item select n, repeat(md5(n::text), 20) from generate_series(1, 2000) as n");
  }

  /// What a dump ends with when this script is pg_dump; what it prints is the dump.
  Error failure_of(const std::string& script) const {
    const std::string bin =
        folder.script("pg_dump",
                      "for word; do case $word in --version) echo 'pg_dump (PostgreSQL) 99.1'; exit;;"
                      "--file=*) exec > \"${word#--file=}\";; esac; done\n" +
                          script);
    return test::failure([&] { test::take(database, {.tools = {.directory = bin}, .file = folder / "a.dump"}); });
  }
  bool nothing_left() const {
    std::filesystem::remove_all(folder / "bin");
    return folder.empty();
  }
};

}  // namespace

TEST_CASE("a dump restores to what the database had") {
  Shop shop;
  auto outcome = test::take(shop.database, {.file = shop.folder / "a.dump", .hash = true});
  CHECK(outcome.size == std::filesystem::file_size(shop.folder / "a.dump"));
  CHECK(outcome.sha256 == digest::sha256_file(shop.folder / "a.dump"));
  CHECK(outcome.warnings.empty());
  test::Database copy;
  auto restored = Archive::open(shop.folder / "a.dump", {}).restore({.client = test::client_of(copy)})->finish();
  CHECK(restored.sha256 == outcome.sha256);
  CHECK(copy.value("select count(*), sum(hashtext(i::text)) from item as i") ==
        shop.database.value("select count(*), sum(hashtext(i::text)) from item as i"));
}

TEST_CASE("a dump is of the snapshot that it was given") {
  Shop shop;
  db::Reader session{test::host_target(shop.database)};
  auto snapshot = session.query(test::read("select pg_export_snapshot()"));
  shop.database.query("delete from item");
  Dump{session, {.snapshot = std::string{*snapshot.field(0, 0)}, .file = shop.folder / "a.dump"}}.finish();
  test::Database copy;
  Archive::open(shop.folder / "a.dump", {}).restore({.client = test::client_of(copy)})->finish();
  CHECK(copy.value("select count(*) from item") == "2000");
}

TEST_CASE("a dump knows where in the file each table is") {
  // Only a pg_dump that can go back in what it writes puts that there; without it, pg_restore --jobs does not work.
  Shop shop;
  test::dumped(shop.database, shop.folder / "a.dump");
  auto outcome = proc::run({.argv = {find_program({}, "pg_restore").argv.front(), "--jobs=2", "--dbname",
                                     test::Database{}.conninfo(), shop.folder / "a.dump"}});
  CHECK(outcome.errors == "");
}

TEST_CASE("a dump can be read by nobody else") {
  Shop shop;
  const auto before = ::umask(0);
  test::take(shop.database, {.file = shop.folder / "a.dump"});
  test::take(shop.database, {.file = shop.folder / "b.dir", .jobs = 2});
  ::umask(before);
  using std::filesystem::perms;
  CHECK(std::filesystem::status(shop.folder / "a.dump").permissions() == (perms::owner_read | perms::owner_write));
  CHECK(std::filesystem::status(shop.folder / "b.dir").permissions() == perms::owner_all);
  for (const auto& entry : std::filesystem::directory_iterator{shop.folder / "b.dir"})
    CHECK(entry.status().permissions() == (perms::owner_read | perms::owner_write));
}

TEST_CASE("a dump replaces nothing") {
  Shop shop;
  for (const char* name : {"a.dump", "a.dump.partial"}) {
    shop.folder.write(name, "mine");
    auto error = test::failure([&] { test::dumped(shop.database, shop.folder / "a.dump"); });
    CHECK(error.kind == "backup.dump");
    CHECK(error.message == "there is already something named " + (shop.folder / name));
    CHECK(test::content(shop.folder / name) == "mine");
    std::filesystem::remove(shop.folder / name);
  }
}

TEST_CASE("a dump that fails says pg_dump's words and leaves nothing") {
  Shop shop;
  auto error = shop.failure_of(
      "echo begun\necho 'pg_dump: warning: odd' >&2\n"
      "echo 'pg_dump: error: could not write to output file: No space left on device' >&2\nexit 1");
  CHECK(error.kind == "backup.dump");
  CHECK(error.message == "the database cannot be dumped: could not write to output file: No space left on device");
  CHECK(error.detail.find("warning: odd") != std::string::npos);
  CHECK(shop.nothing_left());
}

TEST_CASE("a shell leaves what a failing pg_dump wrote: the control") {
  test::Folder folder;
  proc::run({.argv = {"sh", "-c", "sh -c 'echo begun; exit 1' > \"$0\"", folder / "a.dump"}});
  CHECK_FALSE(folder.empty());
}

TEST_CASE("a pg_dump that is killed leaves nothing") {
  Shop shop;
  auto error = shop.failure_of("echo begun\nkill -9 $$");
  CHECK(error.message == "the database cannot be dumped: pg_dump was killed by signal 9 (Killed)");
  CHECK(shop.nothing_left());
}

TEST_CASE("a pg_dump that ends well having written nothing is not believed") {
  Shop shop;
  auto error = shop.failure_of("exit 0");
  CHECK(error.kind == "backup.dump");
  CHECK(error.message.find("is empty") != std::string::npos);
  CHECK(shop.nothing_left());
}

TEST_CASE("a greeting before the dump is not taken for one") {
  Shop shop;
  const std::string prefix =
      shop.folder.script("greet", "case $* in *--version) ;; *) echo Welcome to db1;; esac; exec \"$@\"");
  auto error = test::failure([&] {
    test::take(shop.database, {.tools = {.prefix = {prefix + "/greet"}},
                               .connect = shop.database.conninfo(),
                               .file = shop.folder / "a.dump"});
  });
  CHECK(error.message.find("is not a dump of pg_dump") != std::string::npos);
  CHECK(shop.nothing_left());
}

TEST_CASE("a dump that does not fit leaves nothing") {
  Shop shop;
  auto error = shop.failure_of("trap '' XFSZ; ulimit -f 8; exec '" + test::pg_dump() + "' \"$@\"");
  CHECK(error.kind == "backup.dump");
  CHECK(error.message.find("File too large") != std::string::npos);
  CHECK(shop.nothing_left());
}

TEST_CASE("a dump from elsewhere that does not fit leaves nothing") {
  Shop shop;
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto ignored = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit little{.rlim_cur = 4096, .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &little);
  auto error = test::failure([&] {
    test::take(shop.database, {.tools = {.prefix = {"env", "-u", "NOTHING"}},
                               .connect = shop.database.conninfo(),
                               .file = shop.folder / "a.dump"});
  });
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, ignored);
  CHECK(error.kind == "backup.dump");
  CHECK(error.message == "cannot write what pg_dump prints: File too large");
  CHECK(shop.nothing_left());
  CHECK(shop.nothing_left());
}

TEST_CASE("a dump that is given up is killed and leaves nothing") {
  Shop shop;
  test::Peer peer{shop.database.conninfo()};
  peer.run("begin; lock table item");
  for (int jobs : {0, 2}) {
    db::Reader session{test::host_target(shop.database)};
    {
      Dump dump{session, {.file = shop.folder / "a.dump", .jobs = jobs}};
      CHECK_FALSE(dump.step(Deadline::in(Seconds{0.3})));
    }
    CHECK(shop.folder.empty());
    CHECK(test::eventually([&] {
      return shop.database.value("select count(*) from pg_stat_activity where application_name = 'pg_dump'") == "0";
    }));
  }
}

TEST_CASE("an interrupt ends a dump") {
  Shop shop;
  test::Peer peer{shop.database.conninfo()};
  peer.run("begin; lock table item");
  db::Reader session{test::host_target(shop.database)};
  std::optional<Dump> dump{std::in_place, session, DumpOptions{.file = shop.folder / "a.dump"}};
  CHECK_FALSE(dump->step(Deadline::in(Seconds{0.1})));
  interrupt::request();
  auto error = test::failure([&] { dump->finish(); });
  interrupt::clear();
  CHECK(error.kind == "interrupted");
  dump.reset();
  CHECK(shop.folder.empty());
}

TEST_CASE("a table that somebody has locked does not hold a dump up for ever") {
  Shop shop;
  test::Peer peer{shop.database.conninfo()};
  peer.run("begin; lock table item");
  auto error =
      test::failure([&] { test::take(shop.database, {.file = shop.folder / "a.dump", .lock_within = Seconds{0.2}}); });
  CHECK(error.kind == "backup.dump");
  CHECK(error.message.find("timeout") != std::string::npos);
  CHECK(shop.folder.empty());
}

TEST_CASE("a pg_dump that is older than the server is refused before it begins") {
  Shop shop;
  const std::string bin = shop.folder.script("pg_dump", "echo 'pg_dump (PostgreSQL) 12.4 (Debian 12.4-1)'");
  auto error =
      test::failure([&] { test::take(shop.database, {.tools = {.directory = bin}, .file = shop.folder / "a.dump"}); });
  CHECK(error.kind == "backup.version");
  CHECK(error.message.starts_with("pg_dump 12.4 is older than the server, which is PostgreSQL "));
  CHECK(shop.nothing_left());
}

TEST_CASE("a dump of some tables has their rows alone and the schema of all") {
  test::Database database;
  test::Folder folder;
  database.query(
      "create type mood as enum ('fine'); create schema \"My \"\"S\"\"\"; create table \"My \"\"S\"\"\".\"a.*|b\" (m "
      "mood);"
      "create table \"My \"\"S\"\"\".\"aXXb\" (m mood); create table other (id int primary key);"
      "create table parent (id int references other) partition by list (id);"
      "create table child partition of parent for values in (1);"
      "insert into \"My \"\"S\"\"\".\"a.*|b\" values ('fine'); insert into \"My \"\"S\"\"\".\"aXXb\" values ('fine');"
      "insert into other values (1); insert into parent values (1); select lo_create(0)");
  test::take(database, {.file = folder / "a.dump", .tables = {"\"My \"\"S\"\"\".\"a.*|b\"", "public.parent"}});
  test::Database copy;
  Archive::open(folder / "a.dump", {})
      .restore({.client = test::client_of(copy),
                .tables = {sql::QualifiedName{"My \"S\"", "a.*|b"}, sql::QualifiedName{"public", "child"}}})
      ->finish();
  CHECK(copy.value("select count(*) from \"My \"\"S\"\"\".\"a.*|b\"") == "1");
  CHECK(copy.value("select count(*) from \"My \"\"S\"\"\".\"aXXb\"") == "0");
  CHECK(copy.value("select count(*) from child") == "1");
  CHECK(copy.value("select count(*) from other") == "0");
  CHECK(copy.value("select count(*) from pg_largeobject_metadata") == "0");
}

TEST_CASE("a table that is not there cannot be dumped") {
  Shop shop;
  auto error = test::failure([&] {
    test::take(shop.database, {.file = shop.folder / "a.dump", .tables = {"public.item", "public.itme"}});
  });
  CHECK(error.kind == "backup.tables");
  CHECK(error.message == "there is no table public.itme");
  CHECK(shop.folder.empty());
}

TEST_CASE("a dump with jobs is a directory with the same content") {
  Shop shop;
  auto outcome = test::take(shop.database, {.file = shop.folder / "a.dir", .jobs = 2, .hash = true});
  test::Database copy;
  auto restored =
      Archive::open(shop.folder / "a.dir", {}).restore({.client = test::client_of(copy), .jobs = 2})->finish();
  CHECK(restored.sha256 == outcome.sha256);
  CHECK(restored.size == outcome.size);
  CHECK(copy.value("select count(*) from item") == "2000");
}
