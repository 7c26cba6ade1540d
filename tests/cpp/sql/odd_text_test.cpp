#include <chrono>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "sql/gate.hpp"
#include "sql/parameters.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"

using test::failure;

namespace {

opsh::Error read_refusal(const std::string& sql) {
  return failure([&] { opsh::sql::gate_read(opsh::sql::parse_template(sql).render({})); });
}

opsh::Error write_refusal(const std::string& sql) {
  return failure([&] { opsh::sql::gate_write(opsh::sql::parse_template(sql).render({})); });
}

}  // namespace

TEST_CASE("COMMIT is refused in any spelling and behind anything that is not seen") {
  for (const std::string sql : {
           "COMMIT",
           "cOmMiT work",
           "commit and no chain",
           "end transaction",
           "commit prepared 'x'",
           "rollback prepared 'x'",
           "/* a /* nested */ comment */ commit",
           "-- line\ncommit",
           ";commit",
           "\t\v\f\r\ncommit;",
           "select 1 -- ;\n; commit",
           "select 1;;commit",
           "(commit)",
       }) {
    CAPTURE(sql);
    CHECK_FALSE(read_refusal(sql).kind == "passed");
    CHECK_FALSE(write_refusal(sql).kind == "passed");
  }
  // A byte-order mark and a no-break space are letters to PostgreSQL: no statement begins with them.
  for (const std::string sql : {"\xef\xbb\xbf"
                                "commit",
                                "\xc2\xa0"
                                "commit",
                                "commit\xc2\xa0"}) {
    CAPTURE(sql);
    CHECK(read_refusal(sql).kind == "sql.syntax");
    CHECK(write_refusal(sql).kind == "sql.syntax");
  }
}

TEST_CASE("tables and columns named like keywords are read") {
  for (const std::string sql : {
           "select \"select\", \"from\" from \"table\" as \"where\"",
           "select commit, begin, value, name from t as user_",
           "table \"commit\"",
           "select t.select, t.into from t",
       }) {
    CAPTURE(sql);
    CHECK(read_refusal(sql).kind == "passed");
  }
}

TEST_CASE("SQL of more than 32 KiB, and with a NUL byte, is refused before it is parsed") {
  CHECK(read_refusal("select '" + std::string(32 * 1024 - 9, 'x') + "'").kind == "passed");
  CHECK(read_refusal("select '" + std::string(32 * 1024 - 8, 'x') + "'").kind == "sql.too_long");
  CHECK(read_refusal(std::string{"select 1\0; commit", 17}).kind == "sql.nul");
}

TEST_CASE("an operator that keeps the scanner busy for seconds is refused at once") {
  const auto start = std::chrono::steady_clock::now();
  for (const auto& sql :
       {"select 1 " + std::string(32000, '+') + " 1", "select 1 /" + std::string(30000, '*') + " 1"}) {
    const auto error = read_refusal(sql);
    CHECK(error.kind == "sql.too_long");
    CHECK(error.message.find("characters of an operator in a row") != std::string::npos);
  }
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds{1});
  CHECK(read_refusal("select 1 -- " + std::string(200, '=') + "\n").kind == "passed");
}
