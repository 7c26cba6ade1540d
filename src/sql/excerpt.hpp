#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace opsh::sql {

/// Where a byte of a text stands, for people.
struct Line {
  std::size_t number = 1;  ///< from 1
  std::size_t column = 1;  ///< from 1, in code points
  std::string_view text;   ///< the whole line without its end; views the text that was asked about
};

/// The line that holds the byte at `offset`; an offset past the end is the end.
Line line_of(std::string_view text, std::size_t offset);

/// That line and a caret line under it, no newline at the end:
///
///     line 3: select nme from people
///                    ^
///
/// Long lines are cut round the caret to about 100 columns. A tab or another control character is shown as one space,
/// and a column is a code point, so under double-width letters the caret stands a little to the left.
std::string excerpt(std::string_view text, std::size_t offset);

/// The byte at a position as PostgreSQL counts it: characters, from 1. Past the end it is the end.
std::size_t offset_of_position(std::string_view text, int position);

}  // namespace opsh::sql
