#include "report/csv.hpp"

namespace opsh::report {
namespace {

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
  bool quoted = text.empty() || text.find_first_of(",\"\r\n") != std::string_view::npos;
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
