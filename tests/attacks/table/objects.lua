-- Objects that somebody with rights in the database has made. leak(n), of the ground itself, leaves the read-only
-- transaction, takes the session's advisory lock n and moves a sequence. Volatility is what its author says it is.
return {
  family = "objects of users",
  { "a volatile function", "select leak(100)" },
  { "a function that lies", "select lies(101)", setup = [[
      create function lies(n integer) returns integer language sql immutable as 'select leak(n)']] },
  { "a stable function", "select stable_lies(102)", setup = [[
      create function stable_lies(n integer) returns integer language sql stable as 'select leak(n)']] },
  { "a function in capitals", "SELECT LEAK(103)" },
  { "a function by a quoted name", [[select "leak"(104)]] },
  { "a function, schema-qualified", "select public.leak(105)" },
  { "a function by database and schema", "select ${database}.public.leak(106)" },
  { "a function as a table", "select * from leak(107)" },
  { "a function of nobody's call", "select 1 where false and leak(108) = 1" },
  { "a security definer of the superuser", "select as_superuser()", setup = [[
      create function as_superuser() returns integer language plpgsql stable security definer as $$ begin
        perform set_config('transaction_read_only', null, false);
        perform pg_advisory_lock(109); copy (select 1) to program 'touch ${folder}/definer'; return 1;
      end $$]] },
  { "a function with settings", "select with_settings()", setup = [[
      create function with_settings() returns integer language plpgsql stable set default_transaction_read_only = off
        as $$ begin return leak(110); end $$]] },
  { "a function with a default that leaks", "select by_default()", setup = [[
      create function by_default(n integer default leak(111)) returns integer language sql immutable as 'select n']] },
  { "a variadic function", "select variadic_leak(variadic array[112])", setup = [[
      create function variadic_leak(variadic n integer[]) returns integer language sql as 'select leak(n[1])']] },
  { "a function with a table as result", "select * from leaks_rows()", setup = [[
      create function leaks_rows() returns setof item language sql stable as 'select leak(113); table item']] },
  { "a function of a row, as a function", "select leak_of(i) from item i", setup = [[
      create function leak_of(i item) returns integer language sql stable as 'select leak(114)']] },
  { "a function of a row, as an attribute", "select (i).leak_of from item i" },
  { "a function of a row, as a column", "select i.leak_of from item i" },
  { "a function of a row, as a column of the table", "select item.leak_of from item" },
  { "a function of a row, in order by", "select 1 from item i order by i.leak_of" },
  { "a function of a row, as a column with a schema", "select public.item.leak_of from public.item" },
  { "a function of text, as a cast", "select text(item_row) from (select row(1)::trap_row as item_row) x", setup = [[
      create type trap_row as (a integer);
      create function text(r trap_row) returns text language sql stable as 'select leak(115)::text']] },
  { "a count of its own", "select count(id) from item", alone = true, setup = [[
      create function count_step(a bigint, n integer) returns bigint language sql as 'select a + leak(116)';
      create aggregate count(integer) (sfunc = count_step, stype = bigint, initcond = '0')]] },
  { "a lower of its own", "select lower(name::varchar) from item", alone = true, setup = [[
      create function lower(v varchar) returns text language sql immutable as 'select leak(117)::text']] },
  { "a now of its own", "select public.now()", setup = [[
      create function now() returns text language sql stable as 'select leak(118)::text']] },
  { "a coalesce of its own", [[select "coalesce"(1, 2)]], setup = [[
      create function "coalesce"(a integer, b integer) returns integer language sql immutable as 'select leak(119)']] },
  { "an equality of its own", "select 1 from item where amount::numeric = id", alone = true, setup = [[
      create function same(a numeric, b integer) returns boolean language sql immutable as 'select leak(120) = 1';
      create operator = (leftarg = numeric, rightarg = integer, function = same)]] },
  { "an equality of its own in a CASE", "select case amount::numeric when id then 1 end from item", alone = true,
    setup = [[create function same(a numeric, b integer) returns boolean language sql immutable as 'select leak(121) = 1';
      create operator = (leftarg = numeric, rightarg = integer, function = same)]] },
  { "an equality of its own in IN", "select 1 from item where amount::numeric in (id, 2)", alone = true,
    setup = [[create function same(a numeric, b integer) returns boolean language sql immutable as 'select leak(122) = 1';
      create operator = (leftarg = numeric, rightarg = integer, function = same)]] },
  { "an equality of its own in IN of a query", "select 1 from item where amount::numeric in (select id from item)",
    alone = true,
    setup = [[create function same(a numeric, b integer) returns boolean language sql immutable as 'select leak(123) = 1';
      create operator = (leftarg = numeric, rightarg = integer, function = same)]] },
  { "an equality of its own in USING", "select 1 from (select 1::numeric as id) a join item using (id)", alone = true,
    setup = [[create function same(a numeric, b integer) returns boolean language sql immutable as 'select leak(124) = 1';
      create operator = (leftarg = numeric, rightarg = integer, function = same)]] },
  { "an equality of its own in a natural join", "select 1 from (select 1::numeric as id) a natural join item",
    alone = true,
    setup = [[create function same(a numeric, b integer) returns boolean language sql immutable as 'select leak(125) = 1';
      create operator = (leftarg = numeric, rightarg = integer, function = same)]] },
  { "an equality of its own in NULLIF", "select nullif(amount::numeric, id) from item", alone = true,
    setup = [[create function same(a numeric, b integer) returns boolean language sql immutable as 'select leak(126) = 1';
      create operator = (leftarg = numeric, rightarg = integer, function = same)]] },
  { "an equality of its own in IS DISTINCT FROM", "select amount::numeric is distinct from id from item", alone = true,
    setup = [[create function same(a numeric, b integer) returns boolean language sql immutable as 'select leak(127) = 1';
      create operator = (leftarg = numeric, rightarg = integer, function = same)]] },
  { "comparisons of its own in BETWEEN", "select amount::numeric between id and id from item", alone = true,
    setup = [[create function least_of(a numeric, b integer) returns boolean language sql immutable as 'select leak(128) = 1';
      create operator >= (leftarg = numeric, rightarg = integer, function = least_of)]] },
  { "an addition of its own", "select amount::numeric + id from item", alone = true,
    setup = [[create function added(a numeric, b integer) returns numeric language sql immutable as 'select leak(129)';
      create operator + (leftarg = numeric, rightarg = integer, function = added)]] },
  { "a LIKE of its own", "select name::varchar like 'a'::varchar from item", alone = true,
    setup = [[create function likes(a varchar, b varchar) returns boolean language sql immutable as 'select leak(130) = 1';
      create operator ~~ (leftarg = varchar, rightarg = varchar, function = likes)]] },
  { "a user's operator", "select 1 ### 2", setup = [[
      create function hashes(a integer, b integer) returns boolean language sql immutable as 'select leak(131) = 1';
      create operator ### (leftarg = integer, rightarg = integer, function = hashes)]] },
  { "a user's operator, qualified", "select 1 operator(public.###) 2" },
  { "a user's operator with ANY", "select 1 ### any (array[1, 2])" },
  { "a user's operator with ALL of a query", "select 1 ### all (select id from item)" },
  { "a user's prefix operator", "select ### 1", setup = [[
      create function prefixed(a integer) returns integer language sql immutable as 'select leak(132)';
      create operator ### (rightarg = integer, function = prefixed)]] },
  { "a user's operator in ORDER BY USING", "select 1 from item order by id using <<#", setup = [[
      create function before(a integer, b integer) returns boolean language sql immutable as 'select leak(133) = 1';
      create function before_cmp(a integer, b integer) returns integer language sql immutable as 'select leak(133)';
      create operator <<# (leftarg = integer, rightarg = integer, function = before);
      create operator class before_ops for type integer using btree as
        operator 1 <<#, function 1 before_cmp(integer, integer)]] },
  { "a user's ordering of a type without one", "select p from points order by p", alone = true, setup = [[
      create table points (p point); insert into points values ('(1,1)'), ('(2,2)'), ('(1,1)');
      grant select on points to public;
      create function point_lt(a point, b point) returns boolean language sql immutable as 'select leak(134) = 0';
      create function point_eq(a point, b point) returns boolean language sql immutable as 'select leak(134) = 1';
      create function point_cmp(a point, b point) returns integer language sql immutable as 'select leak(134)';
      create operator #< (leftarg = point, rightarg = point, function = point_lt);
      create operator #<= (leftarg = point, rightarg = point, function = point_lt);
      create operator #= (leftarg = point, rightarg = point, function = point_eq);
      create operator #>= (leftarg = point, rightarg = point, function = point_lt);
      create operator #> (leftarg = point, rightarg = point, function = point_lt);
      create operator class point_ops default for type point using btree as operator 1 #<, operator 2 #<=,
        operator 3 #=, operator 4 #>=, operator 5 #>, function 1 point_cmp(point, point)]] },
  { "a user's hash of a type without one", "select p::text from (select distinct p from points) x", alone = true, setup = [[
      create table points (p json); insert into points values ('1'), ('2'), ('1'); grant select on points to public;
      create function json_same(a json, b json) returns boolean language sql immutable as 'select leak(135) = 1';
      create function json_hash(a json) returns integer language sql immutable as 'select leak(135)';
      create operator #= (leftarg = json, rightarg = json, function = json_same, hashes);
      create operator class json_ops default for type json using hash as operator 1 #=, function 1 json_hash(json)]] },
  { "a user's aggregate", "select leaky_sum(id) from item", setup = [[
      create function leaky_step(a integer, b integer) returns integer language sql immutable as 'select leak(136)';
      create aggregate leaky_sum(integer) (sfunc = leaky_step, stype = integer, initcond = '0')]] },
  { "a user's aggregate as a window function", "select leaky_sum(id) over () from item" },
  { "a user's final function", "select leaky_end(id) from item", setup = [[
      create function ends(a integer) returns integer language sql immutable as 'select leak(137)';
      create aggregate leaky_end(integer) (sfunc = int4pl, stype = integer, initcond = '0', finalfunc = ends)]] },
  { "an ordered-set aggregate", "select leaky_set() within group (order by id) from item", setup = [[
      create function set_step(a integer, b integer) returns integer language sql immutable as 'select leak(138)';
      create aggregate leaky_set(order by integer) (sfunc = set_step, stype = integer, initcond = '0')]] },
  { "a view on a function", "select * from leaky_view", setup = [[
      create view leaky_view as select leak(139) as n; grant select on leaky_view to public]] },
  { "a view of a view on a function", "select * from view_of_leaky", setup = [[
      create view view_of_leaky as select * from leaky_view; grant select on view_of_leaky to public]] },
  { "TABLE of a view on a function", "table leaky_view" },
  { "a view on a function in a subquery", "select (select n from leaky_view)" },
  { "a view on a function in a CTE", "with a as (table leaky_view) select * from a" },
  { "a view on a function, in its condition", "select * from leaky_where", setup = [[
      create view leaky_where as select id from item where leak(140) = 1; grant select on leaky_where to public]] },
  { "a view on pg_advisory_lock", "select * from locking_view", setup = [[
      create view locking_view as select pg_advisory_lock(141)::text as n; grant select on locking_view to public]] },
  { "a view made by a rule", "select * from ruled", setup = [[
      create table ruled (n integer); create rule "_RETURN" as on select to ruled do instead select leak(142) as n;
      grant select on ruled to public]], server_below = 160000 },
  { "a view with security_invoker", "select * from invoker_view", server_from = 150000, setup = [[
      create view invoker_view with (security_invoker = true) as select leak(143) as n;
      grant select on invoker_view to public]] },
  { "a view whose text names a table of pg_temp", "select * from recursive_view", setup = [[
      create recursive view recursive_view (n) as
        values (leak(144)) union all select n + 1 from recursive_view where n < 1;
      grant select on recursive_view to public]] },
  { "a view of information_schema's name", "select * from columns", setup = [[
      create view columns as select leak(145) as n; grant select on columns to public]] },
  { "a view in pg_catalog", "select * from pg_catalog.pg_trap", alone = true, setup = [[
      set allow_system_table_mods = on; create view pg_catalog.pg_trap as select public.leak(146) as n;
      grant select on pg_catalog.pg_trap to public]] },
  { "a policy", "select * from guarded", may_run_as_superuser = "policies do not apply to it", setup = [[
      create table guarded (n integer); insert into guarded values (1);
      alter table guarded enable row level security, force row level security;
      create policy leaky on guarded using (leak(147) = 1);
      alter table guarded owner to owner; grant select on guarded to public]] },
  { "a policy of a table behind a view", "select * from guarded_view", setup = [[
      create view guarded_view as select * from guarded; alter view guarded_view owner to owner;
      grant select on guarded_view to public]] },
  { "a domain", "select 1::leaky_domain", setup = [[
      create domain leaky_domain as integer check (leak(148) = 1)]] },
  { "a domain by its name first", "select leaky_domain '1'" },
  { "a domain by CAST", "select cast('1' as leaky_domain)" },
  { "a domain as a function", "select leaky_domain(1)" },
  { "a domain, qualified in quotes", [[select 1::"public"."leaky_domain"]] },
  { "an array of a domain", "select '{1,2}'::leaky_domain[]" },
  { "an array of a domain by ARRAY", "select array[1]::leaky_domain[]" },
  { "a row with a domain", "select '(1)'::with_domain", setup = "create type with_domain as (a leaky_domain)" },
  { "a row with a domain by ROW", "select row(1)::with_domain" },
  { "a row of a table with a domain", "select row(1)::domain_table", setup = "create table domain_table (a leaky_domain)" },
  { "a row with a domain from JSON", [[select * from jsonb_populate_record(null::with_domain, '{"a": 1}')]] },
  { "a domain from JSON", [[select * from jsonb_to_record('{"a": 1}') as (a leaky_domain)]] },
  { "a domain from JSON in rows from", [[select * from rows from (json_to_record('{"a": 1}') as (a leaky_domain)) as x]] },
  { "a domain from XML", "select * from xmltable('/a' passing xmlparse(document '<a>1</a>') columns a leaky_domain path '.')" },
  { "a domain of a domain", "select 1::outer_domain", setup = "create domain outer_domain as leaky_domain" },
  { "a domain over a row with a domain", "select row(1)::row_domain", setup = "create domain row_domain as with_domain" },
  { "a domain with a check on pg_advisory_lock", "select 1::locking_domain", setup = [[
      create domain locking_domain as integer check (pg_try_advisory_lock(149))]] },
  { "a range of a leaky ordering", "select leaky_range(1, 2)", setup = [[
      create function range_cmp(a integer, b integer) returns integer language sql immutable as 'select leak(150) * 0 - 1';
      create operator class leaky_range_ops for type integer using btree as operator 1 <, operator 2 <=, operator 3 =,
        operator 4 >=, operator 5 >, function 1 range_cmp(integer, integer);
      create type leaky_range as range (subtype = integer, subtype_opclass = leaky_range_ops)]] },
  { "a range of a leaky ordering from text", "select '[1,2]'::leaky_range" },
  { "a multirange of a leaky ordering", "select '{[1,2]}'::leaky_multirange" },
  { "a user's cast", "select 'a'::text::point", alone = true, setup = [[
      create function to_point(t text) returns point language sql immutable as 'select point(leak(151), 0)';
      create cast (text as point) with function to_point(text)]] },
  { "a user's cast by CAST", "select cast(name as point) from item", alone = true, setup = [[
      create function to_point(t text) returns point language sql immutable as 'select point(leak(152), 0)';
      create cast (text as point) with function to_point(text)]] },
  { "a user's implicit cast", "select length(amount) from item", alone = true, setup = [[
      create function to_text(n integer) returns text language sql immutable as 'select leak(153)::text';
      create cast (integer as text) with function to_text(integer) as implicit]] },
  { "a user's implicit cast in an operator", "select name || amount from item where name = amount", alone = true, setup = [[
      create function to_text(n integer) returns text language sql immutable as 'select leak(154)::text';
      create cast (integer as text) with function to_text(integer) as implicit]] },
  { "a user's implicit cast in a union", "select name from item union all select amount from item", alone = true, setup = [[
      create function to_text(n integer) returns text language sql immutable as 'select leak(155)::text';
      create cast (integer as text) with function to_text(integer) as implicit]] },
  { "a user's cast of a row", "select i::text from item i", alone = true, setup = [[
      create function row_text(i item) returns text language sql immutable as 'select leak(156)::text';
      create cast (item as text) with function row_text(item)]] },
  { "a function in pg_temp", "create function pg_temp.hidden() returns integer language sql as 'select leak(157)'",
    "select pg_temp.hidden()" },
  { "a user's type of an enum", "select 'a'::letters", setup = "create type letters as enum ('a', 'b')",
    may_run = "an enum runs nothing of its author's" },
  { "constant folding in EXPLAIN", "explain select lies(158)" },
  { "constant folding in EXPLAIN of a condition", "explain select 1 from item where id = lies(159)" },
  { "a function in a partition's bounds", "select * from hashed where k = 1", setup = [[
      create function leaky_hash(n integer, seed bigint) returns bigint language sql immutable as 'select leak(160)::bigint';
      create operator class leaky_hash_ops for type integer using hash as operator 1 =,
        function 2 leaky_hash(integer, bigint);
      create table hashed (k integer) partition by hash (k leaky_hash_ops);
      create table hashed_0 partition of hashed for values with (modulus 2, remainder 0);
      create table hashed_1 partition of hashed for values with (modulus 2, remainder 1);
      grant select on hashed to public]] },
  { "an index with a user's ordering", "select * from ordered where k = 5", setup = [[
      create function leaky_cmp(a integer, b integer) returns integer language plpgsql immutable as
        $$ begin
          if current_setting('trap.armed', true) = 'no' then return btint4cmp(a, b); end if;
          perform leak(161); return btint4cmp(a, b);
        end $$;
      create operator class leaky_ops for type integer using btree as operator 1 <, operator 2 <=, operator 3 =,
        operator 4 >=, operator 5 >, function 1 leaky_cmp(integer, integer);
      create table ordered (k integer); set trap.armed = 'no'; insert into ordered select generate_series(1, 5000);
      create index on ordered (k leaky_ops); analyze ordered; grant select on ordered to public]] },
}
