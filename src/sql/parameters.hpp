#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sql/rendered.hpp"

namespace opsh::sql {

/// `:name` or `$n` in an author's statement.
struct Placeholder {
  std::string name;        ///< as written, without the colon; empty for `$n`
  int number = 0;          ///< n of `$n`, from 1; 0 for a name
  std::size_t offset = 0;  ///< bytes, of the colon or the dollar sign
  std::size_t length = 0;  ///< bytes, with the colon or the dollar sign
  bool has_alias = false;  ///< AS or a name follows (`from :items as i`, `from :items i`)
};

/// An author's statement, its placeholders found.
class Template {
 public:
  const std::vector<Placeholder>& placeholders() const { return placeholders_; }
  const std::string& author_sql() const { return *author_; }

  /// The statement with each placeholder replaced, in order. `;`, comments and white space at its end are taken off.
  /// Replacements are the host's text; a space keeps each apart from what stands before it. Errors: "sql.nul" for one
  /// with a NUL byte.
  Rendered render(std::span<const std::string> replacements) const;

 private:
  friend Template parse_template(std::string_view author_sql);

  std::shared_ptr<const std::string> author_;
  std::vector<Placeholder> placeholders_;
  std::size_t end_ = 0;  // of the last token that is neither `;` nor comment
};

/// Finds the placeholders with PostgreSQL's own scanner: a colon directly before a name or keyword, and `$n`; never in
/// strings, comments, dollar quotes and quoted identifiers, never `::` and `:=`. The slice `a[1:n]` holds a placeholder
/// `:n`; a slice up to the column n is written `a[1: n]`. Errors: "sql.too_long", "sql.nul", "sql.syntax".
Template parse_template(std::string_view author_sql);

}  // namespace opsh::sql
