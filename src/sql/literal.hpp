#pragma once

#include <string>
#include <string_view>

namespace opsh::sql {

/// A text or a number inside a statement, for the few that take no parameters (ALTER DATABASE ... SET, COMMENT);
/// everywhere else values travel as parameters.
class Literal {
 public:
  /// Errors: "sql.nul" for a NUL byte.
  explicit Literal(std::string_view value);
  explicit Literal(int value) : text_(std::to_string(value)) {}

  /// A text is in quotes, and is read the same whatever standard_conforming_strings says.
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace opsh::sql
