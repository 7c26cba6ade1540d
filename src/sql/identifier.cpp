#include "sql/identifier.hpp"

#include <fmt/format.h>
#include <pg_query/pg_query.pb-c.h>

#include <algorithm>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "sql/recent.hpp"
#include "sql/scanner.hpp"

namespace opsh::sql {
namespace {

bool is_one_word(const std::string& name) {
  // Never destroyed, as the parser thread. Each statement of a batch names the columns of its table.
  static auto& recent = *new Recent<bool, 4096>;
  if (const auto known = recent.find(name)) return *known;
  const auto tokens = scan(name);
  return *recent.keep(name, tokens.size() == 1 && tokens[0].keyword == 0);
}

bool is_plain(std::string_view name) {
  const bool letters = std::all_of(name.begin(), name.end(),
                                   [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
  // The server cuts longer names; quotes do no harm there, and the scanner takes no text of any length.
  if (name.size() > 63) return false;
  // Reserved since PostgreSQL 16, which the scanner here does not know yet.
  if (!letters || (name[0] >= '0' && name[0] <= '9') || name == "system_user") return false;
  return is_one_word(std::string{name});
}

std::string quote(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted += '"';
}

std::string written(std::string_view name) {
  if (name.empty()) throw Error{"sql.identifier", "a name is empty"};
  if (name.find('\0') != name.npos) throw Error{"sql.identifier", "a name has a NUL byte"};
  return is_plain(name) ? std::string{name} : quote(name);
}

/// The name that a token stands for; nothing when the token is no name.
std::optional<std::string> name_of(std::string_view text, const Token& token) {
  const auto spelling = text.substr(token.begin, token.end - token.begin);
  if (token.code != PG_QUERY__TOKEN__IDENT && token.keyword == 0) return std::nullopt;
  std::string name;
  if (spelling.starts_with('"')) {
    for (std::size_t i = 1; i + 1 < spelling.size(); ++i) {
      name += spelling[i];
      if (spelling[i] == '"') ++i;
    }
  } else {
    for (const char c : spelling) name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return name;
}

}  // namespace

Identifier::Identifier(std::string name) : name_(std::move(name)), text_(written(name_)) {}

QualifiedName::QualifiedName(std::string schema, std::string name)
    : schema_(std::move(schema)), name_(std::move(name)), text_(written(name_)) {
  if (!schema_.empty()) text_ = written(schema_) + "." + text_;
}

QualifiedName parse_qualified_name(std::string_view text) {
  const auto refuse = [&] {
    return Error{"sql.identifier", fmt::format("{} is not the name of a table", text),
                 "write it as name or schema.name; a name with capitals or blanks stands in double quotes"};
  };
  std::vector<Token> tokens;
  try {
    tokens = scan(text);
  } catch (const Error&) {
    throw refuse();
  }
  if (tokens.empty()) throw refuse();
  auto last = name_of(text, tokens.back());
  if (!last) throw refuse();
  if (tokens.size() == 1) return QualifiedName{std::move(*last)};
  auto first = name_of(text, tokens.front());
  const bool qualified = tokens.size() == 3 && tokens[1].code == PG_QUERY__TOKEN__ASCII_46;
  if (!qualified || !first) throw refuse();
  return QualifiedName{std::move(*first), std::move(*last)};
}

}  // namespace opsh::sql
