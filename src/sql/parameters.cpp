#include "sql/parameters.hpp"

#include <fmt/format.h>
#include <pg_query/pg_query.pb-c.h>

#include <charconv>
#include <optional>

#include "base/error.hpp"
#include "sql/excerpt.hpp"
#include "sql/recent.hpp"
#include "sql/scanner.hpp"

namespace opsh::sql {
namespace {

// The protocol's limit on parameters of one statement.
constexpr int most_parameters = 65535;

int parameter_number(std::string_view author_sql, const Token& token) {
  const auto digits = author_sql.substr(token.begin + 1, token.end - token.begin - 1);
  int number = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (fault != std::errc{} || end != digits.data() + digits.size() || number < 1 || number > most_parameters) {
    Error error{"sql.syntax", fmt::format("${} is not the number of a parameter", digits),
                fmt::format("parameters are numbered from $1 to ${}", most_parameters)};
    error.excerpt = excerpt(author_sql, token.begin);
    throw error;
  }
  return number;
}

std::optional<Placeholder> placeholder_at(std::string_view author_sql, std::span<const Token> tokens) {
  const Token& token = tokens[0];
  if (token.code == PG_QUERY__TOKEN__PARAM) {
    return Placeholder{"", parameter_number(author_sql, token), token.begin, token.end - token.begin, false};
  }
  if (token.code != PG_QUERY__TOKEN__ASCII_58 || tokens.size() < 2 || tokens[1].begin != token.end) return std::nullopt;
  const Token& name = tokens[1];
  const bool quoted = author_sql[name.begin] == '"';
  const bool word = (name.code == PG_QUERY__TOKEN__IDENT && !quoted) || name.keyword != 0;
  if (!word) return std::nullopt;
  return Placeholder{std::string{author_sql.substr(name.begin, name.end - name.begin)}, 0, token.begin,
                     name.end - token.begin, false};
}

bool continues_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '_' ||
         byte == '$' || byte >= 0x80;
}

/// Whether a replacement may stand directly after `c`: after `-`, a replacement `-1` would begin a comment.
bool separates(char c) {
  return std::string_view{" \t\n\r\f\v(,[;"}.find(c) != std::string_view::npos;
}

}  // namespace

Template parse_template(std::string_view author_sql) {
  // Never destroyed, as the parser thread.
  static auto& recent = *new Recent<Template>;
  const std::string key{author_sql};
  if (const auto known = recent.find(key)) return *known;
  const auto tokens = scan(author_sql);
  Template found;
  found.author_ = std::make_shared<const std::string>(author_sql);
  std::vector<Token> words;
  words.reserve(tokens.size());
  for (const Token& token : tokens) {
    if (!token.is_comment()) words.push_back(token);
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    auto placeholder = placeholder_at(author_sql, std::span{words}.subspan(i));
    if (!placeholder) continue;
    if (placeholder->number == 0) ++i;
    placeholder->has_alias =
        i + 1 < words.size() && (words[i + 1].code == PG_QUERY__TOKEN__AS || words[i + 1].is_column_name());
    found.placeholders_.push_back(std::move(*placeholder));
  }
  while (!words.empty() && words.back().code == PG_QUERY__TOKEN__ASCII_59) words.pop_back();
  found.end_ = words.empty() ? 0 : words.back().end;
  return *recent.keep(key, std::move(found));
}

Rendered Template::render(std::span<const std::string> replacements) const {
  if (replacements.size() != placeholders_.size()) {
    throw Error{"sql.parameters", fmt::format("the statement has {} placeholders, {} replacements were given",
                                              placeholders_.size(), replacements.size())};
  }
  const std::string& sql = *author_;
  Rendered result;
  result.author_ = author_;
  std::size_t copied = 0;
  result.spans_.push_back({0, 0, true});
  for (std::size_t i = 0; i < placeholders_.size(); ++i) {
    const Placeholder& placeholder = placeholders_[i];
    check_size(replacements[i]);
    result.text_.append(sql, copied, placeholder.offset - copied);
    copied = placeholder.offset + placeholder.length;
    result.spans_.push_back({result.text_.size(), placeholder.offset, false});
    if (!result.text_.empty() && !separates(result.text_.back())) result.text_ += ' ';
    result.text_ += replacements[i];
    if (copied < end_ && continues_word(sql[copied])) result.text_ += ' ';
    result.spans_.push_back({result.text_.size(), copied, true});
  }
  result.text_.append(sql, copied, end_ - copied);
  result.body_end_ = result.text_.size();
  return result;
}

}  // namespace opsh::sql
