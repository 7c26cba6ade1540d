#pragma once

#include <string>
#include <string_view>

namespace opsh::sql {

/// A name in SQL. Names travel into statements as these and never as bare text.
class Identifier {
 public:
  /// Takes the name as the catalog has it. Errors: "sql.identifier" for an empty name or one with a NUL byte.
  explicit Identifier(std::string name);

  const std::string& name() const { return name_; }

  /// As it is written in a statement: in double quotes unless plain lower-case letters, digits and underscores that are
  /// no keyword.
  const std::string& text() const { return text_; }

  bool operator==(const Identifier& other) const { return name_ == other.name_; }

 private:
  std::string name_;
  std::string text_;
};

/// `name` or `schema.name`.
class QualifiedName {
 public:
  explicit QualifiedName(std::string name) : QualifiedName({}, std::move(name)) {}
  /// An empty schema leaves the name to the search path.
  QualifiedName(std::string schema, std::string name);

  const std::string& schema() const { return schema_; }
  const std::string& name() const { return name_; }
  const std::string& text() const { return text_; }

  bool operator==(const QualifiedName& other) const { return schema_ == other.schema_ && name_ == other.name_; }

 private:
  std::string schema_;
  std::string name_;
  std::string text_;
};

/// Reads a table as an author writes it: `people`, `app.people`, `"Odd Name".x`. Names without quotes are folded to
/// lower case, and keywords are taken as names. Errors: "sql.identifier".
QualifiedName parse_qualified_name(std::string_view text);

}  // namespace opsh::sql
