#include "json/parse.hpp"

#include <string>

#include "base/error.hpp"
#include "json/writer.hpp"
#include "support/catch.hpp"

namespace {

// Writes down what it is told, one word an event.
class Transcript : public opsh::json::Handler {
 public:
  std::string text;

  void null() override { text += "null "; }
  void boolean(bool value) override { text += value ? "true " : "false "; }
  void number(std::string_view number) override { text.append(number).append(" "); }
  void string(std::string_view string) override { text.append("'").append(string).append("' "); }
  void begin_object() override { text += "{ "; }
  void key(std::string_view name) override { text.append(name).append(": "); }
  void end_object() override { text += "} "; }
  void begin_array() override { text += "[ "; }
  void end_array() override { text += "] "; }
};

std::string events(std::string_view text) {
  Transcript transcript;
  opsh::json::parse(text, transcript);
  return transcript.text;
}

opsh::Error error(std::string_view text) {
  try {
    events(text);
  } catch (const opsh::Error& error) {
    return error;
  }
  return {"none", "no error"};
}

std::string nested(std::size_t levels) {
  return std::string(levels, '[') + std::string(levels, ']');
}

}  // namespace

TEST_CASE("a document is reported in its order") {
  CHECK(events(R"( {"a": [1, true, false, null], "b": {}, "c": "x", "a": []} )") ==
        "{ a: [ 1 true false null ] b: { } c: 'x' a: [ ] } ");
  CHECK(events("\"alone\"") == "'alone' ");
  CHECK(events("7") == "7 ");
}

TEST_CASE("a number keeps every character of its text") {
  CHECK(events("[0, -0, 12.50, 1e400, -1E-7, 1.0E+2, 9007199254740993]") ==
        "[ 0 -0 12.50 1e400 -1E-7 1.0E+2 9007199254740993 ] ");
  std::string huge(1000, '9');
  CHECK(events(huge) == huge + " ");
  CHECK(events(R"({"1": 2, "-3": "4 \" 5"})") == "{ 1: 2 -3: '4 \" 5' } ");
}

TEST_CASE("what only resembles a number is an error") {
  for (std::string_view text : {"01",  "-",        "--1", "1.", ".5", "+1",  "1e", "1e+",   "0x10",  "1.2.3",
                                "NaN", "Infinity", "1-1", "-a", "1a", "- 1", "00", "[1 2]", "[1-2]", "1 1"}) {
    INFO(text);
    CHECK(error(text).kind == "json.syntax");
  }
}

TEST_CASE("escapes are resolved and a NUL character is kept") {
  CHECK(events(R"("\" \\ \/ \n A ñ 🙂")") == "'\" \\ / \n A ñ 🙂' ");
  CHECK(events(R"("\u0041\u00f1\ud83d\ude42")") == "'Añ🙂' ");
  CHECK(events(R"("a\u0000b")") == std::string{"'a\0b' ", 6});
}

TEST_CASE("a syntax error says line and column") {
  CHECK(error("{\n  \"a\": 1\n  \"b\": 2\n}").message ==
        "not valid JSON at line 3, column 3: missing a comma or '}' after an object member");
  CHECK(error("[\"ñandú\", x]").message == "not valid JSON at line 1, column 11: invalid value");
  CHECK(error("").message == "not valid JSON at line 1, column 1: the document is empty");
}

TEST_CASE("a document that is not whole, or followed by something, is an error") {
  for (std::string_view text :
       {"",    "  ",  "[",     "{",   "[1,", "[1,]",  "{\"a\"", "{\"a\":", "{\"a\":1,}",     "{a:1}", "'a'",
        "\"a", "tru", "truex", "nul", "1 2", "[] []", "[]]",    "// c\n1", "\xef\xbb\xbf[]", "\"\t\""}) {
    INFO(text);
    CHECK(error(text).kind == "json.syntax");
  }
}

TEST_CASE("a NUL character outside of a string does not end the document") {
  CHECK(error(std::string_view{"[]\0[", 4}).kind == "json.syntax");
  CHECK(error(std::string_view{"[\0]", 3}).kind == "json.syntax");
  CHECK(error(std::string_view{"\"\0\"", 3}).kind == "json.syntax");
}

TEST_CASE("a string that is not UTF-8 is an error") {
  for (std::string_view text : {"\"\xff\"", "\"\xc0\xaf\"", "\"\xe6\x97\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"",
                                "\"\xe6", "{\"\xff\":1}"}) {
    CHECK(error(text).kind == "json.syntax");
  }
}

TEST_CASE("half of a surrogate pair is an error at its string") {
  CHECK(error(R"(["\ud83d"])").kind == "json.syntax");
  CHECK(error(R"(["\ud83dx"])").kind == "json.syntax");
  CHECK(error(R"(["\ud83d\u0041"])").kind == "json.syntax");
  CHECK(error(R"(["ok", "a\ude42"])").message ==
        "not valid JSON at line 1, column 8: the string has half of a surrogate pair");
  CHECK(error(R"({"\udc00": 1})").kind == "json.syntax");
  CHECK(events("\"\xed\x95\x9c\"") == "'한' ");
}

TEST_CASE("nesting is limited") {
  CHECK_NOTHROW(events(nested(opsh::json::depth_limit)));
  CHECK(error(nested(opsh::json::depth_limit + 1)).kind == "json.depth");
  // NOLINTNEXTLINE(bugprone-string-constructor): as long as no stack would last
  CHECK(error(std::string(50'000'000, '[')).kind == "json.depth");
  CHECK_NOTHROW(events("[" + nested(511) + "," + nested(511) + "]"));
}

TEST_CASE("what a handler throws comes out as it was thrown") {
  struct Refusing : Transcript {
    void number(std::string_view) override { throw opsh::Error{"test.refused", "no numbers"}; }
  } refusing;
  try {
    opsh::json::parse("[[1]]", refusing);
    FAIL("nothing was thrown");
  } catch (const opsh::Error& error) {
    CHECK(error.kind == "test.refused");
  }
  CHECK(refusing.text == "[ [ ");
}
