#pragma once

#include <set>
#include <string>
#include <vector>

#include "db/reader.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/server.hpp"
#include "support/statement.hpp"

namespace test {

using opsh::sql::operator""_sql;

// `evil` is what stands behind everything here; a session that calls it has a setting of that name.
inline constexpr const char* setup = R"(
  create table t (id int, name text, amount numeric);
  insert into t values (1, 'a', 1), (2, 'b', 2);
  create function evil(int) returns int language plpgsql as
    $$ begin perform set_config('test.evil', 'called', false); return $1; end $$;
  create function evil(text) returns boolean language plpgsql immutable as
    $$ begin perform set_config('test.evil', 'called', false); return true; end $$;
)";

inline std::string evil_setting(opsh::db::Reader& reader) {
  return std::string{reader.query("select coalesce(current_setting('test.evil', true), '')"_sql).field(0, 0).value()};
}

/// What the gate says; "passed" when nothing, after the statement has run.
inline opsh::Error said(opsh::db::Reader& reader, const std::string& sql) {
  reader.refresh();
  return failure([&] { reader.query(read(sql)); });
}

inline opsh::db::Target declaring(const Database& database, std::set<std::string> functions,
                                  std::set<std::string> foreign_tables = {}) {
  auto made = test::target(database);
  made.declared = {std::move(functions), std::move(foreign_tables)};
  return made;
}

/// Every statement is refused, and a session without this gate runs the function behind each.
inline void check_refused(const Database& database, const std::vector<std::string>& statements) {
  opsh::db::Reader reader{target(database)};
  for (const auto& sql : statements) {
    CAPTURE(sql);
    const auto error = said(reader, sql);
    CHECK(error.kind == "sql.refused");
    CHECK_FALSE(error.hint.empty());
    CHECK(evil_setting(reader).empty());
    auto unjudged = target(database);
    unjudged.judged = false;
    opsh::db::Reader control{unjudged};
    CHECK(failure([&] { control.query(read(sql)); }).kind == "passed");
    CHECK(evil_setting(control) == "called");
  }
}

inline void check_passed(const Database& database, const std::vector<std::string>& statements) {
  opsh::db::Reader reader{target(database)};
  for (const auto& sql : statements) {
    CAPTURE(sql);
    const auto error = said(reader, sql);
    CAPTURE(error.message);
    CHECK(error.kind == "passed");
  }
}

}  // namespace test
