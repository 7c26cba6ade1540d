#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "forked.hpp"
#include "interpreter.hpp"
#include "scratch.hpp"
#include "support/catch.hpp"

namespace {

/// A directory of its own for one test, in Lua as `at(name)`.
struct Place {
  test::Interpreter lua;
  test::Scratch scratch;

  Place() {
    lua.define("root", scratch.path());
    lua.run("function at(name) return root .. '/' .. name end");
  }

  mode_t mode(const char* name) const {
    struct stat status {};
    REQUIRE(::stat((scratch.path() + "/" + name).c_str(), &status) == 0);
    return status.st_mode & 07777;
  }
};

}  // namespace

TEST_CASE("a file is written and read with all of its bytes") {
  Place place;
  CHECK(place.lua.run(R"(
    local content = ("a\0\255\r\n"):rep(50000)
    system.write_file(at("file"), content)
    assert(system.read_file(at("file")) == content)
    system.write_file(at("file"), "")
    same(system.read_file(at("file")), "")
  )") == "");
  CHECK(place.mode("file") == 0600);
}

TEST_CASE("a replaced file is a new one and leaves no other") {
  Place place;
  CHECK(place.lua.run(R"(
    system.write_file(at("file"), "old")
    system.write_file(at("file"), "new")
    same(table.concat(system.list(root), " "), "file")
    same(system.read_file(at("file")), "new")
  )") == "");
}

TEST_CASE("a write that fails keeps the old content and leaves no temporary file") {
  Place place;
  REQUIRE(place.lua.run("system.write_file(at('file'), 'old')") == "");
  auto ended = test::forked([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    test::expect_none(place.lua.run(R"(
      local problem = caught(system.write_file, at("file"), ("x"):rep(5000))
      same(problem.kind, "file.full")
      assert(problem.message:find(at("file"), 1, true), problem.message)
    )"));
  });
  CHECK(ended.errors == "");
  CHECK(place.lua.run(R"(
    same(system.read_file(at("file")), "old")
    same(#system.list(root), 1)
  )") == "");
}

TEST_CASE("a file error says which kind it is and names the path") {
  Place place;
  CHECK(place.lua.run(R"(
    local problem = caught(system.read_file, at("none"))
    same(problem.kind, "file.missing")
    assert(problem.message:find(at("none"), 1, true), problem.message)
    same(kind_of(system.read_file, root), "file.directory")
    same(kind_of(system.write_file, root, "x"), "file.directory")
    same(kind_of(system.write_file, at("none/file"), "x"), "file.missing")
    same(kind_of(system.list, at("none")), "file.missing")
    same(kind_of(system.real_path, at("none")), "file.missing")
    same(kind_of(system.read_file, ""), "usage.argument")
    same(kind_of(system.read_file, root .. "\0/file"), "usage.argument")
  )") == "");
}

TEST_CASE("a file that may not be read is denied") {
  Place place;
  REQUIRE(place.lua.run("system.write_file(at('file'), 'secret')") == "");
  ::chmod(place.scratch.path().c_str(), 0755);
  auto ended = test::forked([&] {
    // Root may read everything, so that somebody else has to ask.
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(2);
    if (::geteuid() == ::getuid() && ::access((place.scratch.path() + "/file").c_str(), R_OK) == 0)
      ::chmod((place.scratch.path() + "/file").c_str(), 0);
    test::expect_none(place.lua.run("same(kind_of(system.read_file, at('file')), 'file.denied')"));
  });
  CHECK(ended.status == 0);
  CHECK(ended.errors == "");
}

TEST_CASE("a directory is made with its parents, for its owner alone") {
  Place place;
  CHECK(place.lua.run(R"(
    system.make_directory(at("a/b/c/"))
    system.make_directory(at("a/b"))
    same(system.file_kind(at("a/b/c")), "directory")
    system.write_file(at("file"), "")
    same(kind_of(system.make_directory, at("file")), "file.exists")
    same(kind_of(system.make_directory, at("file/below")), "file.missing")
  )") == "");
  CHECK(place.mode("a") == 0700);
  CHECK(place.mode("a/b/c") == 0700);
}

TEST_CASE("the kind of what is there, or nil") {
  Place place;
  CHECK(place.lua.run(R"(
    system.write_file(at("file"), "")
    same(system.file_kind(at("file")), "file")
    same(system.file_kind(root), "directory")
    same(system.file_kind("/dev/null"), "other")
    same(system.file_kind(at("none")), nil)
    same(system.file_kind(at("file/none")), nil)
  )") == "");
}

TEST_CASE("names are listed in order") {
  Place place;
  CHECK(place.lua.run(R"(
    for _, name in ipairs { "b", "a", ".hidden", "B" } do system.write_file(at(name), "") end
    same(table.concat(system.list(root), " "), ".hidden B a b")
  )") == "");
}

TEST_CASE("removing a tree removes links and not what they lead to") {
  Place place;
  REQUIRE(place.lua.run(R"(
    system.make_directory(at("tree/deep"))
    system.make_directory(at("other"))
    system.write_file(at("other/kept"), "")
    system.write_file(at("tree/deep/file"), "")
  )") == "");
  std::filesystem::create_symlink(place.scratch.path() + "/other", place.scratch.path() + "/tree/link");
  CHECK(place.lua.run(R"(
    same(system.real_path(at("tree/link/kept")), system.real_path(at("other/kept")))
    system.remove_tree(at("tree"))
    same(system.file_kind(at("tree")), nil)
    same(system.file_kind(at("other/kept")), "file")
    system.remove_tree(at("tree"))
  )") == "");
}

TEST_CASE("a file of somebody else's keeps its mode when it is replaced, and its link") {
  Place place;
  CHECK(place.lua.run(R"(
    system.write_file(at("real"), "old")
  )") == "");
  REQUIRE(::chmod((place.scratch.path() + "/real").c_str(), 0640) == 0);
  REQUIRE(::symlink("real", (place.scratch.path() + "/link").c_str()) == 0);
  CHECK(place.lua.run(R"(
    system.replace_file(at("link"), "new")
    same(system.read_file(at("real")), "new")
    same(table.concat(system.list(root), " "), "link real")
    same(system.real_path(at("link")), system.real_path(at("real")))
    system.replace_file(at("fresh"), "x")
  )") == "");
  CHECK(place.mode("real") == 0640);
  CHECK(place.mode("fresh") == 0600);
}

TEST_CASE("what stands in the way of writing a file is known before") {
  Place place;
  CHECK(place.lua.run(R"(
    same(system.obstacle(at("new")), nil)
    system.write_file(at("file"), "x")
    same(system.obstacle(at("file")), nil)
    same(system.obstacle(root).kind, "file.directory")
    same(system.obstacle(at("no/folder")).kind, "file.missing")
    same(system.obstacle(at("file/below")).kind, "file.missing")
  )") == "");
}
