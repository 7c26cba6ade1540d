#include "sql/defining.hpp"

#include <fmt/format.h>

#include <array>
#include <string>
#include <unordered_set>

#include "sql/altering.hpp"
#include "sql/object_names.hpp"
#include "sql/tree.hpp"

namespace opsh::sql {
namespace {

const std::unordered_set<std::string_view> known_nodes = {
    "AlterTableCmd",       "Constraint",      "PartitionSpec",     "PartitionElem",  "PartitionBoundSpec",
    "PartitionRangeDatum", "PartitionCmd",    "FunctionParameter", "ObjectWithArgs", "RoleSpec",
    "AccessPriv",          "TableLikeClause", "TriggerTransition"};

void require_plain(const PgQuery__Constraint& constraint) {
  require_no_tablespace(constraint.indexspace);
  // Its operators are names that nobody judges, and are run for every row.
  if (constraint.contype == PG_QUERY__CONSTR_TYPE__CONSTR_EXCLUSION)
    refuse("exclusion constraints are not made by a schema step", beside);
}

template <class Element>
void take_operator_class(Definition& made, const ProtobufCMessage& message) {
  const auto& element = reinterpret_cast<const Element&>(message);
  if (element.n_opclass > 0)
    made.operator_classes.push_back({"", std::string{word(element.opclass[element.n_opclass - 1])}});
}

/// What holds wherever it stands: opsh's own schema, constraints, operator classes.
void look_through(const ProtobufCMessage& message, Definition& made) {
  if (message.descriptor == &pg_query__a__const__descriptor) return;
  if (message.descriptor == &pg_query__constraint__descriptor)
    require_plain(reinterpret_cast<const PgQuery__Constraint&>(message));
  if (message.descriptor == &pg_query__index_elem__descriptor) take_operator_class<PgQuery__IndexElem>(made, message);
  if (message.descriptor == &pg_query__partition_elem__descriptor)
    take_operator_class<PgQuery__PartitionElem>(made, message);
  for (unsigned at = 0; at < message.descriptor->n_fields; ++at) {
    const auto& field = message.descriptor->fields[at];
    if (field.type != PROTOBUF_C_TYPE_STRING || field.label == PROTOBUF_C_LABEL_REPEATED) continue;
    const auto* text = tree::member_at<const char*>(message, field.offset);
    if (text != nullptr && std::string_view{text} == "opsh")
      refuse("the name opsh stands for opsh's own schema, which no runbook may touch", "choose another name");
  }
  tree::visit_children(message, [&](const ProtobufCMessage& child) { look_through(child, made); });
}

Definition create_table(const PgQuery__CreateStmt& statement) {
  require_no_tablespace(statement.tablespacename);
  Definition made{"create table", {named(statement.relation)}, {}, {}, false, {}};
  for (std::size_t at = 0; at < statement.n_inh_relations; ++at)
    made.relations.push_back(named(statement.inh_relations[at]));
  return made;
}

Definition create_as(const PgQuery__CreateTableAsStmt& statement) {
  if (statement.into == nullptr || statement.is_select_into) refuse("SELECT INTO makes a table", "use CREATE TABLE AS");
  require_no_tablespace(statement.into->table_space_name);
  if (statement.query == nullptr || statement.query->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
    refuse("CREATE TABLE AS takes a query", "write the SELECT itself");
  const bool view = statement.objtype == PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW;
  return {view ? "create materialized view" : "create table as", {named(statement.into->rel)}, {}, {}, false, {}};
}

Definition create_index(const PgQuery__IndexStmt& statement) {
  require_no_tablespace(statement.table_space);
  Definition made{"create index", {named(statement.relation)}, {}, {}, statement.concurrent != 0, {}};
  if (!made.alone) return made;
  if (std::string_view{statement.idxname}.empty())
    refuse("an index that is built concurrently needs a name", "opsh looks for it when a build was cut off");
  made.builds = named(statement.relation->schemaname, statement.idxname);
  return made;
}

bool says_true(const PgQuery__Node* node) {
  return node == nullptr || node->node_case != PG_QUERY__NODE__NODE_BOOLEAN || node->boolean->boolval;
}

Definition create_function(const PgQuery__CreateFunctionStmt& statement) {
  static constexpr std::array<std::string_view, 10> allowed{"as",   "volatility", "strict",   "parallel", "cost",
                                                            "rows", "set",        "language", "security", "leakproof"};
  if (statement.is_procedure)
    refuse("a procedure may commit, and is not made by a schema step", "make a function, or do it beside opsh");
  if (statement.sql_body != nullptr)
    refuse("a function's body must be a text", "write it between $$ and $$ instead of BEGIN ATOMIC or RETURN");
  named(statement.funcname, statement.n_funcname);
  for (std::size_t at = 0; at < statement.n_options; ++at) {
    const auto& option = *statement.options[at]->def_elem;
    const std::string_view name = option.defname;
    if (!is_one_of(name, allowed)) refuse(fmt::format("a function with {} is not made by a schema step", name), beside);
    if (name == "security" && says_true(option.arg))
      refuse("a SECURITY DEFINER function gives its owner's rights to whoever calls it", beside);
    if (name == "leakproof" && says_true(option.arg))
      refuse("only the server's administrator vouches for LEAKPROOF", beside);
    if (name == "language" && word(option.arg) != "sql" && word(option.arg) != "plpgsql")
      refuse(fmt::format("functions in {} are not made by a schema step", word(option.arg)),
             "sql and plpgsql are: they have no more rights than who calls them");
  }
  return {"create function", {}, {}, {}, false, {}};
}

Definition grant(const PgQuery__GrantStmt& statement) {
  require_no_cascade(statement.behavior);
  if (statement.targtype != PG_QUERY__GRANT_TARGET_TYPE__ACL_TARGET_OBJECT)
    refuse("privileges are given on objects that are named", "name each object");
  if (statement.is_grant && statement.grant_option)
    refuse("GRANT OPTION hands the decision on", "leave WITH GRANT OPTION out");
  Definition made{statement.is_grant ? "grant" : "revoke", {}, {}, {}, false, {}};
  for (std::size_t at = 0; at < statement.n_objects; ++at) switch (statement.objtype) {
      case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
      case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE:
        made.relations.push_back(named(statement.objects[at]));
        break;
      case PG_QUERY__OBJECT_TYPE__OBJECT_FUNCTION:
      case PG_QUERY__OBJECT_TYPE__OBJECT_TYPE:
      case PG_QUERY__OBJECT_TYPE__OBJECT_DOMAIN:
      case PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA:
        if (statement.objects[at]->node_case == PG_QUERY__NODE__NODE_STRING)
          require_schema(word(statement.objects[at]));
        else
          named(statement.objects[at]);
        break;
      default:
        refuse("privileges on objects of this kind are not given by a schema step", beside);
    }
  return made;
}

Definition create_schema(const PgQuery__CreateSchemaStmt& statement) {
  require_schema(statement.schemaname);
  if (statement.authrole != nullptr || statement.n_schema_elts > 0)
    refuse("CREATE SCHEMA takes a name and nothing else here",
           "make what belongs into it with statements of their own");
  return {"create schema", {}, {}, {}, false, {}};
}

Definition relation(std::string verb, const PgQuery__RangeVar* range) {
  return {std::move(verb), {named(range)}, {}, {}, false, {}};
}

template <class Statement>
Definition of_type(std::string verb, const Statement& statement) {
  named(statement.type_name, statement.n_type_name);
  return {std::move(verb), {}, {}, {}, false, {}};
}

std::optional<Definition> definition_of(const PgQuery__Node& node) {
  switch (node.node_case) {
    case PG_QUERY__NODE__NODE_CREATE_STMT:
      return create_table(*node.create_stmt);
    case PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT:
      return create_as(*node.create_table_as_stmt);
    case PG_QUERY__NODE__NODE_VIEW_STMT:
      return relation("create view", node.view_stmt->view);
    case PG_QUERY__NODE__NODE_INDEX_STMT:
      return create_index(*node.index_stmt);
    case PG_QUERY__NODE__NODE_ALTER_TABLE_STMT:
      return altered_by(*node.alter_table_stmt);
    case PG_QUERY__NODE__NODE_DROP_STMT:
      return altered_by(*node.drop_stmt);
    case PG_QUERY__NODE__NODE_COMMENT_STMT:
      return altered_by(*node.comment_stmt);
    case PG_QUERY__NODE__NODE_RENAME_STMT:
      return altered_by(*node.rename_stmt);
    case PG_QUERY__NODE__NODE_ALTER_OBJECT_SCHEMA_STMT:
      return altered_by(*node.alter_object_schema_stmt);
    case PG_QUERY__NODE__NODE_CREATE_SEQ_STMT:
      return relation("create sequence", node.create_seq_stmt->sequence);
    case PG_QUERY__NODE__NODE_ALTER_SEQ_STMT:
      return relation("alter sequence", node.alter_seq_stmt->sequence);
    case PG_QUERY__NODE__NODE_CREATE_ENUM_STMT:
      return of_type("create type", *node.create_enum_stmt);
    case PG_QUERY__NODE__NODE_ALTER_ENUM_STMT:
      return of_type("alter type", *node.alter_enum_stmt);
    case PG_QUERY__NODE__NODE_COMPOSITE_TYPE_STMT:
      return relation("create type", node.composite_type_stmt->typevar);
    case PG_QUERY__NODE__NODE_CREATE_DOMAIN_STMT:
      named(node.create_domain_stmt->domainname, node.create_domain_stmt->n_domainname);
      return Definition{"create domain", {}, {}, {}, false, {}};
    case PG_QUERY__NODE__NODE_ALTER_DOMAIN_STMT:
      require_no_cascade(node.alter_domain_stmt->behavior);
      return of_type("alter domain", *node.alter_domain_stmt);
    case PG_QUERY__NODE__NODE_CREATE_FUNCTION_STMT:
      return create_function(*node.create_function_stmt);
    case PG_QUERY__NODE__NODE_CREATE_TRIG_STMT:
      return relation("create trigger", node.create_trig_stmt->relation);
    case PG_QUERY__NODE__NODE_GRANT_STMT:
      return grant(*node.grant_stmt);
    case PG_QUERY__NODE__NODE_REFRESH_MAT_VIEW_STMT:
      return relation("refresh materialized view", node.refresh_mat_view_stmt->relation);
    case PG_QUERY__NODE__NODE_REINDEX_STMT:
      return altered_by(*node.reindex_stmt);
    case PG_QUERY__NODE__NODE_TRUNCATE_STMT:
      return altered_by(*node.truncate_stmt);
    case PG_QUERY__NODE__NODE_CREATE_SCHEMA_STMT:
      return create_schema(*node.create_schema_stmt);
    default:
      return std::nullopt;
  }
}

}  // namespace

bool is_known_in_definition(std::string_view kind) {
  return known_nodes.contains(kind);
}

std::optional<Defined> defined_by(const PgQuery__Node& statement) {
  try {
    auto definition = definition_of(statement);
    if (!definition) return std::nullopt;
    look_through(statement.base, *definition);
    return Defined{std::move(*definition)};
  } catch (DefinitionRefusal& refusal) {
    return Defined{std::move(refusal)};
  }
}

}  // namespace opsh::sql
