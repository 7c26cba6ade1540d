#include "host/typed.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "base/error.hpp"
#include "sql/scanner.hpp"
#include "text/lua_tokens.hpp"

namespace opsh::host {
namespace {

// All of it is looked at with every key; a longer text would be slower than keys are.
constexpr std::size_t longest_colored = std::size_t{128} << 10;

constexpr int for_keywords = 36, for_strings = 32, for_numbers = 35, for_comments = 90;

// Words that statements begin with and that no Lua at a prompt is likely to; `do` and `end` are left to Lua.
constexpr std::array<std::string_view, 40> statements{
    "abort",   "alter",    "analyze",   "begin",  "call",    "cluster", "comment",  "commit",  "copy",    "create",
    "declare", "delete",   "discard",   "drop",   "execute", "explain", "fetch",    "grant",   "import",  "insert",
    "listen",  "lock",     "merge",     "move",   "notify",  "prepare", "refresh",  "reindex", "release", "reset",
    "revoke",  "rollback", "savepoint", "select", "set",     "show",    "truncate", "update",  "values",  "with"};

std::string lower(std::string_view word) {
  std::string made{word};
  std::ranges::transform(made, made.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return made;
}

/// The text without the white space, comments and parentheses that SQL can begin with.
std::string_view body(std::string_view text) {
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n("), text.size()));
    const bool line = text.starts_with("--"), block = text.starts_with("/*");
    if (!line && !block) return text;
    std::size_t end = text.find(line ? "\n" : "*/");
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + (line ? 1 : 2));
  }
}

std::string open_in_sql(std::string_view text) {
  sql::UnfinishedScan scan = sql::scan_unfinished(text);
  if (scan.breaks_off) {
    std::string_view rest = text.substr(scan.scanned);
    if (rest.starts_with("/*")) return "/*";
    if (rest.starts_with('$')) return std::string{rest.substr(0, rest.find('$', 1) + 1)};
    std::size_t quote = rest.find_first_of("'\"");
    return quote == std::string_view::npos ? "" : std::string{rest[quote]};
  }
  int depth = 0;
  for (const auto& token : scan.tokens) {
    if (text[token.begin] == '(') ++depth;
    if (text[token.begin] == ')' && depth > 0) --depth;
  }
  return depth > 0 ? "(" : "";
}

// Words that may be names as well, and seldom are.
constexpr std::array<std::string_view, 8> seldom_names{"between",   "by",        "exists", "over",
                                                       "partition", "recursive", "set",    "values"};

int color_of(const sql::Token& token, std::string_view text, bool begins_statement) {
  const char first = text[token.begin];
  if (token.is_comment()) return for_comments;
  if (token.is_keyword()) {
    const bool is_name =
        token.is_column_name() && !begins_statement &&
        std::ranges::find(seldom_names, lower(text.substr(token.begin, token.end - token.begin))) == seldom_names.end();
    return is_name ? 0 : for_keywords;
  }
  if (first == '\'' || first == '$') return for_strings;
  if (text.substr(token.begin, token.end - token.begin).find('\'') != std::string_view::npos) return for_strings;
  return std::isdigit(static_cast<unsigned char>(first)) ? for_numbers : 0;
}

std::vector<Colored> colored_sql(std::string_view text) {
  sql::UnfinishedScan scan = sql::scan_unfinished(text);
  std::vector<Colored> found;
  bool begins_statement = true;
  for (const auto& token : scan.tokens) {
    if (int color = color_of(token, text, begins_statement)) found.push_back({token.begin, token.end, color});
    if (!token.is_comment()) begins_statement = text[token.begin] == ';';
  }
  if (scan.breaks_off)
    found.push_back({scan.scanned, text.size(), text.substr(scan.scanned, 2) == "/*" ? for_comments : for_strings});
  return found;
}

std::vector<Colored> colored_lua(std::string_view text) {
  std::vector<Colored> found;
  for (const auto& token : text::lua_tokens(text)) {
    using Kind = text::LuaToken::Kind;
    int color = token.kind == Kind::keyword   ? for_keywords
                : token.kind == Kind::string  ? for_strings
                : token.kind == Kind::number  ? for_numbers
                : token.kind == Kind::comment ? for_comments
                                              : 0;
    if (color) found.push_back({token.begin, token.end, color});
  }
  return found;
}

}  // namespace

Looks looks_like(std::string_view typed) {
  std::size_t begin = typed.find_first_not_of(" \t\r\n");
  if (begin != std::string_view::npos && typed[begin] == '\\') return Looks::command;
  std::string_view start = body(typed);
  std::size_t length = 0;
  while (length < start.size() && std::isalpha(static_cast<unsigned char>(start[length]))) ++length;
  if (std::ranges::find(statements, lower(start.substr(0, length))) == statements.end()) return Looks::lua;
  std::string_view behind = start.substr(length);
  behind.remove_prefix(std::min(behind.find_first_not_of(" \t"), behind.size()));
  const bool is_name = !behind.empty() && std::string_view{"=.:[_"}.find(behind[0]) != std::string_view::npos;
  return is_name ? Looks::lua : Looks::sql;
}

std::string open_in(std::string_view typed) {
  try {
    switch (looks_like(typed)) {
      case Looks::sql:
        return open_in_sql(typed);
      case Looks::lua:
        return text::open_in_lua(typed);
      case Looks::command:
        break;
    }
  } catch (const Error&) {
    // Too long for the scanner: nothing is known of it.
  }
  return {};
}

std::vector<Colored> colored(std::string_view typed) {
  if (typed.size() > longest_colored) return {};
  try {
    switch (looks_like(typed)) {
      case Looks::sql:
        return colored_sql(typed);
      case Looks::lua:
        return colored_lua(typed);
      case Looks::command:
        break;
    }
  } catch (const Error&) {
    // What the scanner does not take is shown as it is.
  }
  return {};
}

}  // namespace opsh::host
