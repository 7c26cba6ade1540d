#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "owner.hpp"
#include "sandbox/server.hpp"
#include "support/catch.hpp"
#include "support/server.hpp"

using namespace opsh::sandbox;
namespace fs = std::filesystem;

namespace {

/// A cache of this test's own.
struct EmptyCache {
  test::Scratch scratch;
  test::Variable variable{"XDG_CACHE_HOME", scratch.path().string()};

  std::vector<fs::path> templates() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator{scratch.path() / "opsh" / "sandbox"}) found.push_back(entry.path());
    return found;
  }
};

bool answers() {
  Server server = Server::start();
  return test::query(server.conninfo(), "select count(*) from pg_class, pg_proc limit 1").size() == 1;
}

}  // namespace

TEST_CASE("the template is made once and used from then on") {
  EmptyCache cache;
  CHECK(answers());
  auto made = cache.templates();
  REQUIRE(made.size() == 1);
  auto when = fs::last_write_time(made.front());
  CHECK(answers());
  CHECK(cache.templates() == made);
  CHECK(fs::last_write_time(made.front()) == when);
}

TEST_CASE("several that start at once with an empty cache all start and leave one template") {
  EmptyCache cache;
  std::vector<int> good(3);
  std::vector<std::thread> threads;
  for (int& one : good) threads.emplace_back([&one] { one = answers() ? 1 : 0; });
  for (auto& thread : threads) thread.join();
  CHECK(good == std::vector<int>{1, 1, 1});
  CHECK(cache.templates().size() == 1);
}

TEST_CASE("a template that lost a file is made again") {
  EmptyCache cache;
  REQUIRE(answers());
  auto data = cache.templates().front() / "data";
  fs::remove(data / "global" / "pg_filenode.map");
  CHECK(answers());
  CHECK(fs::exists(data / "global" / "pg_filenode.map"));
}

TEST_CASE("a template that was cut short is made again") {
  EmptyCache cache;
  REQUIRE(answers());
  auto data = cache.templates().front() / "data";
  fs::resize_file(data / "PG_VERSION", 0);
  CHECK(answers());
  CHECK(fs::file_size(data / "PG_VERSION") == 3);
}

TEST_CASE("a template that only the server sees to be damaged is made again") {
  EmptyCache cache;
  REQUIRE(answers());
  auto control = cache.templates().front() / "data" / "global" / "pg_control";
  auto overwrite = [&] { std::fstream{control, std::ios::in | std::ios::out} << std::string(100, 'x'); };
  overwrite();
  CHECK(answers());
  std::string content(3, ' ');
  std::ifstream{control}.read(content.data(), 3);
  CHECK(content != "xxx");
}

TEST_CASE("without a place for a cache a sandbox starts all the same") {
  test::Variable cache{"XDG_CACHE_HOME", "/proc/nowhere"};
  CHECK(answers());
}
