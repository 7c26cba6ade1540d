#include "json/writer.hpp"

#include <cmath>
#include <cstdlib>
#include <functional>
#include <limits>
#include <string>

#include "base/error.hpp"
#include "json/parse.hpp"
#include "support/catch.hpp"

using opsh::json::Layout;
using opsh::json::Writer;

namespace {

std::string written(const std::function<void(Writer&)>& write, Layout layout = Layout::compact) {
  std::string out;
  Writer writer{out, layout};
  write(writer);
  return out;
}

std::string kind_of_error(const std::function<void(Writer&)>& write) {
  try {
    written(write);
  } catch (const opsh::Error& error) {
    return error.kind;
  }
  return "none";
}

std::string number(double value) {
  return written([&](Writer& writer) { writer.number(value); });
}

std::string string(std::string_view text) {
  return written([&](Writer& writer) { writer.string(text); });
}

void write_sample(Writer& writer) {
  writer.begin_object();
  writer.key("list");
  writer.begin_array();
  writer.integer(1);
  writer.null();
  writer.begin_object();
  writer.key("x");
  writer.boolean(true);
  writer.end_object();
  writer.end_array();
  writer.key("none");
  writer.begin_array();
  writer.end_array();
  writer.key("empty");
  writer.begin_object();
  writer.end_object();
  writer.end_object();
}

}  // namespace

TEST_CASE("a compact document has no white space") {
  CHECK(written(write_sample) == R"({"list":[1,null,{"x":true}],"none":[],"empty":{}})");
}

TEST_CASE("an indented document has a line per member and element") {
  CHECK(written(write_sample, Layout::indented) == R"({
  "list": [
    1,
    null,
    {
      "x": true
    }
  ],
  "none": [],
  "empty": {}
})");
}

TEST_CASE("a writer appends to what the string holds") {
  std::string out = "before ";
  Writer{out}.integer(5);
  CHECK(out == "before 5");
}

TEST_CASE("integers are written whole") {
  CHECK(written([](Writer& writer) { writer.integer(std::numeric_limits<long long>::min()); }) ==
        "-9223372036854775808");
  CHECK(written([](Writer& writer) { writer.integer(std::numeric_limits<long long>::max()); }) ==
        "9223372036854775807");
}

TEST_CASE("a double is written in the shortest text that reads back the same") {
  CHECK(number(0.1) == "0.1");
  CHECK(number(1) == "1");
  CHECK(number(-2.5) == "-2.5");
  CHECK(number(5e-324) == "5e-324");
  for (double value : {0.1 + 0.2, 1.0 / 3, 1e21, -1e-7, 123456789012345680.0, 1.7976931348623157e308, 2.5e-308}) {
    CHECK(std::strtod(number(value).c_str(), nullptr) == value);
  }
}

TEST_CASE("NaN and infinities are refused and leave the text as it was") {
  std::string out;
  Writer writer{out};
  writer.begin_array();
  CHECK_THROWS_AS(writer.number(std::nan("")), opsh::Error);
  CHECK_THROWS_AS(writer.number(-INFINITY), opsh::Error);
  CHECK_THROWS_AS(writer.number_text("NaN"), opsh::Error);
  writer.integer(1);
  writer.end_array();
  CHECK(out == "[1]");
}

TEST_CASE("a number's text is written as it is, if it is one") {
  for (std::string_view text : {"12.50", "1e400", "-0", "123456789012345678901234567890"}) {
    CHECK(written([&](Writer& writer) { writer.number_text(text); }) == text);
  }
  for (std::string_view text : {"", "1,2", "01", "1 ", "x", ".5", "Infinity", "1]"}) {
    INFO(text);
    CHECK(kind_of_error([&](Writer& writer) { writer.number_text(text); }) == "json.number");
  }
}

TEST_CASE("strings are escaped where JSON asks for it and nowhere else") {
  CHECK(string("a\"b\\c/d") == R"("a\"b\\c/d")");
  CHECK(string("\b\f\n\r\t\x01\x1f\x7f") == "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
  CHECK(string(std::string_view{"a\0b", 3}) == R"("a\u0000b")");
  CHECK(string("señal 日本 🙂") == "\"señal 日本 🙂\"");
}

TEST_CASE("invalid UTF-8 is replaced byte by byte") {
  CHECK(string("a\xff"
               "b") == "\"a\ufffdb\"");
  CHECK(string("\xe6\x97") == "\"\ufffd\ufffd\"");
  CHECK(string("\xed\xa0\x80ñ") == "\"\ufffd\ufffd\ufffdñ\"");
  CHECK(string("\xe6\"") == "\"\ufffd\\\"\"");
}

TEST_CASE("nothing can be written that is too deep to be read") {
  auto nest = [](std::size_t levels) {
    return [levels](Writer& writer) {
      for (std::size_t i = 0; i < levels; ++i) writer.begin_array();
    };
  };
  CHECK(kind_of_error(nest(opsh::json::depth_limit)) == "none");
  CHECK(kind_of_error(nest(opsh::json::depth_limit + 1)) == "json.depth");
}

TEST_CASE("every string of two bytes that is written can be parsed again") {
  struct Ignoring : opsh::json::Handler {
    void null() override {}
    void boolean(bool) override {}
    void number(std::string_view) override {}
    void string(std::string_view) override {}
    void begin_object() override {}
    void key(std::string_view) override {}
    void end_object() override {}
    void begin_array() override {}
    void end_array() override {}
  } ignoring;
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      opsh::json::parse(string(std::string{static_cast<char>(first), static_cast<char>(second)}), ignoring);
    }
  }
}
