#pragma once

#include <string>
#include <string_view>

namespace opsh::text {

/// `text` as it may be sent to a terminal: what could act there as a command, or make text look like other text, is
/// written as an escape. Control characters become \n, \t, \r, \x1b or \u009b, invalid UTF-8 \xff, line separators and
/// the characters that override the direction of writing \u202e. Everything else stays, the backslash included: the
/// result is for eyes and cannot be read back. It has no line breaks.
std::string printable(std::string_view text);

}  // namespace opsh::text
