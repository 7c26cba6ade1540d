#include "text/printable.hpp"

#include <string>

#include "support/catch.hpp"

using opsh::text::printable;

TEST_CASE("text for people passes unchanged") {
  CHECK(printable("") == "");
  CHECK(printable("plain text, C:\\temp") == "plain text, C:\\temp");
  CHECK(printable("señal 日本語 👩‍👩‍👧‍👦") == "señal 日本語 👩‍👩‍👧‍👦");
}

TEST_CASE("control characters are shown as escapes") {
  CHECK(printable("a\nb\tc\rd") == "a\\nb\\tc\\rd");
  CHECK(printable("\x1b[2J") == "\\x1b[2J");
  CHECK(printable("\x07\x7f") == "\\x07\\x7f");
  CHECK(printable(std::string_view{"a\0b", 3}) == "a\\x00b");
  CHECK(printable("\u009b2J") == "\\u009b2J");
  CHECK(printable("\u0085") == "\\u0085");
}

TEST_CASE("bytes that are not UTF-8 are shown as escapes") {
  CHECK(printable("\xff") == "\\xff");
  CHECK(printable("a\xe6\x97") == "a\\xe6\\x97");
  CHECK(printable("\x9b[2J") == "\\x9b[2J");
  CHECK(printable("\xc0\xaf") == "\\xc0\\xaf");
  CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");
}

TEST_CASE("characters that turn the direction of writing or break lines are shown as escapes") {
  CHECK(printable("user\u202e\u2066// admin\u2069") == "user\\u202e\\u2066// admin\\u2069");
  CHECK(printable("a\u2028b\u2029") == "a\\u2028b\\u2029");
}

TEST_CASE("no byte sequence of two bytes gets a control character through") {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      std::string out = printable(std::string{static_cast<char>(first), static_cast<char>(second)});
      bool safe = true;
      for (std::size_t i = 0; i < out.size(); ++i) {
        auto byte = static_cast<unsigned char>(out[i]);
        bool c1 = byte == 0xc2 && i + 1 < out.size() && static_cast<unsigned char>(out[i + 1]) < 0xa0;
        safe = safe && byte >= 0x20 && byte != 0x7f && !c1;
      }
      if (!safe) FAIL("bytes " << first << " " << second << " came out as a control character");
    }
  }
}
