#pragma once

#include <memory>

#include "bind/statement.hpp"
#include "bind/values.hpp"
#include "db/glance.hpp"
#include "db/reader.hpp"
#include "journal/batch.hpp"
#include "journal/ledger.hpp"
#include "journal/simulation.hpp"
#include "journal/tables.hpp"
#include "plan/survey.hpp"
#include "sql/gate.hpp"

namespace opsh::bind {

/// What Lua holds of a read session; empty after close().
struct ReaderHandle {
  std::shared_ptr<db::Reader> reader;
  db::Reader& get() const;
};

struct LedgerHandle {
  std::shared_ptr<journal::Ledger> ledger;
  journal::Claim claim;
  journal::Ledger& get() const;
};

struct SimulationHandle {
  std::shared_ptr<journal::Simulation> simulation;
  journal::Simulation& get() const;
};

/// A batch, of an apply or of a simulation; the ledger or the simulation outlives it.
struct BatchHandle {
  std::shared_ptr<void> session;
  std::shared_ptr<journal::Work> work;
  std::shared_ptr<journal::Batch> batch;  ///< null: it is simulated
  journal::Work& get() const;
  /// Errors: "internal" for a simulated one.
  journal::Batch& recorded() const;
};

/// What the journal knows of a step's tables; batches share it.
struct TablesHandle {
  std::shared_ptr<const journal::Tables> tables;
};

/// A cursor and the session that it needs.
struct CursorHandle {
  std::shared_ptr<void> session;
  db::Connection* connection = nullptr;
  std::unique_ptr<db::Cursor> cursor;
  Duplicates duplicates = Duplicates::refuse;
};

/// The target that a table describes: conninfo, dbname (instead of the one in conninfo), application, role, insecure,
/// time_zone, statement_seconds, lock_seconds, connect_seconds, idle_seconds.
db::Target target_at(lua_State* L, int index);

/// The bindings at 3 may say { numbered = true }: of columns with the same name.
Duplicates duplicates_at(lua_State* L);

/// Pushes the rows of a glance, the number of all, and the long values, which the rows have not: a list of { row,
/// column, bytes, beginning }. Returns 3.
int push_glance(lua_State* L, db::Connection& connection, const db::Glance& found);

/// A session's method (sql, bindings, limit): pushes the first rows and the number of all of them.
int push_sample(lua_State* L, db::Connection& connection);

/// The names in `writes`: a list of { name, row_security }.
std::vector<journal::DeclaredName> declared_names_at(lua_State* L, int index);

void push_tables(lua_State* L, journal::Tables tables);

/// What a batch may write: { tables = what examine gave, or nil for a step without a journal; oids = { those that may
/// be written then }; atomic = true for a step that is one batch; columns = { { oid, columns = { those that may be set
/// } } } for tables of which a budget names some; defines = of a schema step, see defines_at }
journal::Work::Writes writes_at(lua_State* L, int index);

/// The `defines` of writes_at: { tables = { names as SQL }, loses_data, proved }; nothing for a step that is no schema
/// step.
std::optional<journal::Defines> defines_at(lua_State* L, int index);

/// examine(reader or batch, names) -> tables. A function of opsh.native.journal.
int examine(lua_State* L);

/// A table { entries, sha256 }, as log:append() of opsh.native.audit returns it.
journal::AuditHead audit_head_at(lua_State* L, int index);

/// COPY (query) TO STDOUT over `connection`, each row given to the function at 3 as a list of texts, opsh.null for
/// NULL; pushes their number. A session's method.
int copy_rows_out(lua_State* L, db::Connection& connection);

/// Prints what the server says on its own (NOTICE, WARNING) as it comes.
void show_notices(db::Connection& connection);

/// Pushes what a survey counted: { seen, items, skipped, rejected, labels = {name = n}, totals = {name = text}, tally =
/// {{v1, v2, count = n}} }.
void push_figures(lua_State* L, const plan::Survey& survey);

/// Methods of a batch that a person works on at the prompt: prompted.cpp.
int batch_operation(lua_State* L);
int batch_declare(lua_State* L);
int batch_write(lua_State* L);
int batch_beginning(lua_State* L);
int batch_wake(lua_State* L);
int batch_descriptor(lua_State* L);
int batch_stir(lua_State* L);
int batch_show_waiting(lua_State* L);

void open_db(lua_State* L);
void open_names(lua_State* L);
void open_items(lua_State* L);
void open_batch(lua_State* L);
void open_plan(lua_State* L);
void open_journal(lua_State* L);
void open_simulation(lua_State* L);
void open_audit(lua_State* L);
void open_tables(lua_State* L);
void open_undo(lua_State* L);

}  // namespace opsh::bind

// Each is defined in the file with the type's methods.
namespace opsh::lua {
template <>
const char* Object<bind::ReaderHandle>::name;
template <>
const char* Object<bind::CursorHandle>::name;
template <>
const char* Object<bind::LedgerHandle>::name;
template <>
const char* Object<bind::SimulationHandle>::name;
template <>
const char* Object<bind::BatchHandle>::name;
template <>
const char* Object<bind::TablesHandle>::name;
template <>
const char* Object<plan::Items>::name;
}  // namespace opsh::lua
