#include "sql/literal.hpp"

#include "base/error.hpp"

namespace opsh::sql {

Literal::Literal(std::string_view value) : text_("E'") {
  if (value.find('\0') != value.npos)
    throw Error{"sql.nul", "a text holds a NUL byte, which PostgreSQL's text cannot hold"};
  for (const char c : value) {
    if (c == '\'' || c == '\\') text_ += c;
    text_ += c;
  }
  text_ += '\'';
}

}  // namespace opsh::sql
