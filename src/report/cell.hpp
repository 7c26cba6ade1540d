#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "report/csv.hpp"

namespace opsh::report {

/// What the values of a column are in JSON and CSV, by the name of its type as format_type prints it.
struct CellType {
  enum Kind : std::uint8_t { text, boolean, integer, real, numeric, json };
  Kind kind = text;
  bool list = false;  ///< an array of such values

  static CellType of(std::string_view type_name);
};

/// The server's text of one value, turned into both formats: as Lua has it (docs/runbook.md, "values"), so that no
/// digit is lost. Kept between rows for its memory.
class Cell {
 public:
  explicit Cell(CellType type = {}) : type_(type) {}

  /// Takes a value; nothing is NULL. Refers to the text. Errors: "data.array".
  void take(std::optional<std::string_view> value);

  /// Appends it as JSON.
  void json(std::string& out) const;
  /// It refers to what was taken.
  CsvField csv() const;

 private:
  CellType type_;
  std::optional<std::string_view> value_;
  std::string list_;  ///< an array as JSON
};

}  // namespace opsh::report
