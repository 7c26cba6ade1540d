#include "json/writer.hpp"

#include <rapidjson/encodings.h>
#include <rapidjson/memorystream.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/error.hpp"
#include "json/number.hpp"
#include "json/parse.hpp"

namespace opsh::json {
namespace {

constexpr std::string_view replacement_character = "\xef\xbf\xbd";

template <typename Number>
void append_number(std::string& out, Number value) {
  char digits[32];
  auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

bool is_plain(char c) {
  return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\' && static_cast<unsigned char>(c) < 0x80;
}

/// How many bytes at the beginning of the text are written as they are. Most are: eight at a time.
std::size_t plain_length(std::string_view text) {
  constexpr std::uint64_t ones = 0x0101010101010101, high = 0x8080808080808080;
  auto holds = [](std::uint64_t bytes, char c) {
    std::uint64_t difference = bytes ^ (ones * static_cast<unsigned char>(c));
    return ((difference - ones) & ~difference & high) != 0;
  };
  std::size_t length = 0;
  for (std::uint64_t bytes; length + sizeof bytes <= text.size(); length += sizeof bytes) {
    std::memcpy(&bytes, text.data() + length, sizeof bytes);
    bool has_control = ((bytes - ones * 0x20) & ~bytes & high) != 0;
    if ((bytes & high) != 0 || has_control || holds(bytes, '"') || holds(bytes, '\\')) break;
  }
  while (length < text.size() && is_plain(text[length])) ++length;
  return length;
}

void append_escape(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  constexpr std::string_view hex = "0123456789abcdef";
  out.append("\\u00").append(1, hex[(c >> 4) & 0xf]).append(1, hex[c & 0xf]);
}

// The bytes of the character of several bytes that `text` starts with; 0 when it is not valid UTF-8.
std::size_t multibyte_length(std::string_view text) {
  rapidjson::MemoryStream stream{text.data(), text.size()};
  unsigned value = 0;
  return rapidjson::UTF8<>::Decode(stream, &value) ? stream.Tell() : 0;
}

}  // namespace

void Writer::null() {
  before_value();
  out_ += "null";
}

void Writer::boolean(bool value) {
  before_value();
  out_ += value ? "true" : "false";
}

void Writer::integer(long long value) {
  before_value();
  append_number(out_, value);
}

void Writer::number(double value) {
  if (!std::isfinite(value)) {
    throw Error{"json.number", std::string{"JSON has no "} + (std::isnan(value) ? "NaN" : "infinity"),
                "write null or a text instead"};
  }
  before_value();
  // As text an integer is an integer: the shortest text of 100000 would be 1e+05.
  if (std::fabs(value) < 0x1p53 && value == std::trunc(value) && !(value == 0 && std::signbit(value)))
    append_number(out_, static_cast<long long>(value));
  else
    append_number(out_, value);
}

void Writer::number_text(std::string_view text) {
  if (text.empty() || number_length(text) != text.size()) {
    throw Error{"json.number", "JSON has no such number: " + std::string{text.substr(0, 40)}, "write it as a string"};
  }
  before_value();
  out_.append(text);
}

void Writer::string(std::string_view text) {
  before_value();
  quote(text);
}

void Writer::key(std::string_view name) {
  separate();
  quote(name);
  out_ += layout_ == Layout::indented ? ": " : ":";
}

void Writer::begin(char opening, char closing) {
  if (levels_.size() >= depth_limit) {
    throw Error{"json.depth", "the value nests deeper than " + std::to_string(depth_limit) + " levels",
                "does it contain itself?"};
  }
  before_value();
  out_ += opening;
  levels_.push_back({closing});
}

void Writer::end() {
  auto level = levels_.back();
  levels_.pop_back();
  if (!level.empty) break_line();
  out_ += level.closing;
}

// A member's value follows its key, which was separated already.
void Writer::before_value() {
  if (!levels_.empty() && levels_.back().closing == ']') separate();
}

void Writer::separate() {
  if (!levels_.back().empty) out_ += ',';
  levels_.back().empty = false;
  break_line();
}

void Writer::break_line() {
  if (layout_ == Layout::indented) out_.append(1, '\n').append(2 * levels_.size(), ' ');
}

void Writer::quote(std::string_view text) {
  out_ += '"';
  while (!text.empty()) {
    std::size_t plain = plain_length(text);
    out_.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;

    std::size_t taken = 1;
    if (static_cast<unsigned char>(text.front()) < 0x80) {
      append_escape(out_, text.front());
    } else if (auto length = multibyte_length(text); length > 0) {
      out_.append(text.substr(0, length));
      taken = length;
    } else {
      out_.append(replacement_character);
    }
    text.remove_prefix(taken);
  }
  out_ += '"';
}

}  // namespace opsh::json
