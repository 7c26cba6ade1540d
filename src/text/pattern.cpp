#include "text/pattern.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>

#include "base/error.hpp"

namespace opsh::text {
namespace {

// About a second of backtracking, and 64 MiB for it.
constexpr std::uint32_t steps = 10'000'000;
constexpr std::uint32_t heap_kibibytes = 64 * 1024;

std::string words(int code) {
  std::array<PCRE2_UCHAR, 256> buffer{};
  pcre2_get_error_message(code, buffer.data(), buffer.size());
  return reinterpret_cast<const char*>(buffer.data());
}

PCRE2_SPTR units(std::string_view text) {
  return reinterpret_cast<PCRE2_SPTR>(text.data());
}

template <auto release>
struct Freed {
  template <typename T>
  void operator()(T* object) const noexcept {
    release(object);
  }
};

}  // namespace

void Pattern::Free::operator()(pcre2_real_code_8* code) const noexcept {
  pcre2_code_free(code);
}

Pattern::Pattern(std::string_view pattern) {
  int error = 0;
  std::size_t at = 0;
  // \C would match half a character; callouts and (*VERB)s that set limits are of no use here.
  constexpr std::uint32_t options = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX;
  code_.reset(pcre2_compile(units(pattern), pattern.size(), options, &error, &at, nullptr));
  if (!code_)
    throw Error{"text.pattern", "not a pattern: " + words(error) + ", at character " + std::to_string(at + 1)};
}

std::optional<Pattern::Span> Pattern::find(std::string_view text, std::size_t from) const {
  std::unique_ptr<pcre2_match_context, Freed<pcre2_match_context_free>> limits{pcre2_match_context_create(nullptr)};
  std::unique_ptr<pcre2_match_data, Freed<pcre2_match_data_free>> match{pcre2_match_data_create(1, nullptr)};
  if (!limits || !match) throw std::bad_alloc{};
  pcre2_set_match_limit(limits.get(), steps);
  pcre2_set_heap_limit(limits.get(), heap_kibibytes);
  int found = pcre2_match(code_.get(), units(text), text.size(), from, 0, match.get(), limits.get());
  if (found == PCRE2_ERROR_NOMATCH) return std::nullopt;
  // 0: it matches, and has more groups than there is room for.
  if (found < 0)
    throw Error{"text.pattern", "a text cannot be held against the pattern: " + words(found),
                "write the pattern so that it has fewer ways to match, or shorten the text"};
  const PCRE2_SIZE* span = pcre2_get_ovector_pointer(match.get());
  return Span{span[0], span[1]};
}

}  // namespace opsh::text
