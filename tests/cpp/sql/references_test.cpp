#include "sql/references.hpp"

#include <string>
#include <vector>

#include "sql/gate.hpp"
#include "sql/parameters.hpp"
#include "support/catch.hpp"
#include "support/statement.hpp"

namespace {

/// "f count o = r public.t": what a statement names.
std::string names_of(const std::string& sql) {
  const auto read = opsh::sql::gate_read(test::rendered(sql));
  std::string text;
  for (const auto& reference : *read.parts()[0].references) {
    text += text.empty() ? "" : " ";
    text += "faotr"[static_cast<int>(reference.kind)];
    text += " " + (reference.schema.empty() ? "" : reference.schema + ".") + reference.name;
  }
  return text;
}

}  // namespace

TEST_CASE("a statement says every name that a server has to judge") {
  CHECK(names_of("select 1") == "");
  CHECK(names_of("select count(*) from public.t") == "f count t count r public.t");
  CHECK(names_of("select a.b.f, (x).g, y from t") == "a f a g r t");
  CHECK(names_of("select 1 operator(s.+) 2, 3 between 4 and 5") == "o s.+ o < o <= o > o >=");
  CHECK(names_of("select extract(year from x), x::numeric(1), s.d 'x'") ==
        "f pg_catalog.extract t pg_catalog.extract t pg_catalog.numeric t s.d");
  CHECK(names_of("select case x when 1 then 2 end, x in (table t)") == "o = r t");
  CHECK(names_of("select 1 from t natural join u order by 1 using <") == "o = r t r u o <");
  CHECK(names_of("select * from f(1) as x (a d, b s.e[]), t tablesample m (1)") == "f f t f t d t s.e f m r t");
  CHECK(names_of("select xmlserialize(content x as d), g'x' from xmltable('a' passing b columns c e)") ==
        "t d t g t e");
  CHECK(names_of("explain select f(:p)") == "f f t f");
}
