#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "sql/definition.hpp"
#include "sql/parameters.hpp"
#include "sql/statement.hpp"

namespace opsh::sql {

/// What a statement says of itself, for somebody who reviews it without a server. Offsets are bytes of the author's
/// text.
struct Outline {
  struct Name {
    std::string name;  ///< in lower case for a word of the grammar (current_date)
    std::size_t offset = 0;
  };
  struct Field {
    std::string relation;  ///< the alias, or the table
    std::string name;
    std::size_t offset = 0;
  };
  struct Relation {
    std::string alias;
    std::string placeholder;  ///< the name that stands there: "items"
  };

  std::optional<StatementKind> kind;  ///< nothing for a statement of another kind, and one that cannot be parsed
  ObjectName target;                  ///< of INSERT, UPDATE and DELETE
  std::size_t target_offset = 0;
  bool has_where = false;  ///< UPDATE and DELETE
  bool has_from = false;   ///< INSERT: from a query with FROM
  bool has_limit = false;  ///< of a SELECT at the top
  bool has_order = false;  ///< the same

  std::optional<std::vector<std::string>> columns;  ///< what a SELECT gives, where its text names all of them
  std::vector<Name> functions;                      ///< called, or words of the grammar that are
  std::vector<Field> fields;                        ///< `relation.name`
  std::vector<Relation> relations;                  ///< placeholders that stand as relations
  std::vector<std::size_t> null_comparisons;        ///< `= null`, which is never true
  std::optional<std::size_t> inserted;              ///< columns that INSERT lists
  std::optional<std::size_t> given;                 ///< values that it gives them, where its text says how many
  std::vector<std::size_t> assigning;               ///< of placeholders: those in the SET list of an UPDATE
};

/// Errors: those of the scanner; what cannot be parsed has an empty outline, and the gate says why.
Outline outline(const Template& statement);

}  // namespace opsh::sql
