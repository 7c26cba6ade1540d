#pragma once

#include <string>
#include <vector>

#include "sql/rendered.hpp"
#include "sql/statement.hpp"

namespace opsh::sql {

/// What a statement that a person typed looks like from outside: enough to say it again for the rows of a batch.
struct Shape {
  struct Source {
    std::string schema;  ///< empty when not written
    std::string name;
    std::string alias;  ///< empty when there is none
  };
  /// A column that a condition holds to values that are written out: `id = 1`, `o.id in (1, 2)`, `id = any ($1)`.
  struct Pin {
    std::string qualifier;  ///< empty when not written
    std::string column;
  };

  Operation operation;
  std::vector<std::string> columns;  ///< of INSERT, as written
  bool plain = false;  ///< a SELECT whose rows are those of its FROM: no WITH, grouping, DISTINCT, set operation, LIMIT
  bool limited = false;                      ///< a SELECT with LIMIT or OFFSET
  std::vector<Source> sources;               ///< tables of the outermost FROM or USING; of INSERT, that of its SELECT
  std::vector<std::vector<Pin>> conditions;  ///< of the outermost WHERE, for each part that AND joins: empty for a part
                                             ///< that does anything else than pin columns
  std::vector<Source> relations;             ///< all that are named anywhere
};

/// Errors: those of gate_write, which the statement must pass.
Shape shape_of(const Rendered& rendered);

}  // namespace opsh::sql
