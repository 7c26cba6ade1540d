#include "text/lua_tokens.hpp"

#include <algorithm>
#include <array>

namespace opsh::text {
namespace {

constexpr std::array<std::string_view, 22> keywords{
    "and",   "break", "do",  "else", "elseif", "end",    "false", "for",  "goto",  "if",    "in",
    "local", "nil",   "not", "or",   "repeat", "return", "then",  "true", "until", "while", "function"};

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<LuaToken> all() {
    for (; (at_ = text_.find_first_not_of(" \t\r\n\f\v", at_)) != std::string_view::npos; at_ = token_.end) {
      token_ = {LuaToken::Kind::other, at_, at_ + 1, false};
      read();
      tokens_.push_back(token_);
    }
    return std::move(tokens_);
  }

 private:
  void read() {
    const char c = text_[at_];
    if (text_.substr(at_).starts_with("--")) return comment();
    if (c == '"' || c == '\'') return quoted(c);
    if (c == '[' && long_bracket(at_)) {
      token_.kind = LuaToken::Kind::string;
    } else if (is_letter(c)) {
      word();
    } else if (is_digit(c) || (c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))) {
      token_.kind = LuaToken::Kind::number;
      take_while([](char each) { return is_letter(each) || is_digit(each) || each == '.'; });
    }
  }

  template <class Predicate>
  void take_while(Predicate belongs) {
    while (token_.end < text_.size() && belongs(text_[token_.end])) ++token_.end;
  }

  void word() {
    take_while([](char each) { return is_letter(each) || is_digit(each); });
    bool reserved = std::ranges::find(keywords, text_.substr(at_, token_.end - at_)) != keywords.end();
    token_.kind = reserved ? LuaToken::Kind::keyword : LuaToken::Kind::name;
  }

  void comment() {
    token_.kind = LuaToken::Kind::comment;
    token_.end = at_ + 2;
    if (!long_bracket(token_.end)) token_.end = std::min(text_.find('\n', at_), text_.size());
  }

  void quoted(char quote) {
    token_.kind = LuaToken::Kind::string;
    for (; token_.end < text_.size() && text_[token_.end] != '\n'; ++token_.end) {
      if (text_[token_.end] == quote) {
        ++token_.end;
        return;
      }
      if (text_[token_.end] == '\\' && token_.end + 1 < text_.size()) ++token_.end;
    }
  }

  /// Takes "[==[ ... ]==]" from `begin` on; false, and nothing is taken, when there is none.
  bool long_bracket(std::size_t begin) {
    if (begin >= text_.size() || text_[begin] != '[') return false;
    std::size_t second = text_.find_first_not_of('=', begin + 1);
    if (second == std::string_view::npos || text_[second] != '[') return false;
    std::string close = "]" + std::string(second - begin - 1, '=') + "]";
    std::size_t end = text_.find(close, second + 1);
    token_.unfinished = end == std::string_view::npos;
    token_.end = token_.unfinished ? text_.size() : end + close.size();
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  LuaToken token_;
  std::vector<LuaToken> tokens_;
};

bool opens(std::string_view word) {
  return word == "do" || word == "function" || word == "then" || word == "repeat" || word == "(" || word == "{" ||
         word == "[";
}

bool closes(std::string_view word) {
  return word == "end" || word == "until" || word == "elseif" || word == "else" || word == ")" || word == "}" ||
         word == "]";
}

}  // namespace

std::vector<LuaToken> lua_tokens(std::string_view text) {
  return Lexer{text}.all();
}

std::string open_in_lua(std::string_view text) {
  std::vector<std::string_view> open;
  for (const LuaToken& token : lua_tokens(text)) {
    std::string_view word = text.substr(token.begin, token.end - token.begin);
    if (token.unfinished) return std::string{word.substr(0, word.find('[', word.find('[') + 1) + 1)};
    if (token.kind != LuaToken::Kind::keyword && token.kind != LuaToken::Kind::other) continue;
    if (closes(word) && !open.empty()) open.pop_back();
    if (opens(word) || word == "else") open.push_back(word);
  }
  return open.empty() ? "" : std::string{open.back()};
}

}  // namespace opsh::text
