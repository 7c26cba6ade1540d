#include "backup/replacement.hpp"

#include <atomic>
#include <thread>

#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/peer.hpp"
#include "support/server.hpp"
#include "support/statement.hpp"

using opsh::Seconds;
using opsh::backup::Replacement;
using test::failure;

namespace {

std::string admin() {
  return test::server().conninfo("postgres");
}

std::string value(const std::string& sql, const std::string& database = "postgres") {
  auto rows = test::query(test::server().conninfo(database), sql);
  return rows.empty() ? std::string{} : rows[0][0].value_or("null");
}

std::string oid_of(const std::string& name) {
  return value("select oid from pg_database where datname = '" + name + "'");
}

/// A database `t` that says what it is, and the names of a restore of it. All of them are gone at the end.
struct Place {
  explicit Place(const std::string& creation = "create database app template template0") {
    test::query(admin(), creation);
    test::query(conninfo(), "create table what as select 'original' as it");
    names.original_oid = oid_of("app");
  }
  ~Place() {
    for (const auto* name : {"app", "app_restore_1", "app_before_1"})
      test::query(admin(), std::string{"drop database if exists "} + name + " with (force)");
  }
  Replacement replacement() const { return {test::target(conninfo()), names}; }
  static std::string conninfo(const std::string& name = "app") { return test::server().conninfo(name); }
  static void fill() { test::query(conninfo("app_restore_1"), "create table what as select 'restored' as it"); }
  static std::string inside(const std::string& name = "app") { return value("select it from what", name); }

  opsh::backup::ReplacedNames names{"app", "", "app_restore_1", "app_before_1"};
};

/// Made, filled, and not swapped in yet.
Replacement filled(const Place& place) {
  Replacement replacement = place.replacement();
  replacement.create({});
  Place::fill();
  return replacement;
}

}  // namespace

TEST_CASE("a swap puts the new database in the original's place and keeps the original") {
  Place place;
  Replacement replacement = filled(place);
  CHECK(Place::inside() == "original");
  replacement.adopt_properties();
  replacement.swap_in(Seconds{10});
  CHECK(Place::inside() == "restored");
  CHECK(Place::inside("app_before_1") == "original");
  CHECK(oid_of("app_restore_1").empty());
}

TEST_CASE("a swap ends the sessions in the original, also those that come back at once") {
  Place place;
  Replacement replacement = filled(place);
  test::Peer idle{Place::conninfo()}, open{Place::conninfo()};
  open.run("begin; insert into what values ('more')");
  std::atomic<bool> stops{false};
  std::atomic<int> met{0};
  std::thread busy{[&] {
    while (!stops) try {
        test::query(Place::conninfo(), "select pg_sleep(0.01)");
        ++met;
      } catch (const std::runtime_error&) {
      }
  }};
  CHECK(test::eventually([&] { return met > 3; }));
  auto done = replacement.swap_in(Seconds{10});
  stops = true;
  busy.join();
  CHECK(done.ended >= 2);
  CHECK(done.closed < Seconds{5});
  CHECK(Place::inside() == "restored");
}

TEST_CASE("the new database has the original's settings, privileges, comment and limit") {
  Place place{"create database app template template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'"};
  test::query(admin(), R"(create role restore_reader; create role "Odd ""Role")");
  test::query(admin(), R"(alter database app set search_path to "$user", public, "a,""b ")");
  test::query(admin(), R"(alter database app set "my.words" to 'it''s \ odd')");
  test::query(admin(), R"(alter role restore_reader in database app set work_mem to '7MB')");
  test::query(admin(), R"(revoke all on database app from public; grant connect on database app to restore_reader;
                          grant create on database app to "Odd ""Role" with grant option;
                          comment on database app is 'it''s ours'; alter database app connection limit 7)");
  Replacement replacement = filled(place);
  replacement.adopt_properties();
  std::string of =
      "select string_agg(s.setrole || ' ' || c, ';' order by s.setrole || ' ' || c) from pg_db_role_setting s, "
      "unnest(setconfig) c where setdatabase = ";
  std::string original = oid_of("app"), fresh = oid_of("app_restore_1");
  CHECK(value(of + fresh) == value(of + original));
  of = "select concat_ws(' ', datacl, datconnlimit, encoding, datcollate, shobj_description(oid, 'pg_database')) "
       "from pg_database where oid = ";
  CHECK(value(of + fresh) == value(of + original));
  replacement.swap_in(Seconds{10});
  CHECK(value("show search_path", "app") == R"("$user", public, "a,""b ")");
  for (const auto* dropped : {"database app", "database app_before_1", R"(role restore_reader, "Odd ""Role")"})
    test::query(admin(), std::string{"drop "} + dropped);
}

TEST_CASE("a setting that is changed after it was copied stops the swap") {
  Place place;
  Replacement replacement = filled(place);
  replacement.adopt_properties();
  test::query(admin(), "alter database app set work_mem to '7MB'");
  auto error = failure([&] { replacement.swap_in(Seconds{10}); });
  CHECK(error.kind == "backup.properties");
  CHECK(error.message.find("only the original has the setting work_mem=7MB") != std::string::npos);
  CHECK(Place::inside() == "original");
}

TEST_CASE("a swap is taken back when a session does not end") {
  test::query(admin(), "drop role if exists restorer; create role restorer login createdb in role pg_signal_backend");
  Place place{"create database app template template0 owner restorer"};
  Replacement replacement{test::target(Place::conninfo() + " user=restorer"), place.names};
  replacement.create({});
  Place::fill();
  test::Peer superuser{Place::conninfo()};
  auto error = failure([&] { replacement.swap_in(Seconds{0}); });
  CHECK(error.kind == "backup.busy");
  CHECK(superuser.run("select it from what").at(0).at(0) == "original");
  CHECK(Place::inside() == "original");
  CHECK(Place::inside("app_restore_1") == "restored");
}

TEST_CASE("a database that somebody else has replaced meanwhile is not replaced again") {
  Place place;
  Replacement replacement = filled(place);
  test::query(admin(), "drop database app");
  test::query(admin(), "create database app");
  auto error = failure([&] { replacement.swap_in(Seconds{10}); });
  CHECK(error.kind == "backup.replaced");
  CHECK(!oid_of("app").empty());
  CHECK(Place::inside("app_restore_1") == "restored");
}

TEST_CASE("where there is no original the new database gets its name") {
  Place place;
  test::query(admin(), "drop database app");
  place.names.original_oid = "";
  Replacement replacement{test::target(admin()), place.names};
  replacement.create({"UTF8", "C", "C"});
  Place::fill();
  replacement.adopt_properties();
  replacement.swap_in(Seconds{10});
  CHECK(Place::inside() == "restored");
  CHECK(oid_of("app_before_1").empty());
}

TEST_CASE("dropping the new database leaves the original alone, before and after the swap") {
  Place place;
  Replacement replacement = filled(place);
  test::Peer inside{Place::conninfo("app_restore_1")};
  replacement.drop();
  replacement.drop();
  CHECK(oid_of("app_restore_1").empty());
  CHECK(Place::inside() == "original");
  replacement.create({});
  Place::fill();
  replacement.swap_in(Seconds{10});
  replacement.drop();
  CHECK(Place::inside() == "restored");
}
