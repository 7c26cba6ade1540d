#include "digest/random.hpp"

#include <set>
#include <string>

#include "support/catch.hpp"

using opsh::digest::random_hex;

TEST_CASE("random text has two hexadecimal digits a byte") {
  auto text = random_hex(16);
  CHECK(text.size() == 32);
  CHECK(text.find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(random_hex(0).empty());
}

TEST_CASE("random text does not repeat") {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random_hex(8));
  CHECK(seen.size() == 1000);
}
