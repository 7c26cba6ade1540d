#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "host/typed.hpp"

namespace opsh::host {

/// Text with a style of SGR ("1;31"), or none.
struct Styled {
  std::string text;
  std::string style;
};

/// What is to be seen of a prompt and the text behind it.
struct Picture {
  Styled prompt;
  std::vector<std::string> next;  ///< what stands before the second, third ... line of the text
  std::string_view text;
  std::vector<Colored> colors;
  std::size_t point = 0;  ///< the cursor, in bytes of the text
};

/// A prompt and a text of several lines on a terminal, wrapped by us and never by the terminal: the last column stays
/// free, so that no terminal's own idea of wrapping matters. Of what is higher than the screen the part round the
/// cursor is shown. Only what changed is written.
class Drawing {
 public:
  /// One character, as a person sees it, with its columns.
  struct Cell {
    std::string bytes;
    std::size_t columns = 0;
    std::string style;
    bool operator==(const Cell&) const = default;
  };
  using Row = std::vector<Cell>;

  /// What has to be sent to a terminal of this size to see the picture.
  std::string show(const Picture& picture, std::size_t columns, std::size_t lines);

  bool is_shown() const { return !rows_.empty(); }

  /// Sent to leave it as it stands: the cursor goes behind it, into a new line.
  std::string leave();
  /// Sent to take it away: the cursor stands where it began.
  std::string erase();
  /// The terminal got another width, and broke our rows anew; sent before the next show().
  std::string resized(std::size_t columns);
  /// The cursor went to the first column (readline's doing); its line is as it was.
  void returned() { column_ = 0; }

 private:
  void go(std::string& out, std::size_t row, std::size_t column);
  void write(std::string& out, const Row& row, std::size_t from);

  std::vector<Row> rows_;  ///< as they stand on the screen
  std::size_t row_ = 0;    ///< the cursor, of rows_
  std::size_t column_ = 0;
  std::size_t top_ = 0;  ///< the first row of the picture that is on the screen
};

}  // namespace opsh::host
