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
  bool is_keyword() const { return keyword != 0; }
};

/// The tokens of a text that somebody is still typing, as far as it can be scanned.
struct UnfinishedScan {
  std::vector<Token> tokens;
  std::size_t scanned = 0;  ///< up to there; behind it is what the scanner refuses, or what is not ended
  bool breaks_off = false;  ///< within a string, a quoted name or a comment, which begins at `scanned`
};

/// Refuses what must not reach libpg_query: text over 32 KiB ("sql.too_long") or with a NUL byte ("sql.nul").
void check_size(std::string_view text);

/// The tokens of `text`. Errors: "sql.syntax" with an excerpt (an unterminated string), and those of check_size.
std::vector<Token> scan(std::string_view text);

/// The same of a text that need not be whole nor right, and be several statements. Errors: "sql.too_long" over 128 KiB,
/// "sql.nul".
UnfinishedScan scan_unfinished(std::string_view text);

/// The tokens of a file of many statements, up to 4 MiB: its length is no danger to the scanner, which knows no
/// nesting, as it is to the parser.
std::vector<Token> scan_file(std::string_view text);

}  // namespace opsh::sql
