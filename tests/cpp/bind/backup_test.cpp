#include "interpreter.hpp"
#include "scratch.hpp"
#include "support/catch.hpp"
#include "support/server.hpp"

namespace {

/// A database with a table, a folder, and a way to connect, in Lua.
struct Lab {
  test::Interpreter lua;
  test::Scratch folder;
  test::Database database;
  test::Database copy;

  Lab() {
    database.query("create table item (id int); insert into item select generate_series(1, 1000)");
    lua.define("folder", folder.path());
    lua.define("conninfo", database.conninfo());
    lua.define("copy", copy.conninfo());
    lua.run(R"(
      file = folder .. "/a.dump"
      function dumped(options)
        local session = db.host_reader { conninfo = conninfo }
        options = options or {}
        options.session, options.file = session, options.file or file
        local work = backup.dump(options)
        local facts = work:finish()
        session:close()
        return facts, work
      end
    )");
  }
};

}  // namespace

TEST_CASE("a dump is taken step by step, read, and restored over one open file") {
  Lab lab;
  CHECK(lab.lua.run(R"(
    local session = db.host_reader { conninfo = conninfo }
    local work = backup.dump { session = session, file = file }
    while not work:step(0.01) do assert(work:bytes() >= 0) end
    local made = work:finish()
    same(made.format, "custom")
    same(made.sha256, nil)
    same(#made.warnings, 0)
    same(made.version, backup.tool_version(nil, "pg_dump"))
    assert(made.seconds > 0)

    local archive = work:archive()
    work:close()
    local facts = archive:facts()
    same(facts.size, made.size)
    same(facts.format, "custom")
    same(facts.tables[1], "public.item")
    same(facts.path, file)
    assert(facts.created > 1.7e9 and facts.entries >= 2 and facts.database ~= "")

    system.remove_tree(file)
    same(archive:same_file(file), false)
    local read = archive:read():finish()
    same(read.size, made.size)
    same(read.trailing, false)
    same(archive:hash():finish().sha256, read.sha256)
    local restored = archive:restore { connect = copy, owner = false }:finish()
    same(restored.sha256, read.sha256)
    session:close()
  )") == "");
  CHECK(lab.copy.value("select count(*) from item") == "1000");
}

TEST_CASE("a work that outlives its archive goes on and one that is collected is over") {
  Lab lab;
  CHECK(lab.lua.run(R"(
    dumped()
    local archive = backup.open(file)
    local work = archive:read()
    archive:close()
    same(kind_of(archive.facts, archive), "backup.closed")
    archive = nil
    collectgarbage()
    assert(work:finish().size > 0)
    work:close()
    work:close()
    same(kind_of(work.step, work, 1), "backup.closed")

    local session = db.host_reader { conninfo = conninfo }
    backup.dump { session = session, file = folder .. "/b.dump" }
    collectgarbage()
    collectgarbage()
    same(#system.list(folder), 1)
  )") == "");
}

TEST_CASE("what goes wrong with a dump is raised with its kind, and raised again") {
  Lab lab;
  CHECK(lab.lua.run(R"(
    same(kind_of(backup.open, folder .. "/none"), "backup.file")
    same(kind_of(backup.dump, { file = file }), "usage.argument")
    dumped()
    same(kind_of(dumped), "backup.dump")
    local archive = backup.open(file)
    same(kind_of(archive.restore, archive, { connect = copy, tables = { "item" } }), "backup.tables")
    same(kind_of(archive.restore, archive, { connect = copy, jobs = 2 }), "backup.jobs")
    same(kind_of(archive.restore, archive, { connect = "dbname=x host=/nonexistent" }), "connect.refused")
    archive:restore { connect = copy }:finish()
    local again = archive:restore { connect = copy }
    local problem = caught(again.finish, again)
    same(problem.kind, "backup.restore")
    assert(problem.message:find('relation "item" already exists', 1, true), problem.message)
    same(kind_of(again.finish, again), "backup.restore")
  )") == "");
}

TEST_CASE("a dump of a directory goes through Lua as one of a file does") {
  Lab lab;
  CHECK(lab.lua.run(R"(
    local made = dumped { jobs = 2, hash = true, tables = { "public.item" } }
    same(made.format, "directory")
    local archive = backup.open(file)
    same(archive:facts().format, "directory")
    same(archive:facts().size, made.size)
    same(archive:read():finish().sha256, made.sha256)
    same(archive:restore { connect = copy, jobs = 2 }:finish().sha256, made.sha256)
  )") == "");
}
