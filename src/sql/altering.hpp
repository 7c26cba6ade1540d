#pragma once

#include <pg_query/pg_query.pb-c.h>

#include "sql/definition.hpp"

namespace opsh::sql {

/// What statements do to objects that are there. Each throws a DefinitionRefusal.
Definition altered_by(const PgQuery__AlterTableStmt& statement);
Definition altered_by(const PgQuery__DropStmt& statement);
Definition altered_by(const PgQuery__CommentStmt& statement);
Definition altered_by(const PgQuery__RenameStmt& statement);
Definition altered_by(const PgQuery__AlterObjectSchemaStmt& statement);
Definition altered_by(const PgQuery__TruncateStmt& statement);
Definition altered_by(const PgQuery__ReindexStmt& statement);

}  // namespace opsh::sql
