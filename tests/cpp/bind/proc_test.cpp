#include "forked.hpp"
#include "interpreter.hpp"
#include "scratch.hpp"
#include "support/catch.hpp"

TEST_CASE("a process that was run gives its status and both of its streams") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    local ended = proc.run { argv = { "sh", "-c", "cat; echo wrong >&2; exit 3" }, input = "a\0b" }
    same(ended.exit, 3)
    same(ended.signal, nil)
    same(ended.text, "exit status 3")
    same(ended.output, "a\0b")
    same(ended.errors, "wrong\n")
    same(ended.output_cut, false)
    same(ended.stopped, nil)
  )") == "");
}

TEST_CASE("a process that a signal ended has no exit status") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    local ended = proc.run { argv = { "sh", "-c", "kill -9 $$" } }
    same(ended.exit, nil)
    same(ended.signal, 9)
  )") == "");
}

TEST_CASE("a process runs in its directory with its variables") {
  test::Interpreter lua;
  test::Scratch scratch;
  lua.define("directory", std::filesystem::canonical(scratch.path()).string());
  ::setenv("OPSH_TEST_SECRET", "secret", 1);
  CHECK(lua.run(R"(
    local ended = proc.run {
      argv = { "sh", "-c", "pwd; echo $NAME $OPSH_TEST_SECRET" },
      directory = directory, environment = { NAME = "value" },
    }
    same(ended.output, directory .. "\nvalue\n")
  )") == "");
}

TEST_CASE("a process that takes too long is stopped and says so") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    local before = system.clock()
    local ended = proc.run { argv = { "sleep", "30" }, timeout = 0.05 }
    same(ended.stopped, "deadline")
    same(ended.signal, 15)
    assert(system.clock() - before < 10)
  )") == "");
}

TEST_CASE("a process that cannot be started is an error") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    same(kind_of(proc.run, { argv = { "/nonexistent/program" } }), "process.not_found")
    same(kind_of(proc.spawn, { argv = { "true" }, directory = "/nonexistent" }), "process.start")
    same(kind_of(proc.run, { argv = {} }), "usage.argument")
    same(kind_of(proc.run, {}), "usage.argument")
    same(kind_of(proc.run, { argv = { "true" }, environment = { NAME = 1 } }), "usage.argument")
    same(kind_of(proc.run, { argv = { "true" }, environment = { "x" } }), "usage.argument")
    same(kind_of(proc.run, { argv = { "true" }, timeout = -1 }), "usage.argument")
    caught(proc.run)
  )") == "");
}

TEST_CASE("a spawned process is waited for, asked and stopped") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    local child = proc.spawn { argv = { "sh", "-c", "echo ready; exec sleep 30" } }
    assert(child:pid() > 1)
    same(child:running(), true)
    same(child:wait(0), nil)
    local output = ""
    while output == "" do output = child:read_output() end
    same(output, "ready\n")
    same(child:read_output(), "")
    child:signal(15)
    local ended = child:wait(10)
    same(ended.signal, 15)
    same(ended.output, "")
    same(child:read_output(), nil)
    same(child:running(), false)
    same(child:wait().signal, 15)
  )") == "");
}

TEST_CASE("a spawned process that writes more than a pipe holds is waited for to its end") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    local child = proc.spawn { argv = { "sh", "-c", "head -c 3000000 /dev/zero; head -c 200000 /dev/zero >&2" } }
    local ended = child:wait(30)
    same(ended.exit, 0)
    same(#ended.output, 3000000)
    same(#ended.errors, 200000)
    same(ended.output_cut, false)
  )") == "");
}

TEST_CASE("closing a child kills it, twice is fine, and then it can no longer be asked") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    local child = proc.spawn { argv = { "sleep", "30" } }
    local pid = child:pid()
    child:close()
    child:close()
    same(child:running(), false)
    same(kind_of(child.pid, child), "process.closed")
    same(system.file_kind("/proc/" .. pid), nil)
  )") == "");
}

TEST_CASE("a child that is forgotten is killed") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    local pid = proc.spawn({ argv = { "sleep", "30" } }):pid()
    collectgarbage()
    collectgarbage()
    same(system.file_kind("/proc/" .. pid), nil)
  )") == "");
}

TEST_CASE("an interrupt ends the wait for a child and leaves the child") {
  auto ended = test::forked([] {
    test::Interpreter lua;
    opsh::interrupt::request();
    test::expect_none(lua.run(R"(
      local child = proc.spawn { argv = { "sleep", "30" } }
      same(kind_of(child.wait, child), "interrupted")
      same(child:running(), true)
      same(proc.run({ argv = { "sleep", "30" } }).stopped, "interrupt")
      child:close()
    )"));
  });
  CHECK(ended.errors == "");
  CHECK(ended.status == 0);
}
