#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace opsh::report {

/// One field of a row. It refers to its text, which must outlive it.
struct CsvField {
  std::optional<std::string_view> value;  ///< nothing for NULL
  bool number = false;                    ///< from a numeric column: written as it is
};

/// Appends one row with its CR LF to `out` (RFC 4180). NULL is an empty field, an empty text is "". A text that a
/// spreadsheet would run as a formula (it starts with = + - @, a tab or a CR) gets an apostrophe before it: -5 as text
/// comes out as '-5, as a number it stays -5.
void csv_row(std::string& out, std::span<const CsvField> fields);

}  // namespace opsh::report
