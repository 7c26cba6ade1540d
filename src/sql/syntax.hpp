#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "sql/definition.hpp"
#include "sql/references.hpp"
#include "sql/statement.hpp"

namespace opsh::sql {

/// What the gate needs to know of a parse tree. Locations are bytes of the text.
struct Syntax {
  struct Fault {
    std::string message;
    int position = 0;  ///< characters, from 1
  };
  struct Found {
    std::string node;  ///< the tree's name for it, "UpdateStmt"
    std::optional<std::size_t> location;
  };

  std::optional<Fault> fault;  ///< it cannot be parsed; nothing else is filled in
  std::size_t statements = 0;
  std::size_t second = 0;              ///< where the second statement begins
  std::string top;                     ///< the first statement's node
  std::string explained;               ///< the node that an EXPLAIN is about
  std::optional<Operation> operation;  ///< for SELECT, INSERT, UPDATE and DELETE at the top
  std::optional<Defined> definition;   ///< for what a schema step may send, or why not
  std::optional<Found> nested;         ///< the first statement inside it, EXPLAIN's own aside, that is no SELECT
  std::optional<Found> unknown;        ///< the first node of a kind that no statement of an author's may hold
  std::optional<Found> unknown_in_definition;    ///< the first that may not stand in a definition either
  std::optional<Found> into;                     ///< the first INTO
  bool locks = false;                            ///< a FOR UPDATE/NO KEY UPDATE/SHARE/KEY SHARE clause anywhere
  bool locks_against_changes = false;            ///< one that keeps others from changing the row: not KEY SHARE
  std::shared_ptr<const References> references;  ///< of the first statement
};

/// Parses `text` on the parser thread and looks through the whole tree; what it found lately it still knows. `text` is
/// a Rendered's.
std::shared_ptr<const Syntax> examine(const std::string& text);

}  // namespace opsh::sql
