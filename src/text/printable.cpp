#include "text/printable.hpp"

#include <cstdint>

#include "base/redact.hpp"
#include "text/utf8.hpp"

namespace opsh::text {
namespace {

bool is_hazard(std::int32_t value) {
  bool control = value < 0x20 || (value >= 0x7f && value < 0xa0);
  bool line_separator = value == 0x2028 || value == 0x2029;
  bool direction = (value >= 0x202a && value <= 0x202e) || (value >= 0x2066 && value <= 0x2069);
  return control || line_separator || direction;
}

void append_hex(std::string& out, std::uint32_t value, int digits) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out += "0123456789abcdef"[(value >> shift) & 0xf];
}

void append_escape(std::string& out, std::int32_t value) {
  switch (value) {
    case '\n':
      out += "\\n";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\r':
      out += "\\r";
      return;
    default:
      break;
  }
  out += value < 0x80 ? "\\x" : "\\u";
  append_hex(out, static_cast<std::uint32_t>(value), value < 0x80 ? 2 : 4);
}

}  // namespace

std::string printable(std::string_view text) {
  // Here already, because what is cut to fit would show the beginning of a secret.
  if (redact::holds(text)) return printable(redact::redacted(text));
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::size_t plain = 0;
    while (plain < text.size() && is_plain_ascii(text[plain])) ++plain;
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;

    auto [value, bytes] = first_code_point(text);
    if (value < 0) {
      out += "\\x";
      append_hex(out, static_cast<unsigned char>(text.front()), 2);
    } else if (is_hazard(value)) {
      append_escape(out, value);
    } else {
      out.append(text.substr(0, bytes));
    }
    text.remove_prefix(bytes);
  }
  return out;
}

}  // namespace opsh::text
