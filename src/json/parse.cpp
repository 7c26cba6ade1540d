#include "json/parse.hpp"

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

#include "base/error.hpp"
#include "json/number.hpp"

namespace opsh::json {
namespace {

std::string place(std::string_view text, std::size_t offset) {
  auto before = text.substr(0, offset);
  auto line = 1 + std::ranges::count(before, '\n');
  auto in_line = before.substr(before.rfind('\n') + 1);
  auto column = 1 + std::ranges::count_if(in_line, [](char c) { return (c & 0xc0) != 0x80; });
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

[[noreturn]] void fail(std::string_view text, std::size_t offset, const std::string& what) {
  throw Error{"json.syntax", "not valid JSON at " + place(text, offset) + ": " + what};
}

// Hands rapidjson a "0" in the place of every number and keeps the number's own text: rapidjson refuses numbers beyond
// the range of a double, also when it is asked for text only.
class Stream : public rapidjson::MemoryStream {
 public:
  explicit Stream(std::string_view text) : MemoryStream(text.data(), text.size()) {}

  char Peek() const {
    char c = MemoryStream::Peek();
    if (in_string_ || !(c == '-' || (c >= '0' && c <= '9'))) return c;
    if (number_.data() != src_) number_ = {src_, number_length({src_, static_cast<std::size_t>(end_ - src_)})};
    // What looks like a number and is none must not be taken for one.
    return number_.empty() ? '\1' : '0';
  }

  char Take() {
    char c = Peek();
    if (!in_string_ && c == '0') {
      src_ += number_.size();
      return c;
    }
    MemoryStream::Take();
    if (c == '"' && !escaped_) {
      in_string_ = !in_string_;
      if (in_string_) string_start_ = Tell() - 1;
    }
    escaped_ = in_string_ && c == '\\' && !escaped_;
    return c;
  }

  std::string_view number() const { return number_; }
  std::size_t string_start() const { return string_start_; }

 private:
  mutable std::string_view number_;
  std::size_t string_start_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
};

// An escaped low surrogate on its own passes rapidjson 1.1 and comes out as ED A0..BF, which valid UTF-8 never has.
bool has_surrogate(std::string_view text) {
  for (auto at = text.find('\xed'); at != std::string_view::npos; at = text.find('\xed', at + 1)) {
    if (at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) >= 0xa0) return true;
  }
  return false;
}

// Passes rapidjson's events on.
class Events {
 public:
  Events(std::string_view text, const Stream& stream, Handler& handler)
      : text_(text), stream_(stream), handler_(handler) {}

  bool Null() { return handler_.null(), true; }
  bool Bool(bool value) { return handler_.boolean(value), true; }
  bool Uint(unsigned) { return handler_.number(stream_.number()), true; }
  bool String(const char* data, rapidjson::SizeType size, bool) { return handler_.string(checked(data, size)), true; }
  bool Key(const char* data, rapidjson::SizeType size, bool) { return handler_.key(checked(data, size)), true; }
  bool StartObject() { return enter(), handler_.begin_object(), true; }
  bool EndObject(rapidjson::SizeType) { return --depth_, handler_.end_object(), true; }
  bool StartArray() { return enter(), handler_.begin_array(), true; }
  bool EndArray(rapidjson::SizeType) { return --depth_, handler_.end_array(), true; }

  // rapidjson wants these; the stream's "0" is always a Uint.
  bool Int(int) { return false; }
  bool Int64(std::int64_t) { return false; }
  bool Uint64(std::uint64_t) { return false; }
  bool Double(double) { return false; }
  bool RawNumber(const char*, rapidjson::SizeType, bool) { return false; }

 private:
  std::string_view checked(const char* data, std::size_t size) const {
    std::string_view string{data, size};
    if (has_surrogate(string)) fail(text_, stream_.string_start(), "the string has half of a surrogate pair");
    return string;
  }

  void enter() {
    if (++depth_ <= depth_limit) return;
    throw Error{"json.depth", "the JSON at " + place(text_, stream_.Tell()) + " nests deeper than " +
                                  std::to_string(depth_limit) + " levels"};
  }

  std::string_view text_;
  const Stream& stream_;
  Handler& handler_;
  std::size_t depth_ = 0;
};

// "Missing a comma or } after an object member." as messages are written here.
std::string own_words(std::string what) {
  if (what.ends_with('.')) what.pop_back();
  if (!what.empty() && what[0] >= 'A' && what[0] <= 'Z') what[0] = static_cast<char>(what[0] - 'A' + 'a');
  return what;
}

}  // namespace

void parse(std::string_view text, Handler& handler) {
  // rapidjson counts the bytes of a string and the members of an array in 32 bits.
  if (text.size() > std::numeric_limits<rapidjson::SizeType>::max()) {
    throw Error{"json.size", "a JSON document of " + std::to_string(text.size()) + " bytes is over the limit of 4 GiB"};
  }
  Stream stream{text};
  Events events{text, stream, handler};
  rapidjson::Reader reader;
  constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
  auto result = reader.Parse<flags>(stream, events);
  if (result.IsError()) fail(text, result.Offset(), own_words(rapidjson::GetParseError_En(result.Code())));
  // A NUL character ends the document for rapidjson.
  if (stream.Tell() != text.size()) fail(text, stream.Tell(), "there is a NUL character after the document");
}

}  // namespace opsh::json
