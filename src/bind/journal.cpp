#include <fmt/format.h>

#include "bind/module.hpp"
#include "bind/session.hpp"
#include "journal/schema.hpp"
#include "text/printable.hpp"

namespace opsh::lua {
template <>
const char* Object<bind::LedgerHandle>::name = "opsh.ledger";
}  // namespace opsh::lua

namespace opsh::bind {
namespace {

using LedgerObject = lua::Object<LedgerHandle>;
using BatchObject = lua::Object<BatchHandle>;

int open_ledger(lua_State* L) {
  auto ledger = std::make_shared<journal::Ledger>(target_at(L, 1));
  show_notices(ledger->writer().connection());
  LedgerObject::make(L, std::move(ledger), journal::Claim{});
  return 1;
}

int schema_statements(lua_State* L) {
  lua_newtable(L);
  int at = 0;
  for (const auto& statement : journal::schema_statements()) {
    lua::push(L, std::string_view{statement.sql.text()});
    lua_rawseti(L, -2, ++at);
  }
  // Without it the first apply would not know that the schema is there.
  lua::push(L,
            std::string_view{fmt::format("insert into opsh.version (version, installed_by) values ({}, 'opsh schema')",
                                         journal::schema_version)});
  lua_rawseti(L, -2, ++at);
  return 1;
}

int installed_version(lua_State* L) {
  lua_pushinteger(L, LedgerObject::check(L, 1).get().installed_version());
  return 1;
}

int install(lua_State* L) {
  LedgerObject::check(L, 1).get().install(lua::check_string(L, 2));
  return 0;
}

int start_run(lua_State* L) {
  auto& handle = LedgerObject::check(L, 1);
  auto field = [&](const char* name) { return lua::string_field(L, 2, name); };
  handle.claim = handle.get().start(
      {field("id"), field("runbook"), field("title"), field("operator"), field("version"), field("sources"),
       field("params"), field("target"), field("reason"), field("undo_of"), field("undone_before")},
      audit_head_at(L, 3));
  return 0;
}

int claim_run(lua_State* L) {
  auto& handle = LedgerObject::check(L, 1);
  handle.claim = handle.get().claim(lua::check_string(L, 2), Seconds{luaL_checknumber(L, 3)}, audit_head_at(L, 4));
  return 0;
}

int end_former_session(lua_State* L) {
  LedgerObject::check(L, 1).get().end_former_session(lua::check_string(L, 2), Seconds{luaL_checknumber(L, 3)});
  return 0;
}

/// ledger:record_step({ number, name, planned, writes, journaled, kind, rejections? }, head): `planned` and `writes` as
/// JSON, `rejections` the file of what is rejected.
int record_step(lua_State* L) {
  auto& handle = LedgerObject::check(L, 1);
  auto field = [&](const char* name) { return lua::string_field(L, 2, name); };
  handle.get().record_step(handle.claim,
                           {static_cast<int>(lua::number_field(L, 2, "number", 0)), field("name"), field("planned"),
                            field("writes"), lua::boolean_field(L, 2, "journaled"), field("kind"), field("rejections")},
                           audit_head_at(L, 3));
  return 0;
}

int finish_step(lua_State* L) {
  auto& handle = LedgerObject::check(L, 1);
  handle.get().finish_step(handle.claim, static_cast<int>(luaL_checkinteger(L, 2)), audit_head_at(L, 3));
  return 0;
}

/// ledger:record_effects(step, batch, json, head); `batch` 0: of a step without items
int record_effects(lua_State* L) {
  auto& handle = LedgerObject::check(L, 1);
  handle.get().record_effects(handle.claim, static_cast<int>(luaL_checkinteger(L, 2)),
                              static_cast<int>(luaL_checkinteger(L, 3)), lua::check_string(L, 4), audit_head_at(L, 5));
  return 0;
}

/// ledger:record_incident(json, head)
int record_incident(lua_State* L) {
  auto& handle = LedgerObject::check(L, 1);
  handle.get().record_incident(handle.claim, lua::check_string(L, 2), audit_head_at(L, 3));
  return 0;
}

int set_state(lua_State* L) {
  auto& handle = LedgerObject::check(L, 1);
  handle.get().set_state(handle.claim, lua::check_string(L, 2),
                         text::printable(lua::optional_string(L, 3).value_or("")), lua_toboolean(L, 4),
                         audit_head_at(L, 5));
  return 0;
}

/// ledger:prune(run, seconds, head) -> how many changed rows it forgot
int prune(lua_State* L) {
  auto rows = LedgerObject::check(L, 1).get().prune(lua::check_string(L, 2), Seconds{luaL_checknumber(L, 3)},
                                                    audit_head_at(L, 4));
  lua_pushnumber(L, static_cast<lua_Number>(rows));
  return 1;
}

int committed(lua_State* L) {
  bool found = LedgerObject::check(L, 1).get().committed(lua::check_string(L, 2), lua::check_string(L, 3));
  lua_pushboolean(L, found);
  return 1;
}

int close_ledger(lua_State* L) {
  auto& ledger = LedgerObject::check(L, 1).ledger;
  if (ledger) ledger->close();
  ledger.reset();
  return 0;
}

/// ledger:begin(writes)
int begin_batch(lua_State* L) {
  auto& handle = LedgerObject::check(L, 1);
  auto batch = std::make_shared<journal::Batch>(handle.get(), handle.claim, writes_at(L, 2));
  BatchObject::make(L, handle.ledger, batch, batch);
  return 1;
}

/// ledger:begin_alone({ step, number }, items): announces a statement outside a transaction.
int begin_alone(lua_State* L) {
  auto& handle = LedgerObject::check(L, 1);
  handle.get().begin_alone(handle.claim, static_cast<int>(lua::number_field(L, 2, "step", 0)),
                           static_cast<int>(lua::number_field(L, 2, "number", 0)),
                           lua::Object<plan::Items>::check(L, 3));
  return 0;
}

/// ledger:define_alone(sql, { defines }) -> what else had to be done, or "".
int define_alone(lua_State* L) {
  auto& handle = LedgerObject::check(L, 1);
  auto defines = defines_at(L, 3);
  if (!defines) throw Error{"internal", "a step that is no schema step defines something"};
  lua::push(L,
            std::string_view{handle.get().define_alone(handle.claim, sql::gate_define(definition_at(L, 2)), *defines)});
  return 1;
}

/// ledger:examine(writes): as opsh.native.journal.examine, over the session that writes.
int examine_over_writer(lua_State* L) {
  push_tables(L, LedgerObject::check(L, 1).get().examine(declared_names_at(L, 2)));
  return 1;
}

}  // namespace

journal::Ledger& LedgerHandle::get() const {
  if (!ledger) throw Error{"session.closed", "this write session is closed"};
  return *ledger;
}

void open_journal(lua_State* L) {
  static const luaL_Reg ledger[] = {{"installed_version", lua::guarded<installed_version>},
                                    {"install", lua::guarded<install>},
                                    {"start", lua::guarded<start_run>},
                                    {"end_former_session", lua::guarded<end_former_session>},
                                    {"claim", lua::guarded<claim_run>},
                                    {"record_step", lua::guarded<record_step>},
                                    {"finish_step", lua::guarded<finish_step>},
                                    {"record_effects", lua::guarded<record_effects>},
                                    {"record_incident", lua::guarded<record_incident>},
                                    {"set_state", lua::guarded<set_state>},
                                    {"prune", lua::guarded<prune>},
                                    {"committed", lua::guarded<committed>},
                                    {"examine", lua::guarded<examine_over_writer>},
                                    {"begin", lua::guarded<begin_batch>},
                                    {"begin_alone", lua::guarded<begin_alone>},
                                    {"define_alone", lua::guarded<define_alone>},
                                    {"close", lua::guarded<close_ledger>},
                                    {nullptr, nullptr}};
  LedgerObject::define(L, ledger);
  module(L, "opsh.native.journal",
         {{"ledger", lua::guarded<open_ledger>},
          {"examine", lua::guarded<examine>},
          {"schema", lua::guarded<schema_statements>}});
}

}  // namespace opsh::bind
