#include "text/nearest.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"

using opsh::text::nearest;

namespace {
const std::vector<std::string> options{"apply", "simulate", "rehearse", "sandbox", "db", "año"};
}

TEST_CASE("a misspelt word finds its option") {
  CHECK(nearest("aply", options) == "apply");
  CHECK(nearest("appply", options) == "apply");
  CHECK(nearest("appyl", options) == "apply");
  CHECK(nearest("simluate", options) == "simulate");
  CHECK(nearest("simulae", options) == "simulate");
}

TEST_CASE("case does not count as a difference") {
  CHECK(nearest("APPLY", options) == "apply");
  CHECK(nearest("DB", options) == "db");
  CHECK(nearest("AÑO", options) == "año");
}

TEST_CASE("a letter of several bytes is one letter") {
  CHECK(nearest("ano", options) == "año");
}

TEST_CASE("a word that is far from all of them finds nothing") {
  CHECK(nearest("undo", options) == std::nullopt);
  CHECK(nearest("xx", options) == std::nullopt);
  CHECK(nearest("", options) == std::nullopt);
  CHECK(nearest("apply", {}) == std::nullopt);
}

TEST_CASE("the nearest of several wins, and the first of equals") {
  const std::vector<std::string> names{"version", "versions", "versioned"};
  CHECK(nearest("versons", names) == "versions");
  const std::vector<std::string> equals{"tabla", "tables"};
  CHECK(nearest("table", equals) == "tabla");
}
