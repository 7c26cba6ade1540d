#include "fuzz/shapes.hpp"

namespace fuzz {
namespace {

struct Pattern {
  const char* name;
  const char* before;  ///< once, at the start
  const char* opening;
  const char* core;
  const char* closing = "";
  const char* after = "";
};

constexpr Pattern patterns[] = {
    {"parentheses", "select ", "(", "1", ")"},
    {"parentheses around a query", "", "(", "select 1", ")"},
    {"NOT", "select ", "not ", "true"},
    {"minus", "select ", "- ", "1"},
    {"a prefix operator", "select ", "@ ", "1"},
    {"plus", "select ", "1+", "1"},
    {"plus in parentheses", "select ", "(1+", "1", ")"},
    {"a qualified operator", "select ", "1 operator(pg_catalog.+) ", "1"},
    {"AND", "select ", "true and ", "true"},
    {"OR", "select ", "a or ", "a", "", " from t"},
    {"AND and OR by turns", "select ", "(a and (a or ", "a", "))", " from t"},
    {"concatenation", "select ", "a||", "a", "", " from t"},
    {"power", "select ", "2^", "2"},
    {"comparison in parentheses", "select ", "(a=", "a", ")", " from t"},
    {"LIKE", "select ", "(a like ", "a", ")", " from t"},
    {"BETWEEN", "select ", "(a between 1 and ", "a", ")", " from t"},
    {"IN", "select ", "a in (", "1", ")", " from t"},
    {"IN of a query", "select ", "1 in (select ", "1", ")"},
    {"ANY", "select ", "1 = any (array[", "1", "])"},
    {"EXISTS", "select ", "exists (select where ", "true", ")"},
    {"IS NULL", "select ", "(", "a", " is null)", " from t"},
    {"IS DISTINCT FROM", "select ", "(a is distinct from ", "a", ")", " from t"},
    {"COLLATE", "select 'a'", " collate \"C\"", ""},
    {"AT TIME ZONE", "select now()", " at time zone 'UTC'", ""},
    {"::", "select 1", "::int", ""},
    {"CAST", "select ", "cast(", "1", " as int)"},
    {"a subscript after a subscript", "select a", "[1]", "", "", " from t"},
    {"a slice after a slice", "select a", "[1:2]", "", "", " from t"},
    {"a subscript in a subscript", "select ", "a[", "1", "]", " from t"},
    {"a field of a field", "select ", "(", "a", ").b", " from t"},
    {"a path", "select a", ".b", "", "", " from t"},
    {"ARRAY", "select ", "array[", "1", "]"},
    {"an array in an ARRAY", "select array", "[", "1", "]"},
    {"ARRAY of a query", "select ", "array(select ", "1", ")"},
    {"ROW", "select ", "row(", "1", ")"},
    {"a row without ROW", "select ", "(1,", "1", ")"},
    {"CASE then", "select ", "case when true then ", "1", " end"},
    {"CASE else", "select ", "case when false then 1 else ", "1", " end"},
    {"CASE when", "select ", "case when ", "true", " then true end"},
    {"CASE of", "select ", "case ", "1", " when 1 then 1 end"},
    {"a function", "select ", "abs(", "1", ")"},
    {"a named argument", "select ", "f(a=>", "1", ")"},
    {"COALESCE", "select ", "coalesce(", "1", ")"},
    {"GREATEST", "select ", "greatest(1,", "1", ")"},
    {"NULLIF", "select ", "nullif(", "1", ",1)"},
    {"EXTRACT", "select ", "extract(day from ", "a", ")", " from t"},
    {"SUBSTRING", "select ", "substring(", "'a'", " from 1)"},
    {"TRIM", "select ", "trim(", "'a'", ")"},
    {"POSITION", "select ", "position(", "'a'", " in 'a')"},
    {"XMLELEMENT", "select ", "xmlelement(name a,", "'a'", ")"},
    {"XMLFOREST", "select ", "xmlforest(", "'a'", " as a)"},
    {"a scalar subquery", "select ", "(select ", "1", ")"},
    {"a subquery in FROM", "", "select * from (", "select 1", ") a"},
    {"LATERAL", "select * from ", "lateral (select * from ", "t", ") a"},
    {"JOIN", "select * from t", " join t on true", ""},
    {"CROSS JOIN", "select * from t", " cross join t", ""},
    {"NATURAL JOIN", "select * from t", " natural join t", ""},
    {"JOIN on the right", "select * from ", "t join ", "t", " on true"},
    {"JOIN in parentheses", "select * from ", "(t join ", "t", " on true)"},
    {"tables", "select * from t", ", t", ""},
    {"ROWS FROM", "select * from ", "rows from (f((select 1 from ", "t", ")))"},
    {"TABLESAMPLE", "select * from t", " tablesample system ((select 1 from t", "", "))"},
    {"WITH in WITH", "", "with a as (", "select 1", ") select 1"},
    {"many WITH", "with a as (select 1)", ",a as (table a)", "", "", " select 1"},
    {"UNION", "select 1", " union select 1", ""},
    {"UNION on the right", "", "select 1 union (", "select 1", ")"},
    {"EXCEPT in parentheses", "", "(", "select 1", " except select 1)"},
    {"VALUES in VALUES", "", "values ((", "values (1)", "))"},
    {"rows of VALUES", "values (1)", ",(1)", ""},
    {"targets", "select 1", ",1", ""},
    {"placeholders", "select $1", ",$1", ""},
    {"WHERE", "", "select 1 where (", "select true", ")"},
    {"HAVING", "", "select 1 having (", "select true", ")"},
    {"ORDER BY", "", "select 1 order by (", "select 1", ")"},
    {"LIMIT", "", "select 1 limit (", "select 1", ")"},
    {"GROUPING SETS", "select 1 from t group by ", "grouping sets (", "a", ")"},
    {"ROLLUP", "select 1 from t group by ", "rollup ((", "a", "))"},
    {"OVER", "select ", "sum(1) over (order by ", "1", ")"},
    {"FILTER", "select ", "count(*) filter (where 1 = ", "1", ")"},
    {"an aggregate's ORDER BY", "select ", "sum(1 order by ", "1", ")"},
    {"WITHIN GROUP", "select ", "mode() within group (order by ", "1", ")"},
    {"a condition of a JOIN", "select * from t", " join t on (select true from t", "", ")"},
    {"arrays of a type", "select 1::int", "[]", ""},
    {"a type's modifiers", "select 1::t(", "(", "1", ")", ")"},
    {"a comment", "select ", "/*", "", "*/", " 1"},
    {"semicolons", "select 1", ";", ""},
    {"statements", "select 1", ";select 1", ""},
    {"an open parenthesis", "select ", "(", ""},
    {"an open bracket", "select array", "[", ""},
    {"an open CASE", "select ", "case when ", ""},
    {"an open query", "", "select (", ""},
    {"an open quote", "select '", "a", ""},
    {"an open dollar quote", "select $a$", "a", ""},
    {"a long name", "select \"", "a", "", "", "\""},
    {"a long number", "select ", "9", "9"},
    {"INSERT of queries", "insert into t ", "select * from (", "select 1", ") a"},
    {"UPDATE of columns by a query", "update t set (a, b) = ", "(select ", "1", ", 1)"},
    {"DELETE in WITH", "", "with a as (delete from t where (", "select true", ")) select 1"},
    {"EXPLAIN", "", "explain ", "select 1"},
    {"EXPLAIN options", "explain (costs", ", costs", "", "", ") select 1"},
};

}  // namespace

std::vector<Shape> deep_shapes(std::size_t bytes) {
  std::vector<Shape> shapes;
  for (const Pattern& pattern : patterns) {
    const std::string opening = pattern.opening;
    const std::string closing = pattern.closing;
    const std::string before = pattern.before;
    const std::string core = pattern.core;
    const std::string after = pattern.after;
    const std::size_t times = (bytes - before.size() - core.size() - after.size()) / (opening.size() + closing.size());
    std::string sql = before;
    for (std::size_t at = 0; at < times; ++at) sql += opening;
    sql += core;
    for (std::size_t at = 0; at < times; ++at) sql += closing;
    shapes.push_back({pattern.name, sql + after});
  }
  return shapes;
}

}  // namespace fuzz
