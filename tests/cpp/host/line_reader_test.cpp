#include "host/line_reader.hpp"

#include <unistd.h>

#include <array>
#include <string>

#include "base/descriptor.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"

using opsh::host::LineReader;

namespace {

/// The reading end of a pipe with this in it.
opsh::Descriptor holding(const std::string& text) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  opsh::Descriptor reading{ends[0]}, writing{ends[1]};
  REQUIRE(::write(writing.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  return reading;
}

}  // namespace

TEST_CASE("an empty line is a line, and the end is none") {
  auto input = holding(std::string{"a\n\nb\0c\nlast", 11});
  LineReader reader{input.get()};
  CHECK(reader.next() == "a");
  CHECK(reader.next() == "");
  CHECK(reader.next() == std::string{"b\0c", 3});
  CHECK(reader.next() == "last");
  CHECK(reader.next() == std::nullopt);
  CHECK(reader.next() == std::nullopt);
}

TEST_CASE("a line break at the end begins no line") {
  auto input = holding("a\n");
  LineReader reader{input.get()};
  CHECK(reader.next() == "a");
  CHECK(reader.next() == std::nullopt);
}

TEST_CASE("a line that is too long is an error, and not cut into two") {
  auto fits = holding("12345\n");
  CHECK(LineReader(fits.get(), 5).next() == "12345");
  for (const char* text : {"123456\n", "123456"}) {
    auto input = holding(text);
    LineReader reader{input.get(), 5};
    CHECK(test::failure([&] { reader.next(); }).kind == "usage.input");
  }
}
