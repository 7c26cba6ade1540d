#include "report/cell.hpp"

#include <array>
#include <charconv>
#include <utility>

#include "db/borrowed.hpp"
#include "json/number.hpp"
#include "json/writer.hpp"

namespace opsh::report {
namespace {

constexpr long long exact = 1LL << 53;

constexpr std::array<std::pair<std::string_view, CellType::Kind>, 9> kinds{{
    {"boolean", CellType::boolean},
    {"smallint", CellType::integer},
    {"integer", CellType::integer},
    {"bigint", CellType::integer},
    {"oid", CellType::integer},
    {"real", CellType::real},
    {"double precision", CellType::real},
    {"json", CellType::json},
    {"jsonb", CellType::json},
}};

/// A double holds it to the last digit.
bool is_exact(std::string_view digits) {
  long long value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc{} && end == digits.data() + digits.size() && value >= -exact && value <= exact;
}

bool is_json_number(CellType::Kind kind, std::string_view text) {
  if (kind == CellType::integer) return is_exact(text);
  // NaN and the infinities are none.
  return kind == CellType::real && !text.empty() && json::number_length(text) == text.size();
}

void append_value(std::string& out, CellType::Kind kind, std::string_view text) {
  json::Writer writer{out};
  if (kind == CellType::boolean)
    writer.boolean(text == "t");
  else if (kind == CellType::json)
    out += text;
  else if (is_json_number(kind, text))
    writer.number_text(text);
  else
    writer.string(text);
}

void append_list(std::string& out, CellType::Kind kind, std::string_view array) {
  db::walk_array(array, [&](db::ArrayStep step, std::string_view value) {
    if (step == db::ArrayStep::close) {
      out += ']';
      return;
    }
    if (!out.empty() && out.back() != '[') out += ',';
    if (step == db::ArrayStep::open)
      out += '[';
    else if (step == db::ArrayStep::null)
      out += "null";
    else
      append_value(out, kind, value);
  });
}

}  // namespace

CellType CellType::of(std::string_view type_name) {
  CellType type;
  type.list = type_name.ends_with("[]");
  if (type.list) type_name.remove_suffix(2);
  for (const auto& [name, kind] : kinds)
    if (type_name == name) type.kind = kind;
  if (type_name.starts_with("numeric")) type.kind = numeric;
  return type;
}

void Cell::take(std::optional<std::string_view> value) {
  value_ = value;
  if (!type_.list || !value) return;
  list_.clear();
  append_list(list_, type_.kind, *value);
  value_ = list_;
}

void Cell::json(std::string& out) const {
  if (!value_)
    out += "null";
  else if (type_.list)
    out += list_;
  else
    append_value(out, type_.kind, *value_);
}

CsvField Cell::csv() const {
  if (value_ && !type_.list && type_.kind == CellType::boolean) return {*value_ == "t" ? "true" : "false"};
  bool number = !type_.list && type_.kind >= CellType::integer && type_.kind <= CellType::numeric;
  return {value_, number};
}

}  // namespace opsh::report
