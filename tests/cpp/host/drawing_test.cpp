#include "host/drawing.hpp"

#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "text/width.hpp"

using opsh::host::Drawing;
using opsh::host::Picture;

namespace {

/// As much of a terminal as the drawing uses. A character of two columns leaves "" in the second.
class Screen {
 public:
  Screen(std::size_t columns, std::size_t lines) : columns_(columns), rows_(lines, std::vector<std::string>(columns)) {}

  void take(std::string_view bytes) {
    while (!bytes.empty()) {
      std::size_t length = bytes[0] == '\x1b' ? escape(bytes) : put(bytes);
      bytes.remove_prefix(length);
    }
  }

  std::string row(std::size_t at) const {
    std::string text;
    for (const auto& cell : rows_[at]) text += cell.empty() ? "" : cell;
    return text.substr(0, text.find_last_not_of(' ') + 1);
  }
  std::size_t cursor_row() const { return row_; }
  std::size_t cursor_column() const { return column_; }
  bool wrapped() const { return wrapped_; }

 private:
  std::size_t escape(std::string_view bytes) {
    const std::size_t end = bytes.find_first_of("ABCKJm");
    const std::size_t count = end > 2 && bytes[end] != 'm' ? std::stoul(std::string{bytes.substr(2, end - 2)}) : 1;
    if (bytes[end] == 'A') row_ -= std::min(row_, count);
    if (bytes[end] == 'B') row_ = std::min(row_ + count, rows_.size() - 1);
    if (bytes[end] == 'C') column_ = std::min(column_ + count, columns_ - 1);
    if (bytes[end] == 'K' || bytes[end] == 'J') clear(rows_[row_], column_);
    for (std::size_t at = row_ + 1; bytes[end] == 'J' && at < rows_.size(); ++at) clear(rows_[at], 0);
    return end + 1;
  }

  static void clear(std::vector<std::string>& row, std::size_t from) {
    for (std::size_t at = from; at < row.size(); ++at) row[at] = " ";
  }

  std::size_t put(std::string_view bytes) {
    if (bytes[0] == '\r' || bytes[0] == '\n') {
      column_ = 0;
      if (bytes[0] == '\n' && ++row_ == rows_.size()) {
        rows_.erase(rows_.begin());
        rows_.emplace_back(columns_, " ");
        --row_;
      }
      return 1;
    }
    const std::size_t length = opsh::text::character(bytes);
    const std::size_t width = opsh::text::width(bytes.substr(0, length));
    if (column_ + width >= columns_) wrapped_ = true;
    if (width > 0 && column_ + width <= columns_) {
      rows_[row_][column_] = bytes.substr(0, length);
      if (width == 2) rows_[row_][column_ + 1] = "";
    }
    column_ += width;
    return length;
  }

  std::size_t columns_;
  std::vector<std::vector<std::string>> rows_;
  std::size_t row_ = 0, column_ = 0;
  bool wrapped_ = false;
};

Picture picture(const std::string& text, std::size_t point) {
  return {{"db=> ", "1;31"}, std::vector<std::string>(8, "db-> "), text, {}, point};
}

}  // namespace

TEST_CASE("a text of several lines is drawn with their prompts, and the cursor stands in its place") {
  Screen screen{20, 6};
  Drawing drawing;
  screen.take(drawing.show(picture("one\ntwo 日本", 6), 20, 6));
  CHECK(screen.row(0) == "db=> one");
  CHECK(screen.row(1) == "db-> two 日本");
  CHECK(screen.cursor_row() == 1);
  CHECK(screen.cursor_column() == 7);
}

TEST_CASE("a key at the end of a line writes that character and nothing else") {
  Drawing drawing;
  drawing.show(picture("select", 6), 80, 24);
  CHECK(drawing.show(picture("select ", 7), 80, 24) == " ");
  CHECK(drawing.show(picture("select 1", 8), 80, 24) == "1");
}

TEST_CASE("of a text higher than the screen the part round the cursor is shown") {
  Screen screen{10, 3};
  Drawing drawing;
  screen.take(drawing.show(picture("a\nb\nc\nd", 7), 10, 3));
  CHECK(screen.row(0) == "db-> b");
  CHECK(screen.row(2) == "db-> d");
  screen.take(drawing.show(picture("a\nb\nc\nd", 0), 10, 3));
  CHECK(screen.row(0) == "db=> a");
  CHECK(screen.cursor_row() == 0);
}

TEST_CASE("after any edits the screen is that of a fresh drawing") {
  std::mt19937 random{7};
  const std::vector<std::string> pieces{"a",    "select ",     "日", "é", "e\u0301", "\n", "👩‍👩‍👧",
                                        "    ", "wide 本 word"};
  for (std::size_t columns : {12U, 20U, 33U}) {
    Drawing drawing;
    Screen screen{columns, 9};
    std::vector<std::string> parts;
    for (int edit = 0; edit < 300; ++edit) {
      if (random() % 3 != 0 || parts.empty())
        parts.insert(parts.begin() + static_cast<std::ptrdiff_t>(random() % (parts.size() + 1)),
                     pieces[random() % pieces.size()]);
      else
        parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(random() % parts.size()));
      if (parts.size() > 12) parts.resize(4);
      std::string text, front;
      const std::size_t place = random() % (parts.size() + 1);
      for (std::size_t at = 0; at < parts.size(); ++at) {
        if (at == place) front = text;
        text += parts[at];
      }
      if (place == parts.size()) front = text;
      Screen fresh{columns, 9};
      Drawing anew;
      const std::string drawn = anew.show(picture(text, front.size()), columns, 9);
      // What scrolled is another screen's business.
      fresh.take(drawn);
      screen.take(drawing.show(picture(text, front.size()), columns, 9));
      for (std::size_t row = 0; row < 9; ++row) REQUIRE(screen.row(row) == fresh.row(row));
      REQUIRE(screen.cursor_row() == fresh.cursor_row());
      REQUIRE(screen.cursor_column() == fresh.cursor_column());
      REQUIRE_FALSE(screen.wrapped());
    }
  }
}
