#include "attacks/grammar.hpp"

#include <cctype>

namespace attacks {

const char* Grammar::fixture() {
  return R"(
    create table item (id integer primary key, name text, amount integer);
    insert into item values (1, 'a', 10), (2, 'b', 20), (3, null, null);
    create table log (id serial primary key, name text, amount integer);
    create view names as select id, name, amount from item where id > 1;
    create sequence counter;
    create function writes() returns integer language sql volatile as
      $$ insert into log (name) values ('writes') returning id $$;
    create function says_stable() returns integer language sql stable as $$ select nextval('counter')::integer $$;
    create function says_immutable() returns integer language sql immutable as $$ select nextval('counter')::integer $$;
    create view writing as select writes() as id, 'w'::text as name, 1 as amount;
    create function checks(n integer) returns boolean language sql immutable as $$ select nextval('counter') > n $$;
    create domain checked as integer check (checks(0));
    create function adds(a integer, b integer) returns integer language sql immutable as
      $$ select nextval('counter')::integer $$;
    create operator ### (leftarg = integer, rightarg = integer, function = adds);
    create function of_item(i item) returns integer language sql stable as $$ select nextval('counter')::integer $$;
    create aggregate tally(integer) (sfunc = adds, stype = integer, initcond = '0'))";
}

/// Whether the poison belongs into this hole.
bool Grammar::strikes() {
  if (poison_in_ == 0 || --poison_in_ > 0) return false;
  return poisoned_ = true;
}

Generated Grammar::next() {
  poisoned_ = false;
  poison_in_ = chance(50) ? 1 + below(15) : 0;
  const bool wanted = poison_in_ > 0;
  std::string sql = top();
  bool is_utility = false;
  if (wanted && !poisoned_) {
    poisoned_ = true;
    is_utility = chance(50);
    sql = is_utility ? utility() : "with " + fresh("w") + " as (" + modification(1) + ") " + sql;
  }
  return {disguised(sql), is_utility, poisoned_};
}

std::string Grammar::top() {
  static const char* const options[] = {"explain",
                                        "explain verbose",
                                        "explain analyze",
                                        "explain (costs off)",
                                        "explain (analyze, timing off)",
                                        "explain (analyze false)"};
  if (strikes()) return (chance(30) ? one_of(options) + " " : "") + modification(3);
  if (chance(15)) return one_of(options) + " " + query(1);
  if (chance(5)) return "table " + std::string{chance(50) ? "item" : "names"};
  if (chance(5)) return "values (" + integer(2, "") + ", " + text(2, "") + ")";
  return query(chance(15) ? 3 : 2);
}

std::string Grammar::utility() {
  static const char* const list[] = {"truncate item",
                                     "lock table item in share mode",
                                     "create table made as table item",
                                     "create temp table made ()",
                                     "select * into made from item",
                                     "select id into temp made from item",
                                     "notify attack",
                                     "listen attack",
                                     "drop table item cascade",
                                     "alter table item add column made integer",
                                     "copy item from stdin",
                                     "copy (select 1) to program 'true'",
                                     "copy (delete from item returning id) to stdout",
                                     "set role opsh",
                                     "set local work_mem = '1MB'",
                                     "reset all",
                                     "refresh materialized view made",
                                     "comment on table item is 'x'",
                                     "do $$ begin delete from item; end $$",
                                     "call made()",
                                     "prepare made as delete from item",
                                     "execute made",
                                     "declare made cursor with hold for select writes()",
                                     "explain analyze create table made as table item",
                                     "create function made() returns integer language sql as 'select 1'",
                                     "commit",
                                     "rollback and chain",
                                     "savepoint a",
                                     "merge into item using log on item.id = log.id when matched then delete",
                                     "grant all on item to public",
                                     "create view made as table item",
                                     "create index on item (amount)",
                                     "analyze item",
                                     "vacuum item",
                                     "select 1; delete from item",
                                     "begin; delete from item; commit",
                                     "explain execute made",
                                     "discard all",
                                     "security label on table item is 'x'",
                                     "reindex table item",
                                     "alter sequence counter restart",
                                     "explain analyze declare made cursor for select writes()",
                                     "insert into log default values"};
  return one_of(list);
}

std::string Grammar::modification(int depth) {
  static const char* const list[] = {
      "insert into log (name) values ('made') returning id, name, amount",
      "insert into item values (1, 'x', 1) on conflict (id) do update set amount = item.amount + 1 returning *",
      "update item set amount = 0 returning id, name, amount",
      "delete from item where id > 0 returning *",
      "delete from only item as i using log where i.id = 1 returning i.id, i.name, i.amount",
      "update item as i set name = 'x' from log where i.id = 2 returning i.id, i.name, i.amount"};
  if (depth > 1 && chance(40)) {
    poison_in_ = 0;
    return "insert into log (name, amount) select q.name, q.amount from (" + query(depth - 1) + ") as q returning *";
  }
  return one_of(list);
}

std::string Grammar::with_clause(int depth, std::vector<std::string>& known) {
  static const char* const manners[] = {" as (", " as materialized (", " as not materialized ("};
  std::string list;
  const int count = 1 + below(2);
  for (int at = 0; at < count; ++at) {
    const std::string name = fresh("w");
    if (!list.empty()) list += ", ";
    if (strikes()) {
      list += name + one_of(manners) + modification(depth - 1) + ")";
    } else if (chance(20)) {
      list += name + " (id, name, amount) as (select 1, 'r', 0 union all select id + 1, name, amount from " + name +
              " where id < 3)";
    } else {
      list += name + one_of(manners) + query(depth - 1) + ")";
    }
    known.push_back(name);
  }
  return "with recursive " + list + " ";
}

std::string Grammar::query(int depth) {
  std::vector<std::string> known;
  std::string sql = depth > 0 && chance(35) ? with_clause(depth, known) : "";
  sql += body(depth, known);
  if (chance(20)) sql += " order by " + std::to_string(1 + below(3)) + (chance(50) ? " desc" : "");
  if (strikes())
    return chance(50) ? sql + " limit " + poison_expression() : sql + " offset (select " + poison_expression() + ")";
  if (chance(15)) sql += chance(50) ? " limit 5" : " fetch first 2 rows only";
  return sql;
}

std::string Grammar::body(int depth, const std::vector<std::string>& known) {
  static const char* const operations[] = {" union ", " union all ", " intersect ", " except all "};
  if (depth > 0 && chance(20))
    return "(" + core(depth - 1, known) + ")" + one_of(operations) + "(" + query(depth - 1) + ")";
  if (chance(8))
    return "select * from (values (" + integer(1, "") + ", " + text(1, "") + ", 7)) as " + fresh("a") +
           " (id, name, amount)";
  return core(depth, known);
}

std::string Grammar::core(int depth, const std::vector<std::string>& known) {
  static const char* const locks[] = {" for update", " for share", " for no key update", " for key share skip locked"};
  static const char* const joins[] = {" join ", " left join ", " full join "};
  const std::string alias = fresh("a");
  std::string sql = chance(15) ? "select distinct " : "select ";
  sql += integer(depth, alias) + " as id, " + text(depth, alias) + " as name, " + integer(depth, alias) + " as amount";
  if (strikes()) return sql + " into " + (chance(50) ? "temp " : "") + fresh("made") + " from item as " + alias;
  if (strikes()) return sql + " from item as " + alias + one_of(locks);
  sql += " from " + relation(depth, known, alias);
  if (chance(20)) {
    const std::string other = fresh("a");
    sql += one_of(joins) + relation(depth - 1, known, other) + " on " + alias + ".id = " + other + ".id";
  }
  if (chance(40)) sql += " where " + condition(depth, alias);
  return sql;
}

std::string Grammar::relation(int depth, const std::vector<std::string>& known, const std::string& alias) {
  if (strikes()) {
    static const char* const poisoned[] = {"writing", "(select writes() as id, 'x'::text as name, 1 as amount)",
                                           "(with w as (delete from item returning *) select * from w)"};
    return one_of(poisoned) + " as " + alias;
  }
  if (!known.empty() && chance(50))
    return known[static_cast<std::size_t>(below(static_cast<int>(known.size())))] + " as " + alias;
  if (depth > 0 && chance(30))
    return std::string{chance(20) ? "lateral " : ""} + "(" + query(depth - 1) + ") as " + alias;
  if (chance(10)) return "(values (1, 'v', 2), (2, null, 3)) as " + alias + " (id, name, amount)";
  if (chance(10)) return "(select n as id, 's'::text as name, n as amount from generate_series(1, 3) as n) as " + alias;
  return (chance(20) ? "only item as " : chance(30) ? "names as " : "item as ") + alias;
}

std::string Grammar::poison_expression() {
  static const char* const list[] = {
      "writes()",
      "nextval('counter')::integer",
      "setval('counter', 5)::integer",
      "says_stable()",
      "says_immutable()",
      "length(pg_advisory_lock(1)::text)",
      "pg_try_advisory_xact_lock(2)::integer",
      "public.writes()",
      "\"writes\"()",
      "pg_catalog.nextval('counter')::integer",
      "length(set_config('work_mem', '1MB', false))",
      "lo_creat(-1)::integer",
      "length(pg_notify('attack', 'x')::text)",
      "(1 ### 2)",
      "(1 operator(public.###) 2)",
      "1::checked",
      "cast('1' as checked)",
      "(select tally(id) from item)",
      "(select max(id) from writing)",
      "(select max(i.of_item) from item as i)",
      "(select max((i).of_item) from item as i)",
      "(with w as (update item set amount = 1 returning id) select max(id) from w)",
      "(select max(id) from (select id from item for update) as l)",
      "length(query_to_xml('select nextval(''counter'')', true, false, '')::text)",
      "(select count(*) from ts_stat('select to_tsvector(''a'') where nextval(''counter'') > 0'))::integer",
      "length(pg_logical_emit_message(false, 'a', 'b')::text)",
      "txid_current()::integer",
      "(select count(*) from dblink('', '') as d (a integer))::integer",
      "pg_export_snapshot()::text::integer",
      "length(pg_read_file('PG_VERSION'))",
      "pg_cancel_backend(1)::integer",
      "length(pg_switch_wal()::text)"};
  return one_of(list);
}

std::string Grammar::integer(int depth, const std::string& alias) {
  if (strikes()) return poison_expression();
  const std::string column = alias.empty() ? "3" : alias + (chance(50) ? ".id" : ".amount");
  if (depth <= 0) return chance(70) ? column : std::to_string(below(100));
  switch (below(14)) {
    case 0:
      return "(" + integer(depth - 1, alias) + " + " + integer(depth - 1, alias) + ")";
    case 1:
      return "coalesce(" + integer(depth - 1, alias) + ", 0)";
    case 2:
      return "length(" + text(depth - 1, alias) + ")";
    case 3:
      return "case when " + condition(depth - 1, alias) + " then 1 else " + integer(depth - 1, alias) + " end";
    case 4:
      return "(select max(q.id) from (" + query(depth - 1) + ") as q)";
    case 5:
      return "(array[1, " + integer(depth - 1, alias) + "])[1]";
    case 6:
      return "greatest(" + integer(depth - 1, alias) + ", 2)";
    case 7:
      return "cast(" + integer(depth - 1, alias) + " as bigint)::integer";
    case 8:
      return "abs(" + integer(depth - 1, alias) + ")";
    case 9:
      return "(select count(*) filter (where " + condition(depth - 1, "") + ") from item)::integer";
    case 10:
      return "nullif(" + integer(depth - 1, alias) + ", 4)";
    default:
      return column;
  }
}

std::string Grammar::text(int depth, const std::string& alias) {
  if (strikes()) return poison_expression() + "::text";
  const std::string column = alias.empty() ? "'none'" : alias + ".name";
  if (depth <= 0) return chance(60) ? column : "'a; delete from item --'";
  switch (below(10)) {
    case 0:
      return "lower(" + text(depth - 1, alias) + ")";
    case 1:
      return "(" + text(depth - 1, alias) + " || 'for update')";
    case 2:
      return integer(depth - 1, alias) + "::text";
    case 3:
      return "substring(" + text(depth - 1, alias) + " from 1 for 2)";
    case 4:
      return "(select min(q.name) from (" + query(depth - 1) + ") as q)";
    case 5:
      return "format('%s', " + text(depth - 1, alias) + ")";
    case 6:
      return "trim(both ' ' from " + text(depth - 1, alias) + ") collate \"C\"";
    default:
      return column;
  }
}

std::string Grammar::condition(int depth, const std::string& alias) {
  if (strikes()) return poison_expression() + " > 0";
  if (depth <= 0) return integer(0, alias) + " > 1";
  switch (below(9)) {
    case 0:
      return "(" + condition(depth - 1, alias) + " and not " + condition(depth - 1, alias) + ")";
    case 1:
      return "exists (" + query(depth - 1) + ")";
    case 2:
      return integer(depth - 1, alias) + " in (select q.id from (" + query(depth - 1) + ") as q)";
    case 3:
      return integer(depth - 1, alias) + " = any (array[1, " + integer(depth - 1, alias) + "])";
    case 4:
      return text(depth - 1, alias) + " like 'a%'";
    case 5:
      return integer(depth - 1, alias) + " between 1 and " + integer(depth - 1, alias);
    case 6:
      return text(depth - 1, alias) + " is distinct from 'delete'";
    default:
      return integer(depth - 1, alias) + " > " + integer(depth - 1, alias);
  }
}

/// The same statement, spelled otherwise: letters of either case and odd white space, outside quotes.
std::string Grammar::disguised(const std::string& sql) {
  static const char* const spaces[] = {"\n",  "\t", "  ", " /* delete */ ", " /* a /* b */ ' */ ", " -- ; commit\n",
                                       "\r\n"};
  if (chance(30)) return sql;
  std::string disguise;
  char quote = 0;
  const bool shouts = chance(30);
  for (const char letter : sql) {
    if (quote != 0) {
      if (letter == quote) quote = 0;
    } else if (letter == '\'' || letter == '"' || letter == '$') {
      quote = letter;
    } else if (letter == ' ' && chance(10)) {
      disguise += one_of(spaces);
      continue;
    } else if (shouts || chance(10)) {
      disguise += static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
      continue;
    }
    disguise += letter;
  }
  return disguise;
}

}  // namespace attacks
