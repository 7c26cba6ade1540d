#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace opsh::text {

// Widths are display columns of a terminal, whatever the locale. A character is what a person sees as one: a letter
// with its accents, a flag, a family of emoji. Control characters have no width and an invalid byte has one column;
// data goes through printable() first, which leaves neither.

/// How many bytes the first character of `text` has, which is not empty.
std::size_t character(std::string_view text);

/// How many columns `text` takes.
std::size_t width(std::string_view text);

/// `text` with spaces before it up to `columns`; unchanged when it is as wide already.
std::string pad_left(std::string_view text, std::size_t columns);

/// `text` with spaces after it up to `columns`; unchanged when it is as wide already.
std::string pad_right(std::string_view text, std::size_t columns);

/// `text`, or when it is wider than `columns` as many of its first characters as leave room for `ellipsis`, and the
/// ellipsis. Never wider than `columns`: where the ellipsis alone is, it is left out.
std::string fit(std::string_view text, std::size_t columns, std::string_view ellipsis = "…");

}  // namespace opsh::text
