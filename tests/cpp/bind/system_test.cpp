#include <fcntl.h>
#include <pwd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/clock.hpp"
#include "base/interrupt.hpp"
#include "forked.hpp"
#include "interpreter.hpp"
#include "support/catch.hpp"

using namespace opsh;

TEST_CASE("output goes to its stream, with NUL bytes") {
  auto ended = test::forked([] {
    test::Interpreter lua;
    test::expect_none(lua.run(R"(
      system.write_out("one\0")
      system.write_out(("x"):rep(200000))
      system.write_error("two\n")
    )"));
  });
  CHECK(ended.output == std::string{"one\0", 4} + std::string(200000, 'x'));
  CHECK(ended.errors == "two\n");
}

TEST_CASE("output that nobody reads any more is an error, also when the stream is closed") {
  auto ended = test::forked([] {
    test::Interpreter lua;
    int ends[2];
    if (::pipe(ends) != 0) ::_exit(2);
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[1]);
    ::close(ends[0]);
    test::expect_none(lua.run("same(kind_of(system.write_out, 'x'), 'output.closed')"));
    ::close(STDOUT_FILENO);
    test::expect_none(lua.run("same(kind_of(system.write_out, 'x'), 'output.closed') system.write_out('')"));
    ::close(STDERR_FILENO);
    if (!lua.run("system.write_error('x')").empty()) ::_exit(3);
  });
  CHECK(ended.errors == "");
  CHECK(ended.status == 0);
}

TEST_CASE("output that finds no room is an error") {
  auto ended = test::forked([] {
    test::Interpreter lua;
    Descriptor full{::open("/dev/full", O_WRONLY | O_CLOEXEC)};
    ::dup2(full.get(), STDOUT_FILENO);
    test::expect_none(lua.run("same(kind_of(system.write_out, 'x'), 'output.full')"));
  });
  CHECK(ended.errors == "");
}

TEST_CASE("output to a pipe that does not block arrives whole") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  Descriptor read_end{ends[0]}, write_end{ends[1]};
  ::fcntl(write_end.get(), F_SETFL, O_NONBLOCK);
  std::size_t count = 0;
  std::thread reader{[&] {
    char buffer[4096];
    while (auto more = ::read(read_end.get(), buffer, sizeof buffer)) count += static_cast<std::size_t>(more);
  }};
  auto ended = test::forked([&] {
    test::Interpreter lua;
    ::dup2(write_end.get(), STDOUT_FILENO);
    test::expect_none(lua.run("system.write_out(('x'):rep(1000000))"));
  });
  write_end.reset();
  reader.join();
  CHECK(ended.errors == "");
  CHECK(count == 1000000);
}

TEST_CASE("a file is no terminal, a pseudo terminal is one with its columns") {
  test::Interpreter lua;
  Descriptor file{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  Descriptor master{::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
  REQUIRE(::grantpt(master.get()) == 0);
  REQUIRE(::unlockpt(master.get()) == 0);
  Descriptor terminal{::open(::ptsname(master.get()), O_RDWR | O_NOCTTY | O_CLOEXEC)};
  winsize size{};
  size.ws_col = 132;
  REQUIRE(::ioctl(terminal.get(), TIOCSWINSZ, &size) == 0);
  CHECK(lua.run("local f = system.terminal(" + std::to_string(file.get()) + ") same(f.terminal, false)") == "");
  CHECK(lua.run("local t = system.terminal(" + std::to_string(terminal.get()) +
                ") same(t.terminal, true) same(t.columns, 132)") == "");
}

TEST_CASE("the process says where it runs and for whom") {
  test::Interpreter lua;
  const passwd* entry = ::getpwuid(::getuid());
  lua.define("name", entry ? entry->pw_name : std::to_string(::getuid()));
  lua.define("process", std::to_string(::getpid()));
  lua.define("directory", std::filesystem::current_path().string());
  ::setenv("OPSH_TEST_VARIABLE", "value", 1);
  ::setenv("USER", "somebody-else", 1);
  CHECK(lua.run(R"(
    same(system.user(), name)
    same(tostring(system.pid()), process)
    same(system.working_directory(), directory)
    same(system.environment("OPSH_TEST_VARIABLE"), "value")
    same(system.environment("OPSH_TEST_NONE"), nil)
    assert(#system.host() > 0)
    assert(system.utc_now():match("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$"))
  )") == "");
}

TEST_CASE("sleep takes as long as it is told") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    local before = system.clock()
    system.sleep(0.05)
    local slept = system.clock() - before
    assert(slept >= 0.05 and slept < 1, slept)
    system.sleep(0)
    caught(system.sleep, -1)
    caught(system.sleep, 0/0)
    same(system.interrupted(), false)
  )") == "");
}

TEST_CASE("an interrupt ends a sleep with an error, and not under a shield") {
  auto ended = test::forked([] {
    test::Interpreter lua;
    std::thread{[] {
      std::this_thread::sleep_for(std::chrono::milliseconds{50});
      interrupt::request();
    }}.detach();
    test::expect_none(lua.run(R"(
      local before = system.clock()
      same(kind_of(system.sleep, 30), "interrupted")
      assert(system.clock() - before < 10)
      same(system.interrupted(), true)
    )"));
    interrupt::Shield shield;
    test::expect_none(lua.run("system.sleep(0.05)"));
  });
  CHECK(ended.errors == "");
  CHECK(ended.status == 0);
}

TEST_CASE("a second interrupt says what it was told to and ends with that status") {
  auto ended = test::forked([] {
    test::Interpreter lua;
    test::expect_none(lua.run("system.on_second_interrupt(130, ('long'):rep(300))"));
    test::expect_none(lua.run("system.on_second_interrupt(4, 'opsh resume 7\\n')"));
    interrupt::end_process();
  });
  CHECK(ended.status == 4);
  CHECK(ended.errors == "opsh resume 7\n");
}
