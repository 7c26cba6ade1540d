#include <sys/stat.h>
#include <unistd.h>

#include "interpreter.hpp"
#include "scratch.hpp"
#include "support/catch.hpp"

TEST_CASE("every library tells the version that opsh was built with") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    local names = {}
    for at, library in ipairs(doctor.libraries()) do
      names[at] = library.name
      assert(library.compiled:find("%d+%.%d+"), library.name .. ": " .. library.compiled)
    end
    table.sort(names)
    same(table.concat(names, " "), "LuaJIT OpenSSL fmt libpg_query libpq libpqxx rapidjson spdlog utf8proc")
  )") == "");
}

TEST_CASE("libraries that are asked while they run have the version of their headers here") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    local asked = 0
    for _, library in ipairs(doctor.libraries()) do
      if library.running then
        asked = asked + 1
        same(library.running:match("^%d+"), library.compiled:match("^%d+"))
      end
    end
    same(asked, 3)
  )") == "");
}

TEST_CASE("a file's status has its permissions and its owner") {
  test::Interpreter lua;
  test::Scratch scratch;
  lua.define("root", scratch.path());
  REQUIRE(::chmod(scratch.path().c_str(), 0750) == 0);
  CHECK(lua.run(R"(
    local status = doctor.file_status(root)
    same(status.mode, 488)
    same(status.owner, system.user())
    same(status.is_own, true)
    same(kind_of(doctor.file_status, root .. "/missing"), "file.missing")
  )") == "");
}

TEST_CASE("what lies below a directory is counted, without what links lead to") {
  test::Interpreter lua;
  test::Scratch scratch;
  lua.define("root", scratch.path());
  REQUIRE(::symlink("/usr", (scratch.path() + "/link").c_str()) == 0);
  CHECK(lua.run(R"(
    system.make_directory(root .. "/a/b")
    system.write_file(root .. "/one", ("x"):rep(1000))
    system.write_file(root .. "/a/b/two", ("x"):rep(234))
    local content = doctor.directory_content(root)
    same(content.bytes, 1234)
    same(content.files, 2)
    same(kind_of(doctor.directory_content, root .. "/missing"), "file.missing")
  )") == "");
}

TEST_CASE("free space is asked of the file system that a path lies on") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    assert(doctor.free_space("/") > 0)
    same(doctor.free_space("/proc"), 0)
    same(kind_of(doctor.free_space, "/missing"), "file.missing")
  )") == "");
}

TEST_CASE("a program is found by its name in PATH, or not at all") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    assert(doctor.find_program("sh"):find("^/.*/sh$"))
    same(doctor.find_program("no-such-program-of-opsh"), nil)
  )") == "");
}
