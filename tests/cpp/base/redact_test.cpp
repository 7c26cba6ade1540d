#include "base/redact.hpp"

#include "support/catch.hpp"

using namespace opsh;

TEST_CASE("a text without secrets stays as it is") {
  CHECK(redact::redacted("nothing to hide") == "nothing to hide");
  CHECK_FALSE(redact::holds("nothing to hide"));
}

TEST_CASE("a secret is hidden wherever it stands, as often as it stands there") {
  REQUIRE(redact::hide("open sesame"));
  CHECK(redact::holds("say open sesame now"));
  CHECK(redact::redacted("open sesame, open sesame!") == "***, ***!");
  CHECK(redact::redacted("open sesam") == "open sesam");
}

TEST_CASE("a secret is hidden as a URL, SQL, a connection string and JSON spell it") {
  redact::hide("a'b\"c\\d/é");
  CHECK(redact::redacted("postgresql://me:a%27b%22c%5Cd%2F%C3%A9@host/db") == "postgresql://me:***@host/db");
  CHECK(redact::redacted("postgresql://me:a%27b%22c%5cd%2f%c3%a9@host/db") == "postgresql://me:***@host/db");
  CHECK(redact::redacted("select 'a''b\"c\\d/é'") == "select '***'");
  CHECK(redact::redacted("password='a\\'b\"c\\\\d/é'") == "password='***'");
  CHECK(redact::redacted("{\"token\":\"a'b\\\"c\\\\d/é\"}") == "{\"token\":\"***\"}");
}

TEST_CASE("a secret that begins like another leaves nothing of it") {
  redact::hide("horse");
  redact::hide("horse battery");
  CHECK(redact::redacted("horse battery staple, horse") == "*** staple, ***");
}

TEST_CASE("what is too short to be hidden is refused, and hides nothing") {
  CHECK_FALSE(redact::hide("abc"));
  CHECK_FALSE(redact::hide(""));
  CHECK(redact::redacted("abcd") == "abcd");
}
