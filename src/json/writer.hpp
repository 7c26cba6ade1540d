#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace opsh::json {

enum class Layout {
  compact,   ///< no white space at all
  indented,  ///< a line per member and element, two spaces a level; empty objects and arrays stay on one line
};

/// Appends one JSON document to a string, which the caller owns and must keep alive. Calls nest as the document does:
/// in an object each value follows its key(), every begin has its end.
class Writer {
 public:
  explicit Writer(std::string& out, Layout layout = Layout::compact) : out_(out), layout_(layout) {}

  void null();
  void boolean(bool value);
  void integer(long long value);
  /// The shortest text that reads back as the same double. Throws Error "json.number" for NaN and infinities.
  void number(double value);
  /// A number's own text, written as it is ("12.50", "1e400"). Throws Error "json.number" when JSON has no such number.
  void number_text(std::string_view text);
  /// Each byte that is not part of valid UTF-8 becomes U+FFFD: JSON has no way to keep it.
  void string(std::string_view text);

  /// These throw Error "json.depth" beyond depth_limit, so what is written can be read again.
  void begin_object() { begin('{', '}'); }
  void begin_array() { begin('[', ']'); }
  void key(std::string_view name);
  void end_object() { end(); }
  void end_array() { end(); }

 private:
  struct Level {
    char closing = 0;
    bool empty = true;
  };

  void begin(char opening, char closing);
  void end();
  void before_value();
  void separate();
  void break_line();
  void quote(std::string_view text);

  std::string& out_;
  Layout layout_;
  std::vector<Level> levels_;
};

}  // namespace opsh::json
