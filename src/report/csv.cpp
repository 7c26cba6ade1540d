#include "report/csv.hpp"

#include <algorithm>

namespace opsh::report {
namespace {

// Not find_first_of, which calls memchr for each character of the text.
bool is_special(char c) {
  return c == ',' || c == '"' || c == '\r' || c == '\n';
}

bool starts_a_formula(std::string_view text) {
  return !text.empty() && std::string_view{"=+-@\t\r"}.find(text.front()) != std::string_view::npos;
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

void append_field(std::string& out, const CsvField& field) {
  if (!field.value) return;
  std::string guarded;
  auto text = *field.value;
  if (!field.number && starts_a_formula(text)) text = guarded.append(1, '\'').append(text);
  bool quoted = text.empty() || std::ranges::any_of(text, is_special);
  if (quoted) {
    append_quoted(out, text);
  } else {
    out += text;
  }
}

}  // namespace

void csv_row(std::string& out, std::span<const CsvField> fields) {
  bool first = true;
  for (const auto& field : fields) {
    if (!first) out += ',';
    first = false;
    append_field(out, field);
  }
  out += "\r\n";
}

}  // namespace opsh::report
