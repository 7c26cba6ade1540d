#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace opsh::text {

/// One step through UTF-8 text.
struct CodePoint {
  std::int32_t value;  ///< -1 for a byte that is not part of valid UTF-8
  std::size_t bytes;   ///< how far to step, at least 1
};

/// One byte, one column, and nothing that acts.
constexpr bool is_plain_ascii(char c) {
  return c >= 0x20 && c < 0x7f;
}

/// The code point at the start of `text`, which is not empty. An invalid byte is a step of its own.
CodePoint first_code_point(std::string_view text);

}  // namespace opsh::text
