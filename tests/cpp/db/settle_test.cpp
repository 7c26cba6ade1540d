#include <fmt/format.h>

#include <vector>

#include "cpp/db/commit_key.hpp"
#include "db/reader.hpp"
#include "db/witness.hpp"
#include "db/writer.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/proxy.hpp"
#include "support/server.hpp"
#include "support/statement.hpp"

using opsh::db::Reader;
using opsh::db::Writer;
using opsh::sql::operator""_sql;
using test::failure;

namespace {

/// A role that is removed at the end.
class Role {
 public:
  Role(const test::Database& database, const std::string& name, const std::string& how = "login superuser")
      : database_(database), name_(name) {
    database_.query(fmt::format("create role {} {}", name_, how));
  }
  ~Role() { database_.query(fmt::format("drop owned by {0}; drop role {0}", name_)); }
  void set(const std::string& name, const std::string& value) const {
    database_.query(fmt::format("alter role {} set {} = '{}'", name_, name, value));
  }
  std::string conninfo() const { return database_.conninfo() + " user=" + name_; }

 private:
  const test::Database& database_;
  std::string name_;
};

struct Meaning {
  const char* setting;
  const char* value;
  const char* query;
  const char* odd;    ///< what a session answers that has it
  const char* usual;  ///< what opsh's sessions answer
};

const std::vector<Meaning> meanings{
    {"DateStyle", "German", "select date '2026-11-21'", "21.11.2026", "2026-11-21"},
    {"IntervalStyle", "sql_standard", "select interval '1 day'", "1 0:00:00", "1 day"},
    {"TimeZone", "Asia/Tokyo", "select extract(hour from timestamptz '2026-11-21 00:00Z')::int", "9", "0"},
    {"extra_float_digits", "-5", "select 0.1::float8 + 0.2::float8", "0.3", "0.30000000000000004"},
    {"bytea_output", "escape", "select 'a'::bytea", "a", "\\x61"},
    {"xmlbinary", "hex", "select xmlelement(name a, '\\x61'::bytea)", "<a>61</a>", "<a>YQ==</a>"},
    {"array_nulls", "off", "select ('{NULL}'::text[])[1] is null", "f", "t"},
    {"quote_all_identifiers", "on", "select quote_ident('a')", "\"a\"", "a"},
    {"standard_conforming_strings", "off", "select length('a\\nb')", "3", "4"},
    {"transform_null_equals", "on", "select (1 = null) is null", "f", "t"},
    {"gin_fuzzy_search_limit", "1", "select current_setting('gin_fuzzy_search_limit')", "1", "0"},
    {"jit", "on", "select current_setting('jit')", "on", "off"},
    {"client_encoding", "LATIN1", "select current_setting('client_encoding')", "LATIN1", "UTF8"},
    {"statement_timeout", "1h", "select current_setting('statement_timeout')", "1h", "30min"},
    {"lock_timeout", "0", "select current_setting('lock_timeout')", "0", "5s"},
    {"idle_in_transaction_session_timeout", "0", "select current_setting('idle_in_transaction_session_timeout')", "0",
     "15min"},
    {"synchronous_commit", "off", "select current_setting('synchronous_commit')", "off", "on"},
    {"search_path", "pg_catalog, opsh, public", "select current_setting('search_path')", "pg_catalog, opsh, public",
     "public"},
};

}  // namespace

TEST_CASE("what a role's settings change in the meaning of statements they do not change in a session of opsh") {
  test::Database database;
  Role role{database, "odd"};
  for (const auto& meaning : meanings) role.set(meaning.setting, meaning.value);
  // search_path is a list, and the quotes of the others would make it one name.
  database.query("alter role odd set search_path = pg_catalog, opsh, public");
  Reader reader{test::target(role.conninfo())};
  Writer writer{test::target(role.conninfo())};
  writer.begin(test::commit_key());
  for (const auto& meaning : meanings) {
    INFO(meaning.setting);
    CHECK(test::query(role.conninfo(), meaning.query).at(0).at(0) == meaning.odd);
    CHECK(reader.query(test::read(meaning.query)).field(0, 0) == meaning.usual);
    CHECK(writer.query(test::read(meaning.query)).field(0, 0) == meaning.usual);
  }
}

TEST_CASE("what a database's settings change they do not change either") {
  test::Database database;
  database.query(
      "do $$ begin execute format('alter database %I set transform_null_equals = on', current_database()); end $$");
  CHECK(database.value("select (1 = null) is null") == "f");
  Reader reader{test::target(database)};
  CHECK(reader.query("select (1 = null) is null"_sql).field(0, 0) == "t");
}

TEST_CASE("a commit that promises more than on is left so and one that promises less is not") {
  test::Database database;
  Role role{database, "odd"};
  for (auto [given, kept] : {std::pair{"remote_apply", "remote_apply"}, std::pair{"remote_write", "on"},
                             std::pair{"local", "on"}, std::pair{"off", "on"}}) {
    role.set("synchronous_commit", given);
    Writer writer{test::target(role.conninfo())};
    writer.begin(test::commit_key());
    CHECK(writer.query("select current_setting('synchronous_commit')"_sql).field(0, 0) == kept);
  }
}

TEST_CASE("nothing is written in a session whose triggers and foreign keys are off") {
  test::Database database;
  database.query("create table parent (id int primary key); create table child (id int references parent)");
  Role role{database, "odd"};
  role.set("session_replication_role", "replica");
  // Without the guard the row would be there, and its parent not.
  test::query(role.conninfo(), "insert into child values (1)");
  CHECK(database.value("select count(*) from child") == "1");
  auto error = failure([&] { Writer writer{test::target(role.conninfo())}; });
  CHECK(error.kind == "refused.settings");
  CHECK(error.message.find("session_replication_role = replica") != std::string::npos);
  Reader reader{test::target(role.conninfo())};
}

TEST_CASE("nothing is even read in a session that empties or trusts damaged pages") {
  test::Database database;
  for (const char* name : {"zero_damaged_pages", "ignore_checksum_failure"}) {
    Role role{database, "odd"};
    role.set(name, "on");
    CHECK(failure([&] { Reader reader{test::target(role.conninfo())}; }).kind == "refused.settings");
  }
}

TEST_CASE("row security that a role has off is not turned on") {
  test::Database database;
  database.query(
      "create table t (id int); insert into t values (1), (2); alter table t enable row level security;"
      "create policy half on t using (id = 1)");
  Role role{database, "odd", "login"};
  database.query("grant select on t to odd");
  {
    Reader reader{test::target(role.conninfo())};
    CHECK(reader.query("select count(*) from t"_sql).field(0, 0) == "1");
  }
  role.set("row_security", "off");
  Reader reader{test::target(role.conninfo())};
  CHECK(failure([&] { reader.query("select count(*) from t"_sql); }).sqlstate == "42501");
}

TEST_CASE("the role of the target is taken by every session") {
  test::Database database;
  Role owner{database, "owner_of_all", "nologin"};
  Role login{database, "odd", "login in role owner_of_all"};
  auto target = test::target(login.conninfo());
  target.role = "owner_of_all";
  Reader reader{target};
  CHECK(reader.query("select current_user::text || ' ' || session_user::text"_sql).field(0, 0) == "owner_of_all odd");
  Writer writer{target};
  writer.begin(test::commit_key());
  CHECK(writer.query("select current_user::text"_sql).field(0, 0) == "owner_of_all");
  opsh::db::Witness witness{target};
  CHECK(witness.query("select current_user::text"_sql).field(0, 0) == "owner_of_all");
}

TEST_CASE("a role that cannot be taken ends the session with its name") {
  test::Database database;
  Role login{database, "odd", "login"};
  auto target = test::target(login.conninfo());
  for (const char* name : {"opsh", "no_such_role", "none"}) {
    target.role = name;
    auto error = failure([&] { Reader reader{target}; });
    CHECK(error.kind == "connect.role");
    CHECK(error.message.find(name) != std::string::npos);
  }
}

TEST_CASE("a session is named after what opsh does unless somebody has named it") {
  test::Database database;
  auto target = test::target(database);
  target.application = "opsh apply 20261121-151851-6dee";
  Reader reader{target};
  CHECK(database.value("select count(*) from pg_stat_activity where application_name = 'opsh apply "
                       "20261121-151851-6dee'") == "1");
  target.conninfo += " application_name=night";
  Reader named{target};
  CHECK(database.value("select count(*) from pg_stat_activity where application_name = 'night'") == "1");
}

TEST_CASE("a pooler that hands out sessions of others is refused before anything is set") {
  test::Database database;
  test::Proxy proxy{database.conninfo()};
  { Reader reader{test::target(proxy.conninfo())}; }
  proxy.disguise();
  // A client that does not look takes it for its own session.
  CHECK(test::query(proxy.conninfo(), "select 1").at(0).at(0) == "1");
  CHECK(failure([&] { Reader reader{test::target(proxy.conninfo())}; }).kind == "connect.pooler");
  CHECK(failure([&] { Writer writer{test::target(proxy.conninfo())}; }).kind == "connect.pooler");
}
