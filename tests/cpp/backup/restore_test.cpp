#include "kit.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"

using namespace opsh;
using namespace opsh::backup;

namespace {

/// A dump with one row that says which it is.
struct Named {
  test::Database database;
  test::Folder folder;
  std::string good;
  std::string evil;

  Named() {
    // In rows that no compression makes small: the file is larger than what pipes hold.
    database.query(
        "create table item (id int primary key, name text); create table filler (t text);"
        "insert into filler select string_agg(md5(random()::text), '') from generate_series(1, 30000) group by "
        "random() > 0.5");
    good = make("good");
    evil = make("evil");
  }
  std::string make(const std::string& name) const {
    database.query("truncate item; insert into item values (1, '" + name + "')");
    return test::dumped(database, folder / name);
  }
};

std::string name_in(const test::Database& copy) {
  return copy.value("select name from item");
}

}  // namespace

TEST_CASE("a dump that is replaced after it was opened is restored as it was opened") {
  Named named;
  test::Database copy;
  const auto digest = digest::sha256_file(named.good);
  auto archive = Archive::open(named.good, {});
  std::filesystem::rename(named.evil, named.good);
  CHECK(archive.restore({.client = test::client_of(copy)})->finish().sha256 == digest);
  CHECK(name_in(copy) == "good");
}

TEST_CASE("a dump that is opened again by its path is another one: the control") {
  Named named;
  test::Database copy;
  Archive::open(named.good, {});
  std::filesystem::rename(named.evil, named.good);
  Archive::open(named.good, {}).restore({.client = test::client_of(copy)})->finish();
  CHECK(name_in(copy) == "evil");
}

TEST_CASE("a dump that is overwritten in place is told by the digest of what was restored") {
  Named named;
  test::Database copy;
  auto archive = Archive::open(named.good, {});
  const auto before = archive.hash()->finish().sha256;
  std::filesystem::copy_file(named.evil, named.good, std::filesystem::copy_options::overwrite_existing);
  auto work = archive.restore({.client = test::client_of(copy)});
  std::string restored = "an error";
  try {
    restored = work->finish().sha256;
  } catch (const Error& error) {
    CHECK(error.kind == "backup.changed");
  }
  CHECK(restored != before);
}

TEST_CASE("a directory that is written to while it is restored is told") {
  test::Database database;
  test::Folder folder;
  database.query("create table item (id int); insert into item select generate_series(1, 1000)");
  test::take(database, {.file = folder / "a.dir", .jobs = 1});
  test::Database copy;
  auto work = Archive::open(folder / "a.dir", {}).restore({.client = test::client_of(copy)});
  while (work->bytes() < 100) work->step(Deadline::in(Seconds{0}));
  folder.write("a.dir/9999.dat", "more");
  CHECK(test::failure([&] { work->finish(); }).kind == "backup.changed");
}

TEST_CASE("a restore that fails leaves nothing behind in the database") {
  Named named;
  test::Database copy;
  copy.query("create table item (id int)");
  auto error =
      test::failure([&] { Archive::open(named.good, {}).restore({.client = test::client_of(copy)})->finish(); });
  CHECK(error.kind == "backup.restore");
  CHECK(error.message.find("relation \"item\" already exists") != std::string::npos);
  CHECK(copy.value("select to_regclass('public.filler') is null") == "t");
}

TEST_CASE("a restore that is given up leaves nothing behind in the database") {
  Named named;
  test::Database copy;
  {
    auto work = Archive::open(named.good, {}).restore({.client = test::client_of(copy)});
    while (work->bytes() < 500'000) work->step(Deadline::in(Seconds{0}));
  }
  CHECK(copy.value("select count(*) from pg_class where relname in ('item', 'filler')") == "0");
}

TEST_CASE("a damaged dump is not restored") {
  Named named;
  test::Database copy;
  std::string bytes = test::content(named.good);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  const auto damaged = named.folder.write("damaged", bytes);
  auto error = test::failure([&] { Archive::open(damaged, {}).restore({.client = test::client_of(copy)})->finish(); });
  CHECK(error.kind == "backup.restore");
  CHECK(copy.value("select count(*) from pg_class where relname in ('item', 'filler')") == "0");
}

TEST_CASE("owners and privileges are restored unless they are not wanted") {
  test::Database database;
  test::Folder folder;
  database.query(
      "create role keeper; create table item (id int); alter table item owner to keeper;"
      "grant select on item to public");
  const auto path = test::dumped(database, folder / "a.dump");
  constexpr const char* asked =
      "select pg_get_userbyid(relowner) || ' ' || coalesce(relacl::text, '-') from pg_class "
      "where relname = 'item'";
  test::Database with;
  Archive::open(path, {}).restore({.client = test::client_of(with)})->finish();
  CHECK(with.value(asked) == database.value(asked));
  test::Database without;
  Archive::open(path, {}).restore({.client = test::client_of(without), .owner = false, .privileges = false})->finish();
  CHECK(without.value(asked) == "opsh -");
  for (const auto* one : {&database, &with}) one->query("drop owned by keeper");
  database.query("drop role keeper");
}

TEST_CASE("one file is not restored by several sessions") {
  Named named;
  test::Database copy;
  auto error =
      test::failure([&] { Archive::open(named.good, {}).restore({.client = test::client_of(copy), .jobs = 2}); });
  CHECK(error.kind == "backup.jobs");
}

TEST_CASE("some tables come back with types and keys and without what refers to others") {
  test::Database database;
  test::Folder folder;
  database.query(
      "create type mood as enum ('fine'); create table other (id int primary key);"
      "create table item (id int primary key, other int references other, m mood);"
      "insert into other values (1); insert into item values (1, 1, 'fine')");
  const auto path = test::dumped(database, folder / "a.dump");
  test::Database copy;
  auto archive = Archive::open(path, {});
  auto outcome =
      archive.restore({.client = test::client_of(copy), .tables = {sql::QualifiedName{"public", "item"}}})->finish();
  CHECK(outcome.sha256 == digest::sha256_file(path));
  CHECK_FALSE(outcome.trailing);
  CHECK(copy.value("select m from item") == "fine");
  CHECK(copy.value("select count(*) from other") == "0");
  CHECK(copy.value("select string_agg(conname, ',') from pg_constraint where connamespace = 'public'::regnamespace") ==
        "item_pkey");
  auto error = test::failure([&] {
    archive.restore({.client = test::client_of(copy), .tables = {sql::QualifiedName{"public", "gone"}}});
  });
  CHECK(error.kind == "backup.tables");
  CHECK(error.message == "the dump has no rows of a table public.gone");
}
