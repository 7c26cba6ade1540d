#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

struct pcre2_real_code_8;

namespace opsh::text {

/// A regular expression of PCRE2, over UTF-8, in which `\d`, `\w` and `\s` are ASCII. Its work is bounded: a pattern
/// that tries too much on a text is an error, not a pause.
class Pattern {
 public:
  /// Errors: "text.pattern", with the place in the pattern.
  explicit Pattern(std::string_view pattern);

  struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  /// Where it matches first, from the byte `from` on; nothing when it does not. Errors: "text.pattern" when that would
  /// take too much, and for a text that is not UTF-8.
  std::optional<Span> find(std::string_view text, std::size_t from = 0) const;

  bool matches(std::string_view text) const { return find(text).has_value(); }

 private:
  struct Free {
    void operator()(pcre2_real_code_8* code) const noexcept;
  };
  std::unique_ptr<pcre2_real_code_8, Free> code_;
};

}  // namespace opsh::text
