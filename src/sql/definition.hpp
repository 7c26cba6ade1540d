#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sql/identifier.hpp"

namespace opsh::sql {

/// The name of an object as the catalog has it. No Identifier yet: to quote one takes the parser's thread, on which a
/// statement is judged.
struct ObjectName {
  std::string schema;  ///< empty when the search path decides
  std::string name;

  QualifiedName qualified() const { return {schema, name}; }
};

/// What a statement that defines or changes objects (DDL) does, as far as its text says.
struct Definition {
  /// What it drops or rewrites, with all that is in it: rows, or the values of a column.
  struct Loss {
    ObjectName table;
    std::string column;      ///< empty: the table's rows
    bool rewritten = false;  ///< the column stays, under another type
  };

  std::string verb;                   ///< "create index"
  std::vector<ObjectName> relations;  ///< that it changes or makes; a table's index, trigger or constraint: the table
  std::vector<Loss> losses;
  std::vector<ObjectName> operator_classes;  ///< that an index or a partition key names: code that runs for every row
  bool alone = false;                        ///< the server takes it outside a transaction only (CONCURRENTLY)
  std::optional<ObjectName> builds;          ///< the index that CREATE INDEX CONCURRENTLY leaves invalid when it fails
};

/// Why such a statement may not be sent.
struct DefinitionRefusal {
  std::string message;
  std::string hint;
};

using Defined = std::variant<Definition, DefinitionRefusal>;

}  // namespace opsh::sql
