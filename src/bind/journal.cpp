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
  handle.claim = handle.get().start({field("id"), field("runbook"), field("title"), field("operator"), field("version"),
                                     field("sources"), field("params"), field("target")});
  return 0;
}

int claim_run(lua_State* L) {
  auto& handle = LedgerObject::check(L, 1);
  handle.claim = handle.get().claim(lua::check_string(L, 2), Seconds{luaL_checknumber(L, 3)});
  return 0;
}

int record_step(lua_State* L) {
  auto& handle = LedgerObject::check(L, 1);
  handle.get().record_step(handle.claim, static_cast<int>(luaL_checkinteger(L, 2)), lua::check_string(L, 3),
                           lua::check_string(L, 4));
  return 0;
}

int finish_step(lua_State* L) {
  auto& handle = LedgerObject::check(L, 1);
  handle.get().finish_step(handle.claim, static_cast<int>(luaL_checkinteger(L, 2)));
  return 0;
}

int set_state(lua_State* L) {
  auto& handle = LedgerObject::check(L, 1);
  handle.get().set_state(handle.claim, lua::check_string(L, 2),
                         text::printable(lua::optional_string(L, 3).value_or("")), lua_toboolean(L, 4));
  return 0;
}

int committed(lua_State* L) {
  bool found = LedgerObject::check(L, 1).get().committed(lua::check_string(L, 2), lua::check_string(L, 3));
  lua_pushboolean(L, found);
  return 1;
}

int close_ledger(lua_State* L) {
  auto& ledger = LedgerObject::check(L, 1).ledger;
  if (ledger) ledger->writer().connection().close();
  ledger.reset();
  return 0;
}

/// ledger:begin({ oids of the tables that may be written })
int begin_batch(lua_State* L) {
  auto& handle = LedgerObject::check(L, 1);
  std::vector<unsigned> writes;
  for (const auto& oid : lua::strings(L, 2)) writes.push_back(static_cast<unsigned>(std::stoul(oid)));
  auto batch = std::make_shared<journal::Batch>(handle.get().writer(), handle.claim, std::move(writes));
  BatchObject::make(L, handle.ledger, std::move(batch));
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
                                    {"claim", lua::guarded<claim_run>},
                                    {"record_step", lua::guarded<record_step>},
                                    {"finish_step", lua::guarded<finish_step>},
                                    {"set_state", lua::guarded<set_state>},
                                    {"committed", lua::guarded<committed>},
                                    {"begin", lua::guarded<begin_batch>},
                                    {"close", lua::guarded<close_ledger>},
                                    {nullptr, nullptr}};
  LedgerObject::define(L, ledger);
  module(L, "opsh.native.journal",
         {{"ledger", lua::guarded<open_ledger>}, {"schema", lua::guarded<schema_statements>}});
}

}  // namespace opsh::bind
