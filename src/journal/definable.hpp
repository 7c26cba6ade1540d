#pragma once

#include <string>
#include <vector>

#include "db/writer.hpp"
#include "sql/definition.hpp"

namespace opsh::journal {

struct Watcher;

/// What a schema step may do.
struct Defines {
  std::vector<std::string> tables;  ///< that it declares, as SQL names; some are made by it
  bool loses_data = false;          ///< it says why it may drop what holds data
  bool proved = true;               ///< that it changes no rows
};

/// Refuses what the step does not declare, and what would lose data. In a transaction: a table that it drops, or of
/// which it drops a column, is locked and must be empty there. Errors: "write.undeclared", "refused.ledger",
/// "refused.loss".
void require_definable(db::Writer& writer, const sql::Definition& definition, const Defines& defines);

/// Refuses a transaction in which rows of a table changed that was there before: statements that define objects write
/// only tables that they make, so an event trigger did, or a function. Error: "proof.rows".
void require_no_rows(db::Writer& writer, Watcher& watcher);

/// How long a statement that defines objects waits for a lock, in milliseconds: what else wants the table queues behind
/// it, reading included.
inline constexpr int definition_lock_timeout = 2000;

}  // namespace opsh::journal
