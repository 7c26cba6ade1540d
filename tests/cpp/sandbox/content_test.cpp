#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "owner.hpp"
#include "sandbox/binaries.hpp"
#include "sandbox/cache.hpp"
#include "sandbox/server.hpp"
#include "support/catch.hpp"
#include "support/server.hpp"

using namespace opsh;
using namespace opsh::sandbox;
namespace fs = std::filesystem;

namespace {

/// A cache of this test's own, and a file to load.
struct Place {
  test::Scratch scratch;
  test::Variable variable{"XDG_CACHE_HOME", (scratch.path() / "cache").string()};
  fs::path file = scratch.path() / "f.sql";

  Place() { write("create table t as select clock_timestamp() as made, :'word' as word;\n"); }

  void write(const std::string& text) const { std::ofstream{file} << text; }
  fs::path cache() const { return Cache{}.directory(); }

  std::vector<fs::path> templates(const std::string& kind) const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator{cache()})
      if (entry.path().filename().string().starts_with("2-" + kind)) found.push_back(entry.path());
    return found;
  }
  std::vector<fs::path> entries() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator{cache()}) found.push_back(entry.path());
    return found;
  }

  Server start(const std::string& word = "x") const { return Server::start({.content = {file, {{"word", word}}}}); }

  /// When the data of a sandbox started now was made.
  std::string made(const std::string& word = "x") const {
    Server server = start(word);
    return *test::query(server.conninfo(), "select made from t").front().front();
  }
};

void age(const fs::path& kept, long seconds) {
  std::uintmax_t entries = 0;
  std::uintmax_t bytes = 0;
  long made = 0;
  std::ifstream{kept / "manifest"} >> entries >> bytes >> made;
  std::ofstream{kept / "manifest"} << entries << " " << bytes << " " << made - seconds << "\n";
}

void unused(const fs::path& kept, int hours) {
  fs::last_write_time(kept / "manifest", fs::file_time_type::clock::now() - std::chrono::hours{hours});
}

}  // namespace

TEST_CASE("a file is loaded once and its data copied from then on, until it changes") {
  Place place;
  auto first = place.made();
  CHECK(place.made() == first);
  CHECK(place.templates("loaded").size() == 1);
  CHECK(place.made("y") != first);
  CHECK(place.made() == first);
  place.write("-- changed\ncreate table t as select clock_timestamp() as made;\n");
  auto second = place.made();
  CHECK(second != first);
  CHECK(place.made() == second);
}

TEST_CASE("other settings of the server load anew") {
  Place place;
  place.write("create table t as select current_setting('work_mem') as made;\n");
  CHECK(place.made() == "4MB");
  Server other = Server::start({.settings = {{"work_mem", "7MB"}}, .content = {place.file, {{"word", "x"}}}});
  CHECK(test::query(other.conninfo(), "select made from t").front().front() == "7MB");
}

TEST_CASE("what a copy holds is all that was loaded: databases, roles, sequences, unlogged rows, statistics") {
  Place place;
  place.write(
      "create role somebody; create sequence s; select nextval('s'); create unlogged table u as select 7 as a;\n"
      "create table t as select clock_timestamp() as made; analyze u; create database other;\n\\c other\n"
      "create table o as select 9 as a;\n");
  auto first = place.made();
  Server copy = place.start();
  CHECK(test::query(copy.conninfo(), "select made from t").front().front() == first);
  CHECK(test::query(copy.conninfo(), "select a from u").front().front() == "7");
  CHECK(test::query(copy.conninfo(), "select nextval('s')").front().front() == "2");
  CHECK(test::query(copy.conninfo(), "select 1 from pg_roles where rolname = 'somebody'").size() == 1);
  CHECK(test::query(copy.conninfo(), "select 1 from pg_stats where tablename = 'u'").size() == 1);
  CHECK(test::query(copy.conninfo("other"), "select a from o").front().front() == "9");
}

TEST_CASE("a file whose dependencies cannot be told is loaded each time") {
  Place place;
  place.write("\\! true\ncreate table t as select clock_timestamp() as made;\n");
  CHECK(place.made() != place.made());
  CHECK(place.templates("loaded").empty());
  Server server = place.start();
  CHECK(server.warnings().empty());
  CHECK(server.origin().find("\\! runs a program") != std::string::npos);
}

TEST_CASE("data that was loaded more than a day ago, or in the future, is loaded again") {
  Place place;
  auto first = place.made();
  REQUIRE(place.templates("loaded").size() == 1);
  age(place.templates("loaded").front(), GENERATE(24 * 3600 + 5, -100));
  auto second = place.made();
  CHECK(second != first);
  CHECK(place.made() == second);
  CHECK(place.templates("loaded").size() == 1);
}

TEST_CASE("a damaged template of a loaded file is made again, and said once") {
  Place place;
  auto first = place.made();
  fs::path kept = place.templates("loaded").front();
  SECTION("a file is gone") {
    fs::remove(kept / "data" / "global" / "pg_filenode.map");
  }
  SECTION("a file is cut short") {
    fs::resize_file(kept / "data" / "PG_VERSION", 0);
  }
  SECTION("it is of another version") {
    std::ofstream{kept / "data" / "PG_VERSION"} << "14\n";
  }
  SECTION("the data is gone") {
    fs::remove_all(kept / "data");
  }
  SECTION("the manifest is gone") {
    fs::remove(kept / "manifest");
  }
  SECTION("a directory stands in for the manifest") {
    fs::remove(kept / "manifest");
    fs::create_directories(kept / "manifest" / "x");
  }
  SECTION("a file stands in its place") {
    fs::remove_all(kept);
    std::ofstream{kept} << "x";
  }
  SECTION("a link that leads nowhere stands in its place") {
    fs::remove_all(kept);
    fs::create_symlink("/nonexistent", kept);
  }
  {
    Server server = place.start();
    CHECK(test::query(server.conninfo(), "select 1 from t").size() == 1);
    REQUIRE(server.warnings().size() == 1);
    CHECK(server.warnings().front().find(place.cache().string()) != std::string::npos);
  }
  Server next = place.start();
  CHECK(next.warnings().empty());
  CHECK(next.origin().find("loaded before") != std::string::npos);
  CHECK(*test::query(next.conninfo(), "select made from t").front().front() != first);
}

TEST_CASE("a file that does not load leaves no template and no server") {
  Place place;
  place.write("select 1;\nselect broken;\n");
  try {
    place.start();
    FAIL("it loaded");
  } catch (const Error& error) {
    CHECK(error.kind == "sandbox.load");
    CHECK(error.where == place.file.string() + ":2");
  }
  CHECK(place.templates("loaded").empty());
}

TEST_CASE("several that load the same file at once all start and leave one template of each kind") {
  Place place;
  std::vector<std::string> made(3);
  std::vector<std::thread> threads;
  for (auto& one : made) threads.emplace_back([&] { one = place.made(); });
  for (auto& thread : threads) thread.join();
  CHECK(std::ranges::none_of(made, &std::string::empty));
  CHECK(place.entries().size() == 2);
  CHECK(std::ranges::find(made, place.made()) != made.end());
}

TEST_CASE("without a cache a file is loaded each time") {
  Place place;
  test::Variable variable{"XDG_CACHE_HOME", "/proc/nowhere"};
  CHECK(place.made() != place.made());
}

TEST_CASE("a tablespace, which lies outside, is not kept") {
  Place place;
  fs::path outside = place.scratch.path() / "outside";
  fs::permissions(place.scratch.path(), fs::perms{0777});
  fs::create_directory(outside);
  fs::permissions(outside, fs::perms{0777});
  place.write(
      "select 'create ' || 'table' || 'space x location ''' || :'word' || '''' \\gexec\ncreate table t as select "
      "clock_timestamp() as made;\n");
  if (::geteuid() == 0) REQUIRE(::chown(outside.c_str(), server_account()->uid, server_account()->gid) == 0);
  place.made(outside.string());
  CHECK(place.templates("loaded").empty());
}

TEST_CASE("a new template removes those that nobody uses, of other layouts, and what was left half made") {
  Place place;
  REQUIRE_FALSE(place.made().empty());
  auto cluster = place.templates("cluster").front();
  auto loaded = place.templates("loaded").front();
  auto named = [&](const char* name) { return place.cache() / name; };
  for (const char* name : {"1-old", "making-old", "making-new", "2-cluster-used", "2-cluster-unused"}) {
    fs::create_directories(named(name) / "data");
    std::ofstream{named(name) / "manifest"} << "0 0 0\n";
  }
  unused(named("making-old"), 2);
  unused(named("2-cluster-used"), 29 * 24);
  unused(named("2-cluster-unused"), 31 * 24);
  age(loaded, 25 * 3600);
  place.write("create table t as select clock_timestamp() as made;\n");
  place.made();
  CHECK(fs::exists(cluster));
  CHECK(fs::exists(named("2-cluster-used")));
  CHECK(fs::exists(named("making-new")));
  for (const char* name : {"1-old", "making-old", "2-cluster-unused"}) {
    INFO(name);
    CHECK_FALSE(fs::exists(named(name)));
  }
  CHECK_FALSE(fs::exists(loaded));
  CHECK(place.entries().size() == 4);
}

TEST_CASE("of loaded files, eight templates are kept: those that were used last") {
  Place place;
  for (int number = 0; number < 8; ++number) {
    place.made("word " + std::to_string(number));
    for (const auto& kept : place.templates("loaded"))
      fs::last_write_time(kept / "manifest", fs::last_write_time(kept / "manifest") - std::chrono::hours{1});
  }
  auto before = place.templates("loaded");
  REQUIRE(before.size() == 8);
  auto first = place.made("word 0");
  place.made("word 8");
  CHECK(place.templates("loaded").size() == 8);
  CHECK(place.made("word 0") == first);
}

TEST_CASE("clearing the cache removes every template and says how much that was") {
  Place place;
  place.made();
  auto freed = Cache{}.clear();
  CHECK(freed.templates == 2);
  CHECK(freed.bytes > 20'000'000);
  CHECK(place.entries().empty());
  CHECK(Cache{}.clear().templates == 0);
  CHECK_FALSE(place.made().empty());
}

TEST_CASE("an installation without psql says where it was looked for") {
  test::Scratch scratch;
  const fs::path& bin = scratch.path();
  test::Variable variable{"PATH", bin.string()};
  try {
    find_psql(bin);
    FAIL("there is none");
  } catch (const Error& error) {
    CHECK(error.kind == "sandbox.psql");
    CHECK(error.message.find(bin.string()) != std::string::npos);
    CHECK_FALSE(error.hint.empty());
  }
}
