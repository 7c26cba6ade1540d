#include "report/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "text/printable.hpp"
#include "text/width.hpp"

namespace opsh::report {
namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t narrowest_cut = 8;

std::string_view ellipsis(const TableLayout& layout) {
  return layout.ascii ? "..." : "…";
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

// Makes widths smaller, the widest first, until `excess` is gone or none is above narrowest_cut.
void shrink(std::vector<std::size_t*> widths, std::size_t excess) {
  std::erase_if(widths, [](const std::size_t* width) { return *width <= narrowest_cut; });
  std::ranges::sort(widths, std::ranges::greater{}, [](const std::size_t* width) { return *width; });
  // Level by level: the first `count` are equally wide, and go down together to the next one.
  for (std::size_t count = 1; count <= widths.size() && excess > 0; ++count) {
    auto level = *widths[0];
    auto floor = count < widths.size() ? *widths[count] : narrowest_cut;
    auto taken = std::min(excess, (level - floor) * count);
    for (std::size_t i = 0; i < count; ++i) *widths[i] -= taken / count + (i < taken % count ? 1 : 0);
    excess -= taken;
  }
}

}  // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  for (auto& column : columns_) {
    column.title = text::printable(column.title);
    widths_.push_back(text::width(column.title));
  }
}

void Table::add(const std::vector<std::string>& cells) {
  if (cells.size() != columns_.size()) {
    throw Error{"report.cells",
                fmt::format("a row of {} cells for a table of {} columns", cells.size(), columns_.size())};
  }
  auto& row = rows_.emplace_back();
  row.reserve(cells.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    row.push_back(text::printable(cells[i]));
    widths_[i] = std::max(widths_[i], text::width(row.back()));
  }
}

void Table::widen(const std::vector<std::size_t>& widths) {
  for (std::size_t i = 0; i < widths_.size() && i < widths.size(); ++i) widths_[i] = std::max(widths_[i], widths[i]);
}

std::size_t Table::width() const {
  std::size_t total = widths_.empty() ? 0 : gap * (widths_.size() - 1);
  for (std::size_t width : widths_) total += width;
  return total;
}

std::vector<std::size_t> Table::fitted_widths(const TableLayout& layout) const {
  auto widths = widths_;
  if (layout.width == 0 || widths.empty()) return widths;
  auto total = layout.indent + gap * (widths.size() - 1);
  std::vector<std::size_t*> shrinkable;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    total += widths[i];
    if (columns_[i].align == Align::left) shrinkable.push_back(&widths[i]);
  }
  if (total > layout.width) shrink(std::move(shrinkable), total - layout.width);
  return widths;
}

void Table::append_line(std::string& out, const std::vector<std::string>& cells, const std::vector<std::size_t>& widths,
                        const TableLayout& layout) const {
  std::string line(layout.indent, ' ');
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) line.append(gap, ' ');
    auto cell = text::fit(cells[i], widths[i], ellipsis(layout));
    line += columns_[i].align == Align::right ? text::pad_left(cell, widths[i]) : text::pad_right(cell, widths[i]);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out.append(line).append(1, '\n');
}

std::string Table::render(const TableLayout& layout) const {
  const auto widths = fitted_widths(layout);
  std::vector<std::string> titles, lines;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    titles.push_back(columns_[i].title);
    lines.push_back(repeat(layout.ascii ? "-" : "─", widths[i]));
  }
  std::string out;
  if (!layout.goes_on) {
    if (layout.bold_header) out += "\x1b[1m";
    append_line(out, titles, widths, layout);
    // Before the line break: bold must not reach into what follows when the output is cut by lines.
    if (layout.bold_header) out.insert(out.size() - 1, "\x1b[0m");
    append_line(out, lines, widths, layout);
  }
  for (const auto& row : rows_) append_line(out, row, widths, layout);
  return out;
}

}  // namespace opsh::report
