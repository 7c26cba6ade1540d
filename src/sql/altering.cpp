#include "sql/altering.hpp"

#include "sql/object_names.hpp"

namespace opsh::sql {
namespace {

void alter_column(Definition& made, const ObjectName& table, const PgQuery__AlterTableCmd& command) {
  using enum_ = PgQuery__AlterTableType;
  static constexpr std::array<enum_, 22> allowed{
      PG_QUERY__ALTER_TABLE_TYPE__AT_AddColumn,       PG_QUERY__ALTER_TABLE_TYPE__AT_ColumnDefault,
      PG_QUERY__ALTER_TABLE_TYPE__AT_DropNotNull,     PG_QUERY__ALTER_TABLE_TYPE__AT_SetNotNull,
      PG_QUERY__ALTER_TABLE_TYPE__AT_DropExpression,  PG_QUERY__ALTER_TABLE_TYPE__AT_SetStatistics,
      PG_QUERY__ALTER_TABLE_TYPE__AT_SetOptions,      PG_QUERY__ALTER_TABLE_TYPE__AT_ResetOptions,
      PG_QUERY__ALTER_TABLE_TYPE__AT_SetStorage,      PG_QUERY__ALTER_TABLE_TYPE__AT_SetCompression,
      PG_QUERY__ALTER_TABLE_TYPE__AT_DropColumn,      PG_QUERY__ALTER_TABLE_TYPE__AT_AddConstraint,
      PG_QUERY__ALTER_TABLE_TYPE__AT_AlterConstraint, PG_QUERY__ALTER_TABLE_TYPE__AT_ValidateConstraint,
      PG_QUERY__ALTER_TABLE_TYPE__AT_DropConstraint,  PG_QUERY__ALTER_TABLE_TYPE__AT_AlterColumnType,
      PG_QUERY__ALTER_TABLE_TYPE__AT_SetRelOptions,   PG_QUERY__ALTER_TABLE_TYPE__AT_ResetRelOptions,
      PG_QUERY__ALTER_TABLE_TYPE__AT_AddIdentity,     PG_QUERY__ALTER_TABLE_TYPE__AT_SetIdentity,
      PG_QUERY__ALTER_TABLE_TYPE__AT_DropIdentity,    PG_QUERY__ALTER_TABLE_TYPE__AT_EnableTrig};
  static constexpr std::array<enum_, 2> partitions{PG_QUERY__ALTER_TABLE_TYPE__AT_AttachPartition,
                                                   PG_QUERY__ALTER_TABLE_TYPE__AT_DetachPartition};
  require_no_cascade(command.behavior);
  if (is_one_of(command.subtype, partitions)) {
    if (command.def == nullptr || command.def->node_case != PG_QUERY__NODE__NODE_PARTITION_CMD)
      refuse("the partition cannot be made out", "write it the usual way");
    const auto& partition = *command.def->partition_cmd;
    made.relations.push_back(named(partition.name));
    made.alone |= partition.concurrent != 0;
    return;
  }
  if (!is_one_of(command.subtype, allowed))
    refuse("this form of ALTER is not among those that a schema step may send",
           "owners, tablespaces, row security, rules, inheritance, replication, UNLOGGED and disabled triggers are "
           "decided beside opsh");
  if (command.subtype == PG_QUERY__ALTER_TABLE_TYPE__AT_DropColumn) made.losses.push_back({table, command.name, false});
  if (command.subtype == PG_QUERY__ALTER_TABLE_TYPE__AT_AlterColumnType)
    made.losses.push_back({table, command.name, true});
}

}  // namespace

Definition altered_by(const PgQuery__AlterTableStmt& statement) {
  static constexpr std::array<PgQuery__ObjectType, 6> allowed{
      PG_QUERY__OBJECT_TYPE__OBJECT_TABLE,    PG_QUERY__OBJECT_TYPE__OBJECT_INDEX,
      PG_QUERY__OBJECT_TYPE__OBJECT_VIEW,     PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW,
      PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE, PG_QUERY__OBJECT_TYPE__OBJECT_TYPE};
  if (!is_one_of(statement.objtype, allowed)) refuse("objects of this kind are not altered by a schema step", beside);
  Definition made{"alter table", {named(statement.relation)}, {}, {}, false, {}};
  const ObjectName table = made.relations.front();
  for (std::size_t at = 0; at < statement.n_cmds; ++at) alter_column(made, table, *statement.cmds[at]->alter_table_cmd);
  return made;
}

Definition altered_by(const PgQuery__DropStmt& statement) {
  require_no_cascade(statement.behavior);
  Definition made{"drop", {}, {}, {}, statement.concurrent != 0, {}};
  for (std::size_t at = 0; at < statement.n_objects; ++at) {
    const PgQuery__Node* object = statement.objects[at];
    switch (statement.remove_type) {
      case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
        made.losses.push_back({named(object), "", false});
        [[fallthrough]];
      case PG_QUERY__OBJECT_TYPE__OBJECT_INDEX:
      case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW:
      case PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW:
      case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE:
        made.relations.push_back(named(object));
        break;
      case PG_QUERY__OBJECT_TYPE__OBJECT_TRIGGER:
        made.relations.push_back(named(object, 1));
        break;
      case PG_QUERY__OBJECT_TYPE__OBJECT_TYPE:
      case PG_QUERY__OBJECT_TYPE__OBJECT_DOMAIN:
      case PG_QUERY__OBJECT_TYPE__OBJECT_FUNCTION:
      case PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA:
        named(object);
        break;
      default:
        refuse("objects of this kind are not dropped by a schema step", beside);
    }
  }
  return made;
}

Definition altered_by(const PgQuery__CommentStmt& statement) {
  Definition made{"comment", {}, {}, {}, false, {}};
  switch (statement.objtype) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
    case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW:
    case PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW:
    case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE:
    case PG_QUERY__OBJECT_TYPE__OBJECT_INDEX:
      made.relations.push_back(named(statement.object));
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN:
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABCONSTRAINT:
    case PG_QUERY__OBJECT_TYPE__OBJECT_TRIGGER:
      made.relations.push_back(named(statement.object, 1));
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_TYPE:
    case PG_QUERY__OBJECT_TYPE__OBJECT_DOMAIN:
    case PG_QUERY__OBJECT_TYPE__OBJECT_FUNCTION:
    case PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA:
      named(statement.object);
      break;
    default:
      refuse("objects of this kind are not commented on by a schema step", beside);
  }
  return made;
}

Definition altered_by(const PgQuery__RenameStmt& statement) {
  require_no_cascade(statement.behavior);
  static constexpr std::array<PgQuery__ObjectType, 9> of_relations{
      PG_QUERY__OBJECT_TYPE__OBJECT_TABLE,    PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN,
      PG_QUERY__OBJECT_TYPE__OBJECT_VIEW,     PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW,
      PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE, PG_QUERY__OBJECT_TYPE__OBJECT_INDEX,
      PG_QUERY__OBJECT_TYPE__OBJECT_TRIGGER,  PG_QUERY__OBJECT_TYPE__OBJECT_TABCONSTRAINT,
      PG_QUERY__OBJECT_TYPE__OBJECT_ATTRIBUTE};
  static constexpr std::array<PgQuery__ObjectType, 3> others{
      PG_QUERY__OBJECT_TYPE__OBJECT_TYPE, PG_QUERY__OBJECT_TYPE__OBJECT_DOMAIN, PG_QUERY__OBJECT_TYPE__OBJECT_FUNCTION};
  Definition made{"rename", {}, {}, {}, false, {}};
  if (is_one_of(statement.rename_type, of_relations))
    made.relations.push_back(named(statement.relation));
  else if (is_one_of(statement.rename_type, others))
    named(statement.object);
  else
    refuse("objects of this kind are not renamed by a schema step", beside);
  return made;
}

Definition altered_by(const PgQuery__AlterObjectSchemaStmt& statement) {
  require_schema(statement.newschema);
  static constexpr std::array<PgQuery__ObjectType, 4> of_relations{
      PG_QUERY__OBJECT_TYPE__OBJECT_TABLE, PG_QUERY__OBJECT_TYPE__OBJECT_VIEW, PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW,
      PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE};
  static constexpr std::array<PgQuery__ObjectType, 3> others{
      PG_QUERY__OBJECT_TYPE__OBJECT_TYPE, PG_QUERY__OBJECT_TYPE__OBJECT_DOMAIN, PG_QUERY__OBJECT_TYPE__OBJECT_FUNCTION};
  Definition made{"set schema", {}, {}, {}, false, {}};
  if (is_one_of(statement.object_type, of_relations))
    made.relations.push_back(named(statement.relation));
  else if (is_one_of(statement.object_type, others))
    named(statement.object);
  else
    refuse("objects of this kind are not moved by a schema step", beside);
  return made;
}

Definition altered_by(const PgQuery__TruncateStmt& statement) {
  require_no_cascade(statement.behavior);
  Definition made{"truncate", {}, {}, {}, false, {}};
  for (std::size_t at = 0; at < statement.n_relations; ++at) {
    made.relations.push_back(named(statement.relations[at]));
    made.losses.push_back({made.relations.back(), "", false});
  }
  return made;
}

Definition altered_by(const PgQuery__ReindexStmt& statement) {
  if (statement.relation == nullptr) refuse("REINDEX of more than a table or an index", beside);
  Definition made{"reindex", {named(statement.relation)}, {}, {}, false, {}};
  for (std::size_t at = 0; at < statement.n_params; ++at) {
    const std::string_view name = statement.params[at]->def_elem->defname;
    if (name == "tablespace") require_no_tablespace(name);
    made.alone |= name == "concurrently";
  }
  return made;
}

}  // namespace opsh::sql
