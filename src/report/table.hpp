#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace opsh::report {

enum class Align { left, right };

struct Column {
  std::string title;
  Align align = Align::left;  ///< right for figures, which are never cut
};

struct TableLayout {
  std::size_t width = 0;     ///< columns of the terminal; 0 for no limit
  std::size_t indent = 0;    ///< spaces before each line
  bool ascii = false;        ///< draws with - and ... instead of ─ and …; cells stay as they are
  bool bold_header = false;  ///< ANSI, so only where a terminal shows it
  bool goes_on = false;      ///< without header and line: rows of a table that was begun before
};

/// Rows of text under a header, aligned for a terminal.
class Table {
 public:
  explicit Table(std::vector<Column> columns);

  /// One cell a column, any bytes: they are shown through text::printable(). Throws Error "report.cells" when there are
  /// more or fewer.
  void add(const std::vector<std::string>& cells);

  std::size_t rows() const { return rows_.size(); }

  /// What the columns need, and the other way round: none is narrower than that.
  const std::vector<std::size_t>& widths() const { return widths_; }
  void widen(const std::vector<std::size_t>& widths);
  /// How wide it is when nothing is cut.
  std::size_t width() const;

  /// Header, line, rows, each ended by a line break and without trailing blanks. Where that is wider than the layout
  /// allows, the widest columns of text are cut, none to less than 8; what still does not fit stays too wide.
  std::string render(const TableLayout& layout = {}) const;

 private:
  std::vector<std::size_t> fitted_widths(const TableLayout& layout) const;
  void append_line(std::string& out, const std::vector<std::string>& cells, const std::vector<std::size_t>& widths,
                   const TableLayout& layout) const;

  std::vector<Column> columns_;
  std::vector<std::size_t> widths_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace opsh::report
