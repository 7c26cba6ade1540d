#include "sql/scanner.hpp"

#include <fmt/format.h>
#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>

#include <algorithm>
#include <cstdint>
#include <memory>

#include "base/error.hpp"
#include "sql/excerpt.hpp"
#include "sql/parser_thread.hpp"

namespace opsh::sql {
namespace {

constexpr std::size_t longest_text = std::size_t{32} << 10;
constexpr std::size_t longest_file = std::size_t{4} << 20;
// Looked at with every key that is pressed; a longer text would be slower than keys are.
constexpr std::size_t longest_unfinished = std::size_t{128} << 10;

// PostgreSQL's scanner looks back over an operator for each `+` at its end: 32 KiB of them take 13 s.
constexpr std::size_t longest_operator = 1024;

void check_operators(std::string_view text) {
  constexpr std::string_view of_operators = "+-*/<>=~!@#%^&|`?";
  for (std::size_t begin = 0; (begin = text.find_first_of(of_operators, begin)) != text.npos;) {
    const std::size_t end = std::min(text.find_first_not_of(of_operators, begin), text.size());
    if (end - begin > longest_operator) {
      Error error{"sql.too_long",
                  fmt::format("{} characters of an operator in a row, the limit is {}", end - begin, longest_operator),
                  "pass such a text as a parameter"};
      error.excerpt = excerpt(text, begin);
      throw error;
    }
    begin = end;
  }
}

struct FreeScan {
  void operator()(PgQueryScanResult* result) const { pg_query_free_scan_result(*result); }
};

struct FreeTokens {
  void operator()(PgQuery__ScanResult* tokens) const { pg_query__scan_result__free_unpacked(tokens, nullptr); }
};

/// What the scanner says: tokens, or what is wrong and where.
struct Scanned {
  std::vector<Token> tokens;
  std::string fault;
  std::size_t at = 0;
};

Scanned scan_here(const std::string& text) {
  PgQueryScanResult result = pg_query_scan(text.c_str());
  const std::unique_ptr<PgQueryScanResult, FreeScan> result_owner{&result};
  if (result.error != nullptr) return {{}, result.error->message, offset_of_position(text, result.error->cursorpos)};
  const std::unique_ptr<PgQuery__ScanResult, FreeTokens> unpacked{
      pg_query__scan_result__unpack(nullptr, result.pbuf.len, reinterpret_cast<const std::uint8_t*>(result.pbuf.data))};
  if (!unpacked) throw Error{"sql.syntax", "the scanner's answer cannot be read"};

  std::vector<Token> tokens;
  tokens.reserve(unpacked->n_tokens);
  for (std::size_t i = 0; i < unpacked->n_tokens; ++i) {
    const PgQuery__ScanToken& token = *unpacked->tokens[i];
    tokens.push_back({static_cast<std::size_t>(token.start), static_cast<std::size_t>(token.end),
                      static_cast<int>(token.token), static_cast<int>(token.keyword_kind)});
  }
  return {std::move(tokens), {}, 0};
}

Scanned ask_scanner(std::string_view text) {
  const std::string terminated{text};
  Scanned scanned;
  on_parser_thread([&] { scanned = scan_here(terminated); });
  return scanned;
}

std::vector<Token> scan_there(std::string_view text) {
  Scanned scanned = ask_scanner(text);
  if (scanned.fault.empty()) return std::move(scanned.tokens);
  Error error{"sql.syntax", scanned.fault, "correct the statement at the mark"};
  error.excerpt = excerpt(text, scanned.at);
  throw error;
}

void check_bytes(std::string_view text) {
  if (const auto nul = text.find('\0'); nul != text.npos) {
    Error error{"sql.nul", fmt::format("the statement has a NUL byte at offset {}", nul),
                "PostgreSQL has no NUL in text; pass binary data as a bytea parameter"};
    error.excerpt = excerpt(text, nul);
    throw error;
  }
  check_operators(text);
}

}  // namespace

bool Token::is_comment() const {
  return code == PG_QUERY__TOKEN__SQL_COMMENT || code == PG_QUERY__TOKEN__C_COMMENT;
}

bool Token::is_column_name() const {
  return code == PG_QUERY__TOKEN__IDENT || code == PG_QUERY__TOKEN__UIDENT ||
         keyword == PG_QUERY__KEYWORD_KIND__UNRESERVED_KEYWORD || keyword == PG_QUERY__KEYWORD_KIND__COL_NAME_KEYWORD;
}

void check_size(std::string_view text) {
  if (text.size() > longest_text) {
    throw Error{"sql.too_long", fmt::format("the statement has {} bytes, the limit is {}", text.size(), longest_text),
                "pass data as parameters or as a list of rows (from :rows as r), not as literals"};
  }
  check_bytes(text);
}

std::vector<Token> scan(std::string_view text) {
  check_size(text);
  return scan_there(text);
}

UnfinishedScan scan_unfinished(std::string_view text) {
  if (text.size() > longest_unfinished)
    throw Error{"sql.too_long", fmt::format("a text of {} bytes is not looked at while it is typed", text.size())};
  check_bytes(text);
  Scanned scanned = ask_scanner(text);
  if (scanned.fault.empty()) return {std::move(scanned.tokens), text.size(), false};
  const bool breaks_off = scanned.fault.starts_with("unterminated");
  const std::size_t known = std::min(scanned.at, text.size());
  return {ask_scanner(text.substr(0, known)).tokens, known, breaks_off};
}

std::vector<Token> scan_file(std::string_view text) {
  if (text.size() > longest_file) {
    throw Error{"sql.too_long", fmt::format("the file has {} bytes, the limit is {}", text.size(), longest_file),
                "take it apart into several"};
  }
  check_bytes(text);
  return scan_there(text);
}

}  // namespace opsh::sql
