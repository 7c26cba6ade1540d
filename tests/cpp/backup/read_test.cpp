#include "kit.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"

using namespace opsh;
using namespace opsh::backup;

namespace {

Outcome read_all(const std::string& path) {
  return Archive::open(path, {}).read()->finish();
}

/// A database with everything that has data of its own in a dump.
struct Rich {
  test::Database database;
  test::Folder folder;
  Rich() {
    database.query(
        "create table item (id serial primary key, name text);"
        "insert into item (name) select md5(n::text) from generate_series(1, 20000) as n;"
        "create table none (id int); create table wide (t text); alter table wide alter t set storage external;"
        "insert into wide select repeat(md5(n::text), 5000) from generate_series(1, 20) as n;"
        "create materialized view seen as select count(*) from item;"
        "select lo_from_bytea(0, decode(repeat('ab', 10000), 'hex'))");
  }
  std::string dump(const std::string& name, std::vector<std::string> more = {}) const {
    std::vector<std::string> argv{test::pg_dump(), "--format=custom", "--dbname=" + database.conninfo(),
                                  "--file=" + (folder / name)};
    argv.insert(argv.end(), more.begin(), more.end());
    REQUIRE(proc::run({.argv = argv}).success());
    return folder / name;
  }
};

}  // namespace

TEST_CASE("an intact dump is read to its last byte") {
  Rich rich;
  test::Database empty;
  const std::vector<std::string> paths{
      rich.dump("a"),
      rich.dump("b", {"--compress=0"}),
      rich.dump("c", {"--compress=9"}),
      rich.dump("d", {"--schema-only"}),
      rich.dump("e", {"--data-only"}),
      rich.dump("f", {"--table=none"}),
      rich.dump("g", {"--table=wide", "--compress=0"}),
      rich.dump("h", {"--inserts"}),
      test::dumped(rich.database, rich.folder / "i"),
      test::dumped(empty, rich.folder / "j"),
  };
  for (const auto& path : paths) {
    INFO(path);
    auto outcome = read_all(path);
    CHECK(outcome.trailing == false);
    CHECK(outcome.size == std::filesystem::file_size(path));
    CHECK(outcome.sha256 == digest::sha256_file(path));
  }
}

TEST_CASE("bytes behind the end of a dump are hashed and told of") {
  Rich rich;
  for (const auto& path : {rich.dump("a"), rich.dump("b", {"--compress=0"}), rich.dump("c", {"--schema-only"})}) {
    const std::string whole = test::content(path);
    for (std::size_t count : {1, 2, 100, 4095, 4096, 4097, 70'000, 3'000'000}) {
      INFO(path << " and " << count);
      const auto longer = rich.folder.write("longer", whole + std::string(count, '\0'));
      auto outcome = read_all(longer);
      CHECK(outcome.trailing == true);
      CHECK(outcome.size == whole.size() + count);
      CHECK(outcome.sha256 == digest::sha256_file(longer));
    }
  }
}

TEST_CASE("a dump that is cut off cannot be read, wherever the cut is") {
  Rich rich;
  const std::string whole = test::content(rich.dump("a"));
  for (std::size_t left : {whole.size() - 1, whole.size() - 5, whole.size() / 2, whole.size() / 10}) {
    INFO(left);
    const auto cut = rich.folder.write("cut", whole.substr(0, left));
    auto error = test::failure([&] { read_all(cut); });
    CHECK(error.kind == "backup.unreadable");
    CHECK(error.message.starts_with(cut + " cannot be read by pg_restore "));
  }
}

TEST_CASE("a dump that is overwritten while it is read is not the one that was read") {
  Rich rich;
  const auto path = rich.dump("a", {"--compress=0"});
  const std::string whole = test::content(path);
  auto work = Archive::open(path, {}).read();
  CHECK_FALSE(work->step(Deadline::in(Seconds{0})));
  {
    std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(static_cast<std::streamoff>(whole.size()) - 40);
    file << "!";
  }
  auto error = test::failure([&] { work->finish(); });
  CHECK(error.kind == "backup.changed");
}

TEST_CASE("reading a dump through a prefix hashes the same") {
  Rich rich;
  const auto path = rich.dump("a");
  auto outcome = Archive::open(path, {.prefix = {"env", "-u", "NOTHING"}}).read()->finish();
  CHECK(outcome.sha256 == digest::sha256_file(path));
  CHECK_FALSE(outcome.trailing);
}
