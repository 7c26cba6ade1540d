#include "report/figures.hpp"

#include <cmath>
#include <limits>

#include "support/catch.hpp"

using opsh::report::bytes;
using opsh::report::duration;
using opsh::report::number;

TEST_CASE("numbers have a comma every three digits") {
  CHECK(number(0) == "0");
  CHECK(number(999) == "999");
  CHECK(number(1000) == "1,000");
  CHECK(number(1234567) == "1,234,567");
  CHECK(number(-100) == "-100");
  CHECK(number(-123456) == "-123,456");
  CHECK(number(std::numeric_limits<long long>::min()) == "-9,223,372,036,854,775,808");
}

TEST_CASE("durations are said in the unit that fits") {
  CHECK(duration(0.82) == "820 ms");
  CHECK(duration(3.4) == "3.4 s");
  CHECK(duration(125) == "2 min 05 s");
  CHECK(duration(3720) == "1 h 02 min");
  CHECK(duration(100 * 3600) == "100 h 00 min");
}

TEST_CASE("rounding a duration carries into the next unit") {
  CHECK(duration(0.9994) == "999 ms");
  CHECK(duration(0.9996) == "1.0 s");
  CHECK(duration(59.94) == "59.9 s");
  CHECK(duration(59.96) == "1 min 00 s");
  CHECK(duration(119.7) == "2 min 00 s");
  CHECK(duration(3599.7) == "1 h 00 min");
  CHECK(duration(7199) == "2 h 00 min");
}

TEST_CASE("no time is no milliseconds") {
  CHECK(duration(0) == "0 ms");
  CHECK(duration(-3) == "0 ms");
  CHECK(duration(std::nan("")) == "0 ms");
}

TEST_CASE("sizes are in units of 1024 with two digits at least") {
  CHECK(bytes(0) == "0 bytes");
  CHECK(bytes(1) == "1 byte");
  CHECK(bytes(1023) == "1023 bytes");
  CHECK(bytes(1536) == "1.5 kB");
  CHECK(bytes(12 * 1024 * 1024) == "12 MB");
  CHECK(bytes(1024 * 1024 - 1) == "1.0 MB");
  CHECK(bytes(3435973837) == "3.2 GB");
  CHECK(bytes(std::numeric_limits<std::uint64_t>::max()) == "16 EB");
}
