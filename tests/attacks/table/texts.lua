-- Functions that run SQL that is given to them as text, and connections to elsewhere.
local open = "reset transaction_read_only"
return {
  family = "SQL as text",
  { "query_to_xml", "select query_to_xml('select pg_advisory_lock(30)', true, false, '')" },
  { "query_to_xmlschema", "select query_to_xmlschema('select pg_advisory_lock(31)', true, false, '')" },
  { "query_to_xml_and_xmlschema", "select query_to_xml_and_xmlschema('select pg_advisory_lock(32)', true, false, '')" },
  { "query_to_xml that sets", "select query_to_xml('select set_config(''transaction_read_only'', null, false)', true, false, '')",
    "insert into log (what) values ('xml')" },
  { "query_to_xml that writes", open, "select query_to_xml('delete from item returning 1', true, false, '')" },
  { "query_to_xml by parts", "select query_to_xml('select pg_advi' || 'sory_lock(33)', true, false, '')" },
  { "query_to_xml of a format", "select query_to_xml(format('select %I(34)', 'pg_advisory_lock'), true, false, '')" },
  { "query_to_xml in a view", "select * from xml_view", setup = [[
      create view xml_view as select query_to_xml('select pg_advisory_lock(35)', true, false, '') as x;
      grant select on xml_view to public]] },
  { "table_to_xml of a view", "select table_to_xml('locks_36', true, false, '')", setup = [[
      create view locks_36 as select pg_advisory_lock(36)::text as x; grant select on locks_36 to public]] },
  { "schema_to_xml", "select schema_to_xml('trap', true, false, '')", setup = [[
      create schema trap; grant usage on schema trap to public;
      create view trap.locks as select pg_advisory_lock(37)::text as x; grant select on trap.locks to public]] },
  { "schema_to_xml_and_xmlschema", "select schema_to_xml_and_xmlschema('trap', true, false, '')" },
  { "database_to_xml", "select database_to_xml(true, false, '')" },
  { "cursor_to_xml", "declare c cursor for select pg_advisory_lock(38)", "select cursor_to_xml('c', 10, true, false, '')" },
  { "ts_stat", "select * from ts_stat('select to_tsvector(''a'') where pg_advisory_lock(39) is not null')" },
  { "ts_stat with weights", "select * from ts_stat('select to_tsvector(''a'') from pg_advisory_lock(40)', 'a')" },
  { "ts_rewrite", "select ts_rewrite('a & b'::tsquery, "
      .. "'select ''a''::tsquery, ''b''::tsquery where pg_try_advisory_lock(41)')" },
  { "crosstab", "select * from crosstab('select 1, 1, pg_advisory_lock(42)::text') as (a integer, b text)",
    setup = "create extension if not exists tablefunc" },
  { "connectby", "select * from connectby('(select 1 as a, 0 as b from pg_advisory_lock(43)) x', 'a', 'b', '0', 1) "
      .. "as (a integer, b integer, l integer)" },
  { "xpath_table", "select * from xpath_table('id', 'name', 'item', '/a', 'pg_try_advisory_lock(44)') as (a integer, b text)",
    setup = "create extension if not exists xml2" },
  { "dblink", "select * from dblink('dbname=${database} user=opsh', 'insert into log (what) values (''dblink'') returning id') "
      .. "as (id integer)", setup = "create extension if not exists dblink" },
  { "dblink_exec", "select dblink_exec('dbname=${database} user=opsh', 'delete from item where id = 2')" },
  { "dblink_connect", "select dblink_connect('a', 'dbname=${database} user=opsh')",
    "select dblink_exec('a', 'delete from item where id = 3')" },
  { "dblink_send_query", "select dblink_connect('b', 'dbname=${database} user=opsh')",
    "select dblink_send_query('b', 'delete from item where id = 4')", "select * from dblink_get_result('b') as (r text)" },
  { "dblink in a lateral", "select * from item i, lateral dblink('dbname=${database} user=opsh', "
      .. "'delete from item where id = 5 returning id') as d (id integer)" },
  { "dblink behind a user's function", "select behind()", setup = [[
      create function behind() returns text language sql immutable as
        $$ select dblink_exec('dbname=${database} user=opsh', 'delete from item where id = 6') $$]] },
  { "a foreign table of another server", "select * from remote_item", setup = [[
      create extension if not exists postgres_fdw;
      create server loopback foreign data wrapper postgres_fdw options (dbname '${database}');
      create user mapping for public server loopback options (user 'opsh', password_required 'false');
      create view locks_45 as select pg_advisory_lock(45)::text as x;
      create foreign table remote_item (x text) server loopback options (table_name 'locks_45');
      grant select on remote_item to public]] },
  { "postgres_fdw_disconnect_all", "select postgres_fdw_disconnect_all()" },
  { "a function of plpgsql with EXECUTE", "select runs('select pg_advisory_lock(46)')", setup = [[
      create function runs(what text) returns integer language plpgsql stable as
        $$ begin execute what; return 1; end $$]] },
}
