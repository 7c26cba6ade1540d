#include "sql/parser_thread.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "sql/gate.hpp"
#include "sql/parameters.hpp"
#include "support/catch.hpp"

using opsh::Error;
using opsh::sql::on_parser_thread;

namespace {

std::string repeated(const std::string& head, const std::string& part, const std::string& tail = {},
                     const std::string& closing = {}) {
  const std::size_t room = 32 * 1024 - head.size() - tail.size();
  const std::size_t times = room / (part.size() + closing.size());
  std::string text = head;
  for (std::size_t i = 0; i < times; ++i) text += part;
  text += tail;
  for (std::size_t i = 0; i < times; ++i) text += closing;
  return text;
}

}  // namespace

TEST_CASE("the deepest nesting that fits the limit is answered, not a crash") {
  for (const auto& sql : {
           repeated("select 1", "+1"),
           repeated("select ", "- ", "1"),
           repeated("select ", "(", "1", ")"),
           repeated("select array", "[", "1", "]"),
           repeated("select a", "[1]"),
           repeated("select a", "::a"),
           repeated("select ", "not ", "true"),
           repeated("select ", "f(", "1", ")"),
           repeated("select ", "(select ", "1", ")"),
           repeated("", "select 1 union ", "select 1"),
           repeated("", "with a as(", "select 1", ")table a "),
           repeated("select * from ", "(", "a", " join b on 1=1)"),
           repeated("select 1 from a", " join b on 1=1"),
           repeated("select a", ".a"),
           repeated("select ", "case when ", "a", " then 1 end"),
           repeated("select a", " and b or c"),
           repeated("select a", " collate c"),
           repeated("select ", "1 = any(array[", "1", "])"),
           repeated("select a", " is null"),
           repeated("select 1 where (1,", "(1,", "1)", ")"),
       }) {
    CAPTURE(sql.substr(0, 60));
    try {
      gate_read(opsh::sql::parse_template(sql).render({}));
      SUCCEED("read");
    } catch (const Error& error) {
      CHECK(error.kind == "sql.syntax");
    }
  }
}

TEST_CASE("an exception on the parser thread is thrown to its caller, and the next call works") {
  CHECK_THROWS_AS(on_parser_thread([] { throw Error{"test", "thrown"}; }), Error);
  bool ran = false;
  on_parser_thread([&] { ran = true; });
  CHECK(ran);
}

TEST_CASE("calls from several threads at once are each answered with their own result") {
  std::vector<std::thread> threads;
  std::vector<int> right(8);
  for (std::size_t number = 0; number < right.size(); ++number) {
    threads.emplace_back([number, &right] {
      for (int i = 0; i < 500; ++i) {
        const std::string name = "n" + std::to_string(number) + "_" + std::to_string(i);
        const auto found = opsh::sql::parse_template("select :" + name);
        if (found.placeholders().at(0).name == name) ++right[number];
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(right == std::vector<int>(8, 500));
}

TEST_CASE("a hand-over to the idle parser thread costs less than 50 microseconds") {
  // The best of many, because the machine may be busy with other tests.
  auto best = std::chrono::duration<double, std::micro>::max();
  for (int i = 0; i < 100; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
    const auto start = std::chrono::steady_clock::now();
    on_parser_thread([] {});
    best = std::min<std::chrono::duration<double, std::micro>>(best, std::chrono::steady_clock::now() - start);
  }
  CHECK(best.count() < 50);
}
