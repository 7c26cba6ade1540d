#include "journal/keys.hpp"

#include <utility>

#include "cpp/journal/examined.hpp"
#include "support/peer.hpp"

using opsh::journal::Tables;
using test::check_refused;
using test::Examined;
using test::key_of;
using test::Strings;

TEST_CASE("a key of several columns has the order of its index") {
  Examined place{"create table t (a int, b int, c int, primary key (c, a))"};
  CHECK(place.key("t") == Strings{"c", "a"});
  CHECK(key_of(place.examine({{"t"}}).leaves[0]) == Strings{"c", "a"});
}

TEST_CASE("the primary key is preferred, then few columns, then the first by name") {
  CHECK(Examined{"create table t (a int not null unique, b int, c int, primary key (b, c))"}.key("t") ==
        Strings{"b", "c"});
  CHECK(Examined{"create table t (a int not null, b int not null, c int not null unique, unique (a, b))"}.key("t") ==
        Strings{"c"});
  CHECK(Examined{"create table t (b int not null unique, a int not null unique)"}.key("t") == Strings{"a"});
}

TEST_CASE("an index makes no key when two rows may be equal in it") {
  Examined place{
      "create collation loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
      "create type pair as (x numeric);"
      "create table partial (a int not null); create unique index partial_a on partial (a) where a > 0;"
      "create table expression (a text not null); create unique index expression_a on expression (lower(a));"
      "create table deferred (a int not null unique deferrable);"
      "create table nullable (a int unique);"
      "create domain filled as int not null; create table of_domain (a filled unique);"
      "create table excluded (a int not null, exclude using btree (a with =));"
      "create table finer (a pair not null); create unique index finer_a on finer (a record_image_ops);"
      "create table looser (a text collate loose not null); create unique index looser_a on looser (a collate \"C\");"
      "create table bare (a int not null)"};
  const char* primary = "add a primary key";
  check_refused(place.refusal("partial"), "its unique index partial_a is partial", primary);
  check_refused(place.refusal("expression"), "its unique index expression_a has an expression", primary);
  check_refused(place.refusal("deferred"), "its unique index deferred_a_key is deferrable", primary);
  check_refused(place.refusal("nullable"), "nullable_a_key has a column that may be NULL: a",
                "alter table public.nullable alter column a set not null");
  check_refused(place.refusal("of_domain"), "has a column that may be NULL: a", "set not null");
  check_refused(place.refusal("excluded"), "no primary key and no unique index", primary);
  check_refused(place.refusal("finer"), "finer_a compares in another way", primary);
  check_refused(place.refusal("looser"), "looser_a compares in another way", primary);
  check_refused(place.refusal("bare"), "no primary key and no unique index",
                "(alter table public.bare add primary key (...)), or say journal = false");
}

TEST_CASE("a key of arrays is refused: keys travel as arrays themselves") {
  test::Examined place{
      "create table paths (path int[] primary key);"
      "create table coded (path int[] primary key, code int unique)"};
  check_refused(place.refusal("paths"), "its primary key paths_pkey has a column whose values do not travel",
                "add a unique index on other columns of public.paths that are NOT NULL");
  check_refused(place.refusal("coded"),
                "its unique index coded_code_key has a column that may be NULL: code, its primary",
                "alter table public.coded alter column code set not null");
}

TEST_CASE("unique indexes that make no key do hold two equal rows") {
  Examined place{
      "create collation loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
      "create type pair as (x numeric);"
      "create table partial (a int not null); create unique index on partial (a) where a > 0;"
      "create table deferred (a int not null unique deferrable initially deferred);"
      "create table nullable (a int unique);"
      "create table finer (a pair not null); create unique index on finer (a record_image_ops);"
      "create table looser (a text collate loose not null); create unique index on looser (a collate \"C\")"};
  const std::pair<std::string, std::string> tables[] = {{"partial", "(0), (0)"},
                                                        {"deferred", "(1), (1)"},
                                                        {"nullable", "(null), (null)"},
                                                        {"finer", "('(1.0)'), ('(1.00)')"},
                                                        {"looser", "('a'), ('A')"}};
  for (const auto& [table, rows] : tables) {
    INFO(table);
    CHECK(place.database.value("select bool_and(indisunique) from pg_index where indrelid = '" + table +
                               "'::regclass") == "t");
    test::Peer peer{place.database.conninfo()};
    peer.run("begin; insert into " + table + " values " + rows);
    CHECK(peer.run("select count(*) from " + table + " group by a")[0][0] == "2");
    peer.run("rollback");
    CHECK(place.refusal(table).kind == "refused.journal");
  }
}

TEST_CASE("an index that was never finished makes no key") {
  Examined place{"create table t (a int not null); insert into t values (1), (1)"};
  CHECK_THROWS(place.database.query("create unique index concurrently t_a on t (a)"));
  check_refused(place.refusal("t"), "its unique index t_a is not valid", "add a primary key");
}

TEST_CASE("INCLUDE columns are no part of the key, and may be NULL") {
  Examined place{"create table t (a int not null, b int); create unique index on t (a) include (b)"};
  CHECK(place.key("t") == Strings{"a"});
}

TEST_CASE("a key may be of any type that a unique index takes, in another collation that tells as much apart") {
  Examined place{
      "create type mood as enum ('sad', 'glad'); create domain code as text;"
      "create table t (a mood, c code, e int4range, f uuid, g text collate \"C\", primary key (a, c, e, f, g)); "
      "create table u (a text not null); create unique index on u (a collate \"C\")"};
  CHECK(place.key("t").size() == 5);
  CHECK(place.key("u") == Strings{"a"});
}

TEST_CASE("partitions have one key by the names of its columns, whatever their numbers") {
  Examined place{
      "create table t (a int not null, b int not null) partition by list (b);"
      "create table t_1 (gone int, b int not null, a int not null, unique (a, b)); alter table t_1 drop column gone;"
      "alter table t attach partition t_1 for values in (1);"
      "create table t_2 partition of t (primary key (b, a)) for values in (2)"};
  Tables tables = place.examine({{"t"}});
  for (const auto& leaf : tables.leaves) CHECK(key_of(leaf) == tables.declared[0].key);
  CHECK(tables.leaf(tables.declared[0].leaves[0])->columns[tables.leaves[0].key[0]].name == tables.declared[0].key[0]);
}

TEST_CASE("the primary key of the declared table goes before those of its partitions, and those before few columns") {
  Examined place{
      "create table t (a int not null, b int not null, c int, primary key (b, a)) partition by list (b);"
      "create table t_1 partition of t (unique (a)) for values in (1);"
      "create table u (a int not null, b int not null, c int not null) partition by list (b);"
      "create table u_1 partition of u (unique (a), primary key (b, c)) for values in (1);"
      "create table u_2 partition of u (unique (a), primary key (b, c)) for values in (2)"};
  CHECK(place.key("t") == Strings{"b", "a"});
  CHECK(place.key("u") == Strings{"b", "c"});
}

TEST_CASE("leaves without a key in common are refused with the names of two of them") {
  Examined place{
      "create table t (a int not null, b int not null) partition by list (b);"
      "create table t_1 partition of t (primary key (a)) for values in (1);"
      "create table t_2 partition of t (primary key (b)) for values in (2)"};
  check_refused(place.refusal("t"), "one key for public.t_1 and public.t_2",
                "unique index on the same NOT NULL columns");
  place.database.query("create table v (id int primary key); create table w () inherits (v)");
  check_refused(place.refusal("v"), "the rows of public.w apart", "alter table public.w add primary key");
}

TEST_CASE("a leaf below two declared tables has one key, and so have these") {
  Examined place{
      "create table a (x int not null unique, y int not null, primary key (y)); "
      "create table b (x int not null unique);"
      "create table c (unique (x), primary key (y)) inherits (a, b)"};
  CHECK(place.key("a") == Strings{"y"});
  Tables tables = place.examine({{"a"}, {"b"}});
  CHECK(tables.declared[0].key == Strings{"x"});
  CHECK(tables.declared[1].key == Strings{"x"});
}

TEST_CASE("a partitioned table without partitions has its own key") {
  Examined place{
      "create table t (a int primary key) partition by list (a); create table u (a int) partition by list (a)"};
  Tables tables = place.examine({{"t"}});
  CHECK(tables.leaves.empty());
  CHECK(tables.declared[0].key == Strings{"a"});
  check_refused(place.refusal("u"), "the rows of public.u apart", "add a primary key");
}
