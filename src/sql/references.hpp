#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace opsh::sql {

/// Something that a statement names and that only a server can judge: it may run code.
struct Reference {
  enum class Kind {
    function,   ///< called, or a type used as one (`name(x)`), or a method of TABLESAMPLE
    attribute,  ///< `row.name`: a column, or a function of the row
    operator_,  ///< written, or meant by the grammar: BETWEEN, IN, CASE x WHEN y, JOIN ... USING
    type,       ///< of a cast, a column definition, RETURNING
    relation,
  };

  Kind kind = Kind::function;
  std::string schema;                   ///< empty when the search path decides
  std::string name;                     ///< as the catalog has it
  std::optional<std::size_t> location;  ///< bytes of the statement's text
};

/// What one statement names, in the order of the parse tree; nothing twice.
using References = std::vector<Reference>;

}  // namespace opsh::sql
