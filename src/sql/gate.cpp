#include "sql/gate.hpp"

#include <pg_query.h>

#include <utility>

#include "base/error.hpp"
#include "sql/refusal.hpp"
#include "sql/syntax.hpp"

namespace opsh::sql {
namespace {

Syntax parsed(const Rendered& rendered) {
  Syntax syntax = examine(rendered.text());
  if (!syntax.fault) return syntax;
  Error error{"sql.syntax", std::move(syntax.fault->message),
              "opsh reads SQL with the grammar of PostgreSQL " PG_MAJORVERSION
              "; what is newer has to be written the older way"};
  error.excerpt = rendered.excerpt_at(syntax.fault->position);
  throw error;
}

/// What holds for both gates.
Syntax one_statement(const Rendered& rendered, Session session) {
  Syntax syntax = parsed(rendered);
  if (syntax.statements != 1) throw refuse_count(rendered, syntax.statements, syntax.second);
  const bool explain = session == Session::read && syntax.top == "ExplainStmt";
  if (!syntax.operation && !explain) throw refuse_statement(rendered, session, syntax.top, false, std::nullopt);
  if (syntax.nested) throw refuse_statement(rendered, session, syntax.nested->node, true, syntax.nested->location);
  if (syntax.into) throw refuse_into(rendered, syntax.into->location);
  return syntax;
}

void check_read(const Rendered& rendered) {
  const Syntax syntax = one_statement(rendered, Session::read);
  const std::string& read = syntax.top == "ExplainStmt" ? syntax.explained : syntax.top;
  if (read != "SelectStmt") throw refuse_statement(rendered, Session::read, read, false, std::nullopt);
  if (syntax.locks) throw refuse_locks(rendered);
}

}  // namespace

ReadSql gate_read(const Rendered& rendered) {
  // First alone: text that only becomes a statement through what is around it (`a) union (b`) is not one.
  if (rendered.is_wrapped()) check_read(rendered.unwrapped());
  check_read(rendered);
  return ReadSql{rendered};
}

WriteSql gate_write(const Rendered& rendered) {
  if (rendered.is_wrapped()) one_statement(rendered.unwrapped(), Session::write);
  Syntax syntax = one_statement(rendered, Session::write);
  return WriteSql{rendered, std::move(*syntax.operation)};
}

bool locks_rows(const Rendered& rendered) {
  return parsed(rendered).locks_against_changes;
}

}  // namespace opsh::sql
