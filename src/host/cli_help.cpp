#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "host/cli.hpp"
#include "text/width.hpp"

namespace opsh::host {
namespace {

/// `line` broken at spaces into pieces of at most `columns`; the pieces after the first are indented like it.
void wrap_line(std::string_view line, std::size_t columns, std::vector<std::string>& lines) {
  std::size_t first = std::min(line.find_first_not_of(' '), line.size());
  std::size_t indentation = std::min(first, columns / 2);
  std::string piece;
  for (std::size_t at = first; at < line.size();) {
    std::size_t end = std::min(line.find(' ', at), line.size());
    std::string_view word = line.substr(at, end - at);
    at = std::min(line.find_first_not_of(' ', end), line.size());
    if (piece.empty()) {
      piece = std::string(indentation, ' ') + std::string{word};
    } else if (text::width(piece) + 1 + text::width(word) <= columns) {
      piece += ' ' + std::string{word};
    } else {
      lines.push_back(std::move(piece));
      piece = std::string(indentation, ' ') + std::string{word};
    }
  }
  lines.push_back(std::move(piece));
}

std::vector<std::string> wrap(std::string_view text, std::size_t columns) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  std::vector<std::string> lines;
  while (!text.empty()) {
    std::size_t end = std::min(text.find('\n'), text.size());
    wrap_line(text.substr(0, end), columns, lines);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// One line of a section: what is written on the command line, and what it means.
struct Row {
  std::string term;
  std::string meaning;
};

struct Section {
  std::string heading;
  std::vector<Row> rows;
};

std::string shown(const Positional& positional) {
  std::string name = positional.list ? positional.name + "..." : positional.name;
  return positional.required ? name : "[" + name + "]";
}

std::string shown(const Option& option) {
  if (option.value.empty()) return (option.negatable ? "--[no-]" : "--") + option.name;
  return option.value_optional ? fmt::format("--{}[={}]", option.name, option.value)
                               : fmt::format("--{} {}", option.name, option.value);
}

/// A word of help's own, in the language of the line.
std::string word(const CommandLine& line, const std::string& english) {
  auto found = line.words.find(english);
  return found == line.words.end() ? english : found->second;
}

std::string meaning(const CommandLine& line, const Option& option) {
  std::vector<std::string> notes;
  if (!option.choices.empty())
    notes.push_back(fmt::format("{} {}", word(line, "one of"), fmt::join(option.choices, ", ")));
  if (!option.default_text.empty()) notes.push_back(word(line, "default") + " " + option.default_text);
  if (option.required) notes.push_back(word(line, "required"));
  if (option.list) notes.push_back(word(line, "may be repeated"));
  if (notes.empty()) return option.help;
  return fmt::format("{}{}({})", option.help, option.help.empty() ? "" : " ", fmt::join(notes, "; "));
}

std::vector<Section> sections(const CommandLine& line) {
  std::string options = word(line, "options");
  std::vector<Section> found{{word(line, "arguments"), {}}, {options, {}}};
  for (const Positional& positional : line.positionals) found[0].rows.push_back({positional.name, positional.help});
  bool any_letter = std::ranges::any_of(line.options, [](const Option& option) { return option.letter != 0; });
  for (const Option& option : line.options) {
    std::string term = option.letter != 0 ? fmt::format("-{}, ", option.letter) : any_letter ? "    " : "";
    std::string heading = option.group.empty() ? options : option.group;
    auto section = std::ranges::find(found, heading, &Section::heading);
    if (section == found.end()) section = found.insert(found.end(), {heading, {}});
    section->rows.push_back({term + shown(option), meaning(line, option)});
  }
  std::erase_if(found, [](const Section& section) { return section.rows.empty(); });
  return found;
}

std::string usage(const CommandLine& line, std::size_t columns) {
  std::string words;
  if (!line.options.empty()) words += "[" + word(line, "options") + "] ";
  for (const Option& option : line.options) {
    if (option.required) words += shown(option) + " ";
  }
  for (const Positional& positional : line.positionals) words += shown(positional) + " ";
  std::string text;
  std::string margin = word(line, "usage") + ": ";
  for (const std::string& piece : wrap(line.program + " " + words, columns - margin.size())) {
    text += fmt::format("{}{}\n", margin, piece);
    margin = std::string(margin.size(), ' ');
  }
  return text;
}

/// How wide the terms are, at most a third of the line; what is wider has its meaning below it.
std::size_t term_columns(const std::vector<Section>& all, std::size_t columns) {
  std::size_t widest = 0;
  std::size_t limit = std::max<std::size_t>(columns / 3, 16);
  for (const Section& section : all) {
    for (const Row& row : section.rows) {
      if (text::width(row.term) <= limit) widest = std::max(widest, text::width(row.term));
    }
  }
  return widest == 0 ? 8 : widest;
}

std::string rendered(const Row& row, std::size_t term, std::size_t columns) {
  std::size_t margin = 2 + term + 2;
  auto lines = wrap(row.meaning, columns - margin);
  std::string text = "  " + row.term;
  if (text::width(row.term) <= term && !lines.empty()) {
    text = "  " + text::pad_right(row.term, term) + "  " + lines.front();
    lines.erase(lines.begin());
  }
  text += '\n';
  for (const std::string& line : lines) text += std::string(margin, ' ') + line + '\n';
  return text;
}

/// A line that begins with a blank is laid out already.
std::string paragraph(std::string_view text, std::size_t columns) {
  std::string laid_out;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (laid_out.empty()) laid_out = "\n";
    laid_out += line.starts_with(' ') ? std::string{line} : fmt::format("{}", fmt::join(wrap(line, columns), "\n"));
    laid_out += '\n';
  }
  return laid_out;
}

}  // namespace

std::string help(const CommandLine& line, unsigned columns) {
  // Below 40 columns nothing readable can be laid out; the terminal breaks the lines then.
  std::size_t width = columns == 0 ? 80 : std::max(columns, 40U);
  std::string text = usage(line, width) + paragraph(line.description, width);
  auto all = sections(line);
  std::size_t term = term_columns(all, width);
  for (const Section& section : all) {
    text += fmt::format("\n{}:\n", section.heading);
    for (const Row& row : section.rows) text += rendered(row, term, width);
  }
  return text + paragraph(line.footer, width);
}

}  // namespace opsh::host
