#include "sandbox/meta_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace opsh::sandbox {
namespace {

constexpr std::string_view space = " \t\r\v\f";

// They print, set variables of psql's own, or send what stands before them. All that is not here counts as unknown.
constexpr std::array harmless{
    "a",    "bind",  "conninfo", "crosstabview", "echo", "errverbose", "f",          "g",     "gdesc", "gexec",
    "gset", "gx",    "h",        "help",         "p",    "print",      "pset",       "q",     "qecho", "quit",
    "r",    "reset", "restrict", "set",          "t",    "timing",     "unrestrict", "unset", "warn",  "x"};
constexpr std::array branching{"if", "elif", "else", "endif"};
// Others may follow these on their line.
constexpr std::array followed{"if", "elif", "else", "endif", "set", "unset"};

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(space), text.size()));
  return text.substr(0, text.find_last_not_of(space) + 1);
}

std::string_view take_word(std::string_view& text) {
  text = trimmed(text);
  auto end = std::min(text.find_first_of(space), text.size());
  auto word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

bool same_word(std::string_view word, std::string_view lower) {
  return std::ranges::equal(
      word, lower, [](char left, char right) { return std::tolower(static_cast<unsigned char>(left)) == right; });
}

/// A file name that stands for itself: bare, or in single quotes with nothing to expand in it.
std::optional<std::string> plain_path(std::string_view word) {
  bool quoted = word.size() > 2 && word.starts_with('\'') && word.ends_with('\'');
  if (quoted) word = word.substr(1, word.size() - 2);
  if (word.empty() || word.starts_with('~') || word.find_first_of("'\"\\`|") != word.npos) return std::nullopt;
  if (!quoted && word.find(':') != word.npos) return std::nullopt;
  return std::string{word};
}

MetaCommand unknown(std::string_view name, std::string_view why) {
  return {.unknown = fmt::format("\\{} {}", name, why)};
}

MetaCommand named_file(std::string_view name, std::string_view arguments, Named::How how) {
  auto path = plain_path(trimmed(arguments));
  if (!path) return unknown(name, "names a file in a way that only psql understands");
  return {.file = Named{how, *path}};
}

MetaCommand copy_command(std::string_view arguments) {
  std::string_view rest = arguments;
  std::optional<std::string_view> source;
  // What begins with a parenthesis is a query, and goes out.
  while (!source && !trimmed(arguments).starts_with('(') && !trimmed(rest).empty())
    if (same_word(take_word(rest), "from")) source = take_word(rest);
  if (!source) return unknown("copy", "writes a file");
  if (same_word(*source, "stdin") || same_word(*source, "stdin;")) return {};
  // A name in quotes may hold blanks, so it is looked at as a whole.
  std::string_view word = *source;
  if (word.starts_with('\'')) {
    auto start = static_cast<std::size_t>(word.data() - arguments.data());
    auto end = arguments.find('\'', start + 1);
    word = arguments.substr(start, end == arguments.npos ? end : end + 1 - start);
  }
  if (same_word(word, "program") || same_word(word, "pstdin"))
    return unknown("copy", "reads from elsewhere than a file");
  return named_file("copy", word, Named::How::data);
}

/// \c DATABASE stays on this server; any other way to say where to is not looked into.
bool stays(std::string_view arguments) {
  std::string_view database = trimmed(arguments);
  return !database.empty() && database.find_first_of(" \t=:/'\"") == database.npos;
}

}  // namespace

std::string_view first_command(std::string_view line) {
  const auto next = line.find('\\');
  if (next == line.npos || line.find_first_of("'\"`") < next) return line;
  const std::string_view name = line.substr(0, line.find_first_of(" \t\r\v\f\\|"));
  return std::ranges::find(followed, name) == followed.end() ? line : line.substr(0, next);
}

MetaCommand read_meta_command(std::string_view text) {
  std::string_view name = text.substr(0, text.find_first_of(" \t\r\v\f\\|"));
  std::string_view arguments = text.substr(name.size());
  if (name.starts_with('!')) return unknown("!", "runs a program");
  if (name == "copy") return copy_command(arguments);
  if (arguments.find('`') != arguments.npos) return unknown(name, "runs a program");
  if (arguments.find('\\') != arguments.npos && name != "echo" && name != "qecho" && name != "warn" && name != "pset")
    return unknown(name, "is followed by another command on its line");
  if (name == "i" || name == "include") return named_file(name, arguments, Named::How::include);
  if (name == "ir" || name == "include_relative") return named_file(name, arguments, Named::How::include_beside);
  // A statement's result into a file or a program is an effect that a copy of the data would not have.
  if ((name == "g" || name == "gx") && !trimmed(arguments).empty() && trimmed(arguments) != "/dev/null")
    return unknown(name, "writes elsewhere");
  if (name == "c" || name == "connect")
    return stays(arguments) ? MetaCommand{} : unknown(name, "may lead to another server");
  if (std::ranges::find(branching, name) != branching.end()) return {.branches = true};
  bool describes = name.starts_with('d') || name.starts_with('l');
  if (std::ranges::find(harmless, name) != harmless.end() || (describes && name.find('o') == name.npos)) return {};
  return unknown(name, "is not known to be harmless");
}

}  // namespace opsh::sandbox
