#include "interpreter.hpp"
#include "scratch.hpp"
#include "support/catch.hpp"

namespace {

/// Lua with `root`, an empty directory, and `value(conninfo, sql)`: the field that a query gives there.
struct Place {
  test::Interpreter lua;
  test::Scratch scratch;

  Place() {
    lua.define("root", scratch.path());
    lua.run(R"(
      function write(name, content)
        system.write_file(root .. "/" .. name, content)
        return root .. "/" .. name
      end
      function value(conninfo, sql)
        local reader = db.reader({ conninfo = conninfo })
        local copied
        reader:copy_out(sql, function(fields) copied = fields[1] end)
        reader:close()
        reader:close()
        return copied
      end
    )");
  }
};

}  // namespace

TEST_CASE("a sandbox is started with a file in it, gives databases, and stops twice") {
  Place place;
  CHECK(place.lua.run(R"(
    local file = write("schema.sql", "create table made as select :'what'::text as what;")
    local server = sandbox.start { load = file, variables = { what = "it's" }, settings = { work_mem = "5MB" } }
    same(value(server:conninfo(), "select what from made"), "it's")
    same(value(server:conninfo(), "select setting from pg_settings where name = 'work_mem'"), "5120")
    local name = "the second"
    local conninfo = server:create_database(name)
    same(conninfo, server:conninfo(name))
    same(value(conninfo, "select current_database() as name"), name)
    same(kind_of(server.create_database, server, name), "sandbox.database")
    server:drop_database(name)
    server:drop_database(name)
    conninfo = server:conninfo()
    server:stop()
    server:stop()
    same(kind_of(server.conninfo, server), "sandbox.stopped")
    caught(value, conninfo, "select 1")
  )") == "");
}

TEST_CASE("a file that does not load leaves no sandbox behind") {
  Place place;
  CHECK(place.lua.run(R"(
    local file = write("broken.sql", "create table made ();\nselect * from nothing;")
    local problem = caught(sandbox.start, { load = file })
    same(problem.kind, "sandbox.load")
    same(problem.sqlstate, "42P01")
    same(problem.where, file .. ":2")
    same(kind_of(sandbox.start, { load = root .. "/none.sql" }), "sandbox.no_file")
    same(kind_of(sandbox.start_detached, { load = file, state_directory = root .. "/state" }), "sandbox.load")
    same(sandbox.find(root .. "/state"), nil)
  )") == "");
}

TEST_CASE("a detached sandbox is found, loaded and stopped") {
  Place place;
  CHECK(place.lua.run(R"(
    local state = root .. "/state"
    same(sandbox.find(state), nil)
    same(sandbox.stop(state), false)
    local started = sandbox.start_detached { state_directory = state }
    same(kind_of(sandbox.start_detached, { state_directory = state }), "sandbox.running")
    local found = sandbox.find(state)
    for _, name in ipairs { "conninfo", "directory", "version", "pid", "started" } do
      assert(started[name], name)
      same(found[name], started[name])
    end
    local file = write("more.sql", "create table more as select :n as n;")
    sandbox.load(found.conninfo, file, { n = "7" })
    same(value(found.conninfo, "select n from more"), "7")
    same(kind_of(sandbox.load, found.conninfo, file, { n = 7 }), "usage.argument")
    same(sandbox.stop(state), true)
    same(sandbox.find(state), nil)
  )") == "");
}
