#include "sql/gate.hpp"

#include <pg_query.h>

#include <utility>
#include <variant>

#include "base/error.hpp"
#include "sql/refusal.hpp"
#include "sql/syntax.hpp"

namespace opsh::sql {
namespace {

std::shared_ptr<const Syntax> parsed(const Rendered& rendered) {
  auto syntax = examine(rendered.text());
  if (!syntax->fault) return syntax;
  Error error{"sql.syntax", syntax->fault->message,
              "opsh reads SQL with the grammar of PostgreSQL " PG_MAJORVERSION
              "; what is newer has to be written the older way"};
  error.excerpt = rendered.excerpt_at(syntax->fault->position);
  throw error;
}

/// What holds for both gates.
std::shared_ptr<const Syntax> one_statement(const Rendered& rendered, Session session) {
  auto found = parsed(rendered);
  const Syntax& syntax = *found;
  if (syntax.statements != 1) throw refuse_count(rendered, syntax.statements, syntax.second);
  const bool explain = session == Session::read && syntax.top == "ExplainStmt";
  if (!syntax.operation && !explain) throw refuse_statement(rendered, session, syntax.top, false, std::nullopt);
  if (syntax.nested) throw refuse_statement(rendered, session, syntax.nested->node, true, syntax.nested->location);
  if (syntax.into) throw refuse_into(rendered, syntax.into->location);
  if (syntax.unknown) throw refuse_node(rendered, syntax.unknown->node, syntax.unknown->location);
  return found;
}

std::shared_ptr<const Syntax> check_read(const Rendered& rendered) {
  auto syntax = one_statement(rendered, Session::read);
  const std::string& read = syntax->top == "ExplainStmt" ? syntax->explained : syntax->top;
  if (read != "SelectStmt") throw refuse_statement(rendered, Session::read, read, false, std::nullopt);
  if (syntax->locks) throw refuse_locks(rendered);
  return syntax;
}

}  // namespace

ReadSql gate_read(const Rendered& rendered) {
  // First alone: text that only becomes a statement through what is around it (`a) union (b`) is not one.
  if (rendered.is_wrapped()) check_read(rendered.unwrapped());
  return ReadSql{rendered, check_read(rendered)->references};
}

WriteSql gate_write(const Rendered& rendered) {
  if (rendered.is_wrapped()) one_statement(rendered.unwrapped(), Session::write);
  const auto syntax = one_statement(rendered, Session::write);
  return WriteSql{rendered, *syntax->operation, syntax->references};
}

DefineSql gate_define(const Rendered& rendered) {
  const auto found = parsed(rendered);
  const Syntax& syntax = *found;
  if (syntax.statements != 1) throw refuse_count(rendered, syntax.statements, syntax.second);
  if (!syntax.definition) throw refuse_statement(rendered, Session::define, syntax.top, false, std::nullopt);
  if (const auto* refusal = std::get_if<DefinitionRefusal>(&*syntax.definition))
    throw refuse_reference(rendered, refusal->message, refusal->hint, std::nullopt);
  // A function's settings (SET search_path = ...) are statements to the grammar; its body is a text.
  if (syntax.nested && !(syntax.top == "CreateFunctionStmt" && syntax.nested->node == "VariableSetStmt"))
    throw refuse_statement(rendered, Session::define, syntax.nested->node, true, syntax.nested->location);
  if (syntax.unknown_in_definition)
    throw refuse_node(rendered, syntax.unknown_in_definition->node, syntax.unknown_in_definition->location);
  return DefineSql{rendered, std::get<Definition>(*syntax.definition), syntax.references};
}

bool locks_rows(const Rendered& rendered) {
  return parsed(rendered)->locks_against_changes;
}

}  // namespace opsh::sql
