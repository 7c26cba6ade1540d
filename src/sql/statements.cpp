#include "sql/statements.hpp"

#include <algorithm>
#include <cctype>

#include "base/error.hpp"
#include "sql/scanner.hpp"

namespace opsh::sql {
namespace {

std::string lower(std::string_view word) {
  std::string made{word};
  std::ranges::transform(made, made.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return made;
}

/// The scanner's words for a string, a name or a comment that the text breaks off in.
bool breaks_off(const Error& error) {
  return error.kind == "sql.syntax" && error.message.starts_with("unterminated");
}

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  Statements split(const std::vector<Token>& tokens) {
    for (const Token& token : tokens)
      if (!token.is_comment()) take(token);
    finish(text_.size());
    return std::move(found_);
  }

 private:
  void take(const Token& token) {
    std::string_view word = text_.substr(token.begin, token.end - token.begin);
    found_.ended = word == ";" && depth_ == 0;
    if (found_.ended) return finish(token.begin);
    depth_ += word == "(" ? 1 : word == ")" && depth_ > 0 ? -1 : 0;
    if (begin_ == std::string_view::npos) begin_ = token.begin;
    if (word_.empty() && word != "(") word_ = lower(word);
  }

  void finish(std::size_t end) {
    if (begin_ == std::string_view::npos) return;
    line_ += static_cast<std::size_t>(std::ranges::count(text_.substr(counted_, begin_ - counted_), '\n'));
    counted_ = begin_;
    found_.list.push_back({std::string{text_.substr(begin_, end - begin_)}, word_, line_});
    begin_ = std::string_view::npos;
    word_.clear();
    depth_ = 0;
  }

  std::string_view text_;
  Statements found_;
  std::size_t begin_ = std::string_view::npos;
  std::string word_;
  int depth_ = 0;
  std::size_t line_ = 1;     // of `counted_`
  std::size_t counted_ = 0;  // up to there lines are counted
};

}  // namespace

Statements split(std::string_view text) {
  check_size(text);
  try {
    return Splitter{text}.split(scan(text));
  } catch (const Error& error) {
    return {{{std::string{text}, "", 1}}, !breaks_off(error)};
  }
}

Statements split_file(std::string_view text) {
  return Splitter{text}.split(scan_file(text));
}

}  // namespace opsh::sql
