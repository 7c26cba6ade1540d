#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace opsh::sql {

/// One of the statements that a person typed, without its semicolon.
struct Typed {
  std::string text;
  std::string word;      ///< the first, in lower case: "explain"
  std::size_t line = 1;  ///< of the whole text, where it begins
};

/// What was typed so far.
struct Statements {
  std::vector<Typed> list;  ///< those without a token are left out
  bool ended = false;       ///< a semicolon is last, but for comments
};

/// Takes a text apart at the semicolons that PostgreSQL's scanner sees, outside parentheses. A text that ends within a
/// string, a quoted name or a comment is one statement that is not ended. Errors: those of check_size; text that cannot
/// be scanned for another reason is given back as it is, for the gate to say what is wrong with it.
Statements split(std::string_view text);

/// The same of a file, which may be longer than a statement may. Errors: also text that cannot be scanned.
Statements split_file(std::string_view text);

}  // namespace opsh::sql
