#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace opsh::sql {

/// One token as PostgreSQL's scanner sees it. Comments are tokens; white space is not.
struct Token {
  std::size_t begin = 0;  ///< bytes
  std::size_t end = 0;
  int code = 0;     ///< PgQuery__Token
  int keyword = 0;  ///< PgQuery__KeywordKind

  bool is_comment() const;
  /// Whether an alias, or another name that is not part of the grammar's own words, can be written so.
  bool is_column_name() const;
};

/// Refuses what must not reach libpg_query: text over 32 KiB ("sql.too_long") or with a NUL byte ("sql.nul").
void check_size(std::string_view text);

/// The tokens of `text`. Errors: "sql.syntax" with an excerpt (an unterminated string), and those of check_size.
std::vector<Token> scan(std::string_view text);

}  // namespace opsh::sql
