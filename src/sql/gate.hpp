#pragma once

#include "sql/rendered.hpp"
#include "sql/statement.hpp"

namespace opsh::sql {

/// The first half of the gate through which every statement of an author passes on its way to a session. It judges
/// PostgreSQL's own parse tree (the grammar of libpg_query), by allow-list of statements and of kinds of nodes. What
/// functions, views, operators and types do only a server knows: the statement carries their names (References), and
/// the session judges them before it sends anything (db/catalog_gate.hpp). A wrapped statement must also pass without
/// what is around it.
///
/// Errors: "sql.refused" (message: the rule; hint: what to do instead) and "sql.syntax" for what cannot be parsed, both
/// with the excerpt of the author's text.

/// One SELECT, VALUES, TABLE, or EXPLAIN of these; nowhere in it INTO, row locks or a statement that writes.
ReadSql gate_read(const Rendered& rendered);

/// One SELECT, VALUES or TABLE without INTO (row locks are allowed), INSERT, UPDATE or DELETE; no statement that writes
/// inside it.
WriteSql gate_write(const Rendered& rendered);

/// One statement that defines or changes objects (DDL), of those that a schema step may send; no parameters. What it
/// drops, and whether it runs outside a transaction only, is in its Definition: the session decides about that.
DefineSql gate_define(const Rendered& rendered);

/// Whether a row lock that keeps others from changing the row (FOR UPDATE, NO KEY UPDATE or SHARE) is taken anywhere in
/// it. Error: "sql.syntax".
bool locks_rows(const Rendered& rendered);

}  // namespace opsh::sql
