-- Files of the server, programs, large objects.
local open = "reset transaction_read_only"
return {
  family = "files and large objects",
  { "copy to a file", "copy item to '${folder}/copied'" },
  { "copy a query to a file", "copy (select 1) to '${folder}/copied'" },
  { "copy to a program", "copy (select 1) to program 'cat > ${folder}/piped'" },
  { "copy from a program", open, "copy log (what) from program 'echo attacked'" },
  { "copy from a program that writes", "copy pg_temp.none from program 'touch ${folder}/touched'",
    [[create temp table none (a text)]], "copy none from program 'touch ${folder}/touched'" },
  { "copy from a file", open, "copy log (what) from '/etc/hostname'" },
  { "copy from stdin", open, "copy log (what) from stdin" },
  { "copy binary", "copy binary item to '${folder}/copied'" },
  { "copy in capitals behind a comment", "/**/COPY item TO '${folder}/copied' WITH (FORMAT csv)" },
  { "copy to stdout", "copy item to stdout" },
  { "lo_export", "select lo_export(4711, '${folder}/exported')" },
  { "lo_export, schema-qualified in capitals", "SELECT PG_CATALOG.LO_EXPORT(4711, '${folder}/exported')" },
  { "lo_import", "select lo_import('/etc/hostname')" },
  { "lo_import with an id", "select lo_import('/etc/hostname', 5005)" },
  { "lo_create", "select lo_create(0)" },
  { "lo_creat", "select lo_creat(-1)" },
  { "lo_from_bytea", "select lo_from_bytea(0, 'attacked')" },
  { "lo_put", "select lo_put(4712, 0, 'attacked')" },
  { "lo_unlink", "select lo_unlink(4712)" },
  { "lo_open and write", "select lowrite(lo_open(4712, 131072), 'attacked')" },
  { "lo_truncate", "select lo_truncate(lo_open(4712, 131072), 0)" },
  { "lo_truncate64", "select lo_truncate64(lo_open(4712, 131072), 0)" },
  { "a large object after leaving", open, "select lo_put(4712, 0, 'attacked')" },
  { "alter large object", open, "alter large object 4712 owner to reader" },
  { "the manager of large objects", open, "select lo_oid(1), lo_unlink(4712)", setup = "create extension if not exists lo" },
  { "pg_file_write", "select pg_file_write('${folder}/written', 'attacked', false)",
    setup = "create extension if not exists adminpack", server_below = 170000 },
  { "pg_file_unlink", "select pg_file_unlink('${folder}/victim')", server_below = 170000 },
  { "pg_file_rename", "select pg_file_rename('${folder}/victim', '${folder}/renamed')", server_below = 170000 },
  { "pg_file_sync", "select pg_file_sync('${folder}/victim')", server_below = 170000 },
  { "pg_read_file", "select pg_read_file('postgresql.conf')" },
  { "pg_read_binary_file", "select pg_read_binary_file('${folder}/victim')" },
  { "pg_ls_dir", "select pg_ls_dir('${folder}')" },
  { "pg_stat_file", "select pg_stat_file('${folder}/victim')" },
  { "pg_ls_logdir", "select pg_ls_waldir()" },
  { "a foreign table on a program", "select * from by_program", setup = [[
      create extension if not exists file_fdw; create server if not exists files foreign data wrapper file_fdw;
      create foreign table by_program (line text) server files options (program 'touch ${folder}/by_fdw; echo 1');
      grant select on by_program to public]] },
  { "a view of a foreign table on a program", "select * from view_of_program", setup = [[
      create foreign table by_program2 (line text) server files options (program 'touch ${folder}/by_view; echo 1');
      create view view_of_program as select * from by_program2; grant select on view_of_program to public]] },
  { "a partition that is a foreign table", "select * from parted", setup = [[
      create table parted (line text) partition by list (line);
      create foreign table parted_1 partition of parted for values in ('1') server files
        options (program 'touch ${folder}/by_partition; echo 1'); grant select on parted to public]] },
  { "a child that is a foreign table", "select * from parent", setup = [[
      create table parent (line text);
      create foreign table child () inherits (parent) server files
        options (program 'touch ${folder}/by_child; echo 1'); grant select on parent to public]] },
  { "a count of a partitioned table with a foreign one", "select count(*) from parted" },
  { "explain of a foreign table on a program", "explain analyze select * from by_program" },
}
