#pragma once

#include <cstddef>
#include <string_view>

namespace opsh::json {

/// How deep arrays and objects may nest, in what is parsed and in what a Writer makes.
inline constexpr std::size_t depth_limit = 512;

/// Receives a document in its order. Views live only for the call. What a method throws leaves parse() as it was
/// thrown; a longjmp out of a method (a Lua error) is not allowed.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual void null() = 0;
  virtual void boolean(bool value) = 0;
  /// The number's text as the document has it, of any length and size.
  virtual void number(std::string_view text) = 0;
  /// Valid UTF-8, which may have NUL characters.
  virtual void string(std::string_view text) = 0;
  virtual void begin_object() = 0;
  /// Comes before each member's value. Keys that a document repeats are all reported.
  virtual void key(std::string_view name) = 0;
  virtual void end_object() = 0;
  virtual void begin_array() = 0;
  virtual void end_array() = 0;
};

/// Reads `text`, which must be one JSON document (RFC 8259) in UTF-8 without a byte order mark and nothing after it.
/// Throws Error "json.syntax" with line and column, also for invalid UTF-8 and for an escaped half of a surrogate pair,
/// and "json.depth" beyond depth_limit. The handler has seen what came before the error.
void parse(std::string_view text, Handler& handler);

}  // namespace opsh::json
