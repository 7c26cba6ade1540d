#include "host/drawing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "text/printable.hpp"
#include "text/width.hpp"

namespace opsh::host {
namespace {

/// Takes the rows apart that a picture has, and finds the cursor in them.
class Layout {
 public:
  Layout(const Picture& picture, std::size_t width) : width_(std::max<std::size_t>(width, 4)) {
    add(picture.prompt.text, picture.prompt.style);
    auto color = picture.colors.begin();
    std::size_t line = 0;
    for (std::size_t at = 0; at < picture.text.size();) {
      if (at == picture.point) mark();
      if (picture.text[at] == '\n') {
        rows.emplace_back();
        taken_ = 0;
        if (line < picture.next.size()) add(picture.next[line], picture.prompt.style);
        ++line;
        ++at;
        continue;
      }
      const std::size_t bytes = text::character(picture.text.substr(at));
      while (color != picture.colors.end() && color->end <= at) ++color;
      const bool has_color = color != picture.colors.end() && color->begin <= at;
      // The cursor never stands within a character.
      if (picture.point > at && picture.point < at + bytes) mark();
      put(picture.text.substr(at, bytes), has_color ? std::to_string(color->color) : "");
      at += bytes;
    }
    if (picture.point >= picture.text.size()) mark();
  }

  std::vector<Drawing::Row> rows{1};
  std::size_t cursor_row = 0;
  std::size_t cursor_column = 0;

 private:
  void add(std::string_view text, const std::string& style) {
    while (!text.empty()) {
      const std::size_t bytes = text::character(text);
      put(text.substr(0, bytes), style);
      text.remove_prefix(bytes);
    }
  }

  void put(std::string_view bytes, std::string style) {
    std::string shown = bytes == "\t" ? "  " : text::printable(bytes);
    const std::size_t columns = text::width(shown);
    if (taken_ + columns > width_) {
      rows.emplace_back();
      taken_ = 0;
    }
    taken_ += columns;
    rows.back().push_back({std::move(shown), columns, std::move(style)});
  }

  void mark() {
    cursor_row = rows.size() - 1;
    cursor_column = taken_;
  }

  std::size_t width_;
  std::size_t taken_ = 0;  ///< columns of the last row
};

std::size_t width_of(const Drawing::Row& row) {
  std::size_t columns = 0;
  for (const auto& cell : row) columns += cell.columns;
  return columns;
}

}  // namespace

void Drawing::go(std::string& out, std::size_t row, std::size_t column) {
  if (row < row_) out += fmt::format("\x1b[{}A", row_ - row);
  if (row > row_) out += fmt::format("\x1b[{}B", row - row_);
  if (column != column_) {
    out += '\r';
    if (column > 0) out += fmt::format("\x1b[{}C", column);
  }
  row_ = row;
  column_ = column;
}

void Drawing::write(std::string& out, const Row& row, std::size_t from) {
  std::string_view style;
  for (std::size_t at = from; at < row.size(); ++at) {
    if (row[at].style != style) {
      if (!style.empty()) out += "\x1b[0m";
      style = row[at].style;
      if (!style.empty()) out += fmt::format("\x1b[{}m", style);
    }
    out += row[at].bytes;
    column_ += row[at].columns;
  }
  if (!style.empty()) out += "\x1b[0m";
}

std::string Drawing::show(const Picture& picture, std::size_t columns, std::size_t lines) {
  Layout made{picture, columns - 1};
  lines = std::max<std::size_t>(lines, 1);
  top_ = std::min(top_, made.rows.size() - 1);
  if (made.cursor_row < top_) top_ = made.cursor_row;
  if (made.cursor_row >= top_ + lines) top_ = made.cursor_row - lines + 1;
  // No more is left out at the top than has to be.
  top_ = std::min(top_, made.rows.size() - std::min(made.rows.size(), lines));
  const std::size_t count = std::min(lines, made.rows.size() - top_);

  std::string out;
  for (std::size_t at = 0; at < count; ++at) {
    Row& now = made.rows[top_ + at];
    if (at >= rows_.size()) {
      if (at > 0) {
        go(out, at - 1, 0);
        // A line feed makes room at the bottom of the screen, where going down would not.
        out += "\n";
        row_ = at;
      }
      write(out, now, 0);
      rows_.push_back(now);
      continue;
    }
    Row& before = rows_[at];
    auto [same, other] = std::ranges::mismatch(before, now);
    if (same == before.end() && other == now.end()) continue;
    const auto first = static_cast<std::size_t>(same - before.begin());
    const std::size_t column = width_of({now.begin(), other});
    go(out, at, column);
    write(out, now, first);
    if (width_of(before) > width_of(now)) out += "\x1b[K";
    before = now;
  }
  if (rows_.size() > count) {
    go(out, count, 0);
    out += "\x1b[J";
    rows_.resize(count);
  }
  go(out, made.cursor_row - top_, made.cursor_column);
  return out;
}

std::string Drawing::leave() {
  std::string out;
  if (!rows_.empty()) go(out, rows_.size() - 1, width_of(rows_.back()));
  *this = {};
  // The terminal makes a carriage return of its own of it.
  return out + "\n";
}

std::string Drawing::erase() {
  std::string out;
  go(out, 0, 0);
  *this = {};
  return out + "\r\x1b[J";
}

std::string Drawing::resized(std::size_t columns) {
  columns = std::max<std::size_t>(columns, 1);
  std::size_t above = 0;
  for (std::size_t at = 0; at < std::min(row_, rows_.size()); ++at)
    above += std::max<std::size_t>((width_of(rows_[at]) + columns - 1) / columns, 1);
  above += column_ / columns;
  *this = {};
  return (above > 0 ? fmt::format("\r\x1b[{}A", above) : "\r") + "\x1b[J";
}

}  // namespace opsh::host
