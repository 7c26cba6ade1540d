#include "forked.hpp"
#include "interpreter.hpp"
#include "support/catch.hpp"

TEST_CASE("log lines keep their line breaks and nothing else that acts on a terminal") {
  auto ended = test::forked([] {
    test::Interpreter lua;
    test::expect_none(lua.run(R"(
      log.start { level = "info" }
      log.debug("dropped")
      log.info("one\27[2J\ntwo\r\n")
      log.warn("three")
      log.error("four")
    )"));
  });
  CHECK(ended.errors == "one\\x1b[2J\ntwo\\r\n\nwarning: three\nerror: four\n");
  CHECK(ended.output.empty());
  CHECK(ended.status == 0);
}

TEST_CASE("a level or a color that does not exist is an error that names those that do") {
  test::Interpreter lua;
  CHECK(lua.run(R"(
    local problem = caught(log.start, { level = "loud" })
    same(problem.kind, "usage.argument")
    same(problem.message, 'level cannot be "loud"')
    same(problem.hint, "it is one of debug, info, warning, error, off")
    same(kind_of(log.start, { color = "blue" }), "usage.argument")
    same(kind_of(log.start, { level = 5 }), "usage.argument")
  )") == "");
}
