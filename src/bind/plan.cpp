#include <fmt/format.h>

#include "bind/module.hpp"
#include "bind/plan_drift.hpp"
#include "bind/session.hpp"
#include "bind/values.hpp"
#include "plan/planner.hpp"

namespace opsh::bind {
/// A plan being made, with its session.
struct PlannerHandle {
  std::shared_ptr<void> session;
  db::Connection* connection = nullptr;
  std::unique_ptr<plan::Planner> planner;
};

/// A plan's spool, read a batch at a time.
struct SpoolHandle {
  plan::Spool spool;
  plan::SpoolReader reader;
  std::vector<std::size_t> keys;
};
}  // namespace opsh::bind

namespace opsh::lua {
template <>
const char* Object<bind::PlannerHandle>::name = "opsh.planner";
template <>
const char* Object<bind::SpoolHandle>::name = "opsh.spool";
}  // namespace opsh::lua

namespace opsh::bind {
namespace {

using PlannerObject = lua::Object<PlannerHandle>;
using SpoolObject = lua::Object<SpoolHandle>;
using ItemsObject = lua::Object<plan::Items>;

/// The label of rows that have JSON which cannot be read.
constexpr const char* undecodable = "undecodable";

/// planner(reader or batch, sql, bindings, request)
int open_planner(lua_State* L) {
  auto* batch = lua::Object<BatchHandle>::test(L, 1);
  auto* reader = batch ? nullptr : &lua::Object<ReaderHandle>::check(L, 1);
  db::Connection& connection = batch ? batch->get().writer().connection() : reader->get().connection();
  plan::PlanRequest request;
  request.key = lua::strings_field(L, 4, "key");
  request.spool = lua::string_field(L, 4, "spool");
  request.rejections = lua::string_field(L, 4, "rejections");
  request.tally = lua::strings_field(L, 4, "tally");
  request.totals = lua::strings_field(L, 4, "totals");
  request.skip = lua::strings_field(L, 4, "skip");
  request.reject = lua::strings_field(L, 4, "reject");
  request.reject.emplace_back(undecodable);
  request.behind = lua::strings_field(L, 4, "behind");
  request.sample = static_cast<std::size_t>(lua::number_field(L, 4, "sample", 5));
  if (std::string label = lua::string_field(L, 4, "label_column"); !label.empty()) request.label_column = label;
  Bound bound = bind_statement(L, 2, 3, connection);
  sql::ReadSql sql = sql::gate_read(bound.rendered);
  auto planner = batch
                     ? std::make_unique<plan::Planner>(batch->get().writer(), sql, bound.parameters, std::move(request))
                     : std::make_unique<plan::Planner>(reader->get(), sql, bound.parameters, std::move(request));
  auto session = batch ? batch->session : std::shared_ptr<void>{reader->reader};
  PlannerObject::make(L, std::move(session), &connection, std::move(planner));
  return 1;
}

/// Pushes the current row as a table. Where a JSON document in it cannot be read, pushes nothing and says why.
std::optional<std::string> push_row(lua_State* L, PlannerHandle& handle) {
  const auto& columns = handle.planner->columns();
  const int top = lua_gettop(L);
  lua_createtable(L, 0, static_cast<int>(columns.size()));
  for (std::size_t column = 0; column < columns.size(); ++column) {
    try {
      push_field(L, *handle.connection, columns[column].type, handle.planner->field(column));
    } catch (const Error& error) {
      if (!error.kind.starts_with("json.")) throw;
      lua_settop(L, top);
      return fmt::format("{}: {}", columns[column].name, error.message);
    }
    lua_setfield(L, -2, columns[column].name.c_str());
  }
  return std::nullopt;
}

/// Rejects the current row, whose JSON cannot be read.
void add_undecodable(plan::Planner& planner, const std::string& problem) {
  planner.add({.label = undecodable, .reason = problem});
}

bool has_json(const PlannerHandle& handle) {
  for (const auto& column : handle.planner->columns()) {
    const Form form = form_of(*handle.connection, column.type);
    if (form.kind == Form::json) return true;
    if (form.kind == Form::array && form_of(*handle.connection, form.element).kind == Form::json) return true;
  }
  return false;
}

/// planner:run(decodes): adds every row; with `decodes`, those that Lua cannot read are rejected.
int run_planner(lua_State* L) {
  auto& handle = PlannerObject::check(L, 1);
  plan::Planner& planner = *handle.planner;
  if (!lua_toboolean(L, 2) || !has_json(handle)) {
    planner.run();
    return 0;
  }
  while (planner.next()) {
    if (auto problem = push_row(L, handle)) {
      add_undecodable(planner, *problem);
      continue;
    }
    lua_pop(L, 1);
    planner.add({.label = planner.label()});
  }
  return 0;
}

/// planner:row(metatable) -> the next row as a table, and its label where a column classifies; nothing after the last.
/// Those that Lua cannot read are rejected and left out.
int next_row(lua_State* L) {
  auto& handle = PlannerObject::check(L, 1);
  for (;;) {
    if (!handle.planner->next()) return 0;
    auto problem = push_row(L, handle);
    if (!problem) break;
    add_undecodable(*handle.planner, *problem);
  }
  lua_pushvalue(L, 2);
  lua_setmetatable(L, -2);
  auto label = handle.planner->label();
  if (!label) return 1;
  lua::push(L, *label);
  return 2;
}

/// planner:metatable(): for the rows of row().
int planner_metatable(lua_State* L) {
  std::vector<std::string> names;
  std::vector<unsigned> types;
  for (const auto& column : PlannerObject::check(L, 1).planner->columns()) {
    names.push_back(column.name);
    types.push_back(column.type);
  }
  push_row_metatable(L, names, types);
  return 1;
}

/// planner:add(label or nil, { {name, type, value}, ... }, reason or nil): the current row, with what the classifier
/// says of it.
int add_row(lua_State* L) {
  auto& handle = PlannerObject::check(L, 1);
  std::optional<std::string> label = lua::optional_string(L, 2);
  std::vector<plan::Column> extra;
  std::vector<std::optional<std::string>> texts;
  db::Connection& connection = *handle.connection;
  if (lua_istable(L, 3)) {
    for (int at = 1; at <= static_cast<int>(lua_objlen(L, 3)); ++at) {
      lua_rawgeti(L, 3, at);
      const auto& type = connection.type(static_cast<unsigned>(lua::number_field(L, -1, "type", db::oid::text)));
      extra.push_back({lua::string_field(L, -1, "name"), type.oid, type.array, type.name});
      lua_getfield(L, -1, "value");
      texts.push_back(field_text(L, lua_gettop(L), connection, type.oid));
      lua_pop(L, 2);
    }
  }
  std::vector<plan::Field> fields{texts.begin(), texts.end()};
  std::optional<std::string> reason = lua::optional_string(L, 4);
  handle.planner->add({.label = label, .columns = extra, .fields = fields, .reason = reason ? *reason : ""});
  return 0;
}

/// planner:finish() -> figures, sample rows (lists of texts, opsh.null for NULL), names of the columns.
int finish_planner(lua_State* L) {
  auto& handle = PlannerObject::check(L, 1);
  plan::Planner& planner = *handle.planner;
  planner.finish();
  push_figures(L, planner.survey());
  lua_newtable(L);
  int row_number = 0;
  for (const auto& row : planner.survey().sample()) {
    lua_newtable(L);
    for (std::size_t column = 0; column < row.size(); ++column) {
      if (row[column])
        lua::push(L, std::string_view{*row[column]});
      else
        lua::push_null(L);
      lua_rawseti(L, -2, static_cast<int>(column + 1));
    }
    lua_rawseti(L, -2, ++row_number);
  }
  lua_newtable(L);
  int column_number = 0;
  for (const auto& column : planner.spooled_columns()) {
    lua::push(L, std::string_view{column.name});
    lua_rawseti(L, -2, ++column_number);
  }
  return 3;
}

/// spool(path, first row, key names)
int open_spool(lua_State* L) {
  plan::Spool spool = plan::Spool::open(lua::check_string(L, 1));
  plan::SpoolReader reader{spool, static_cast<std::uint64_t>(luaL_checknumber(L, 2))};
  std::vector<std::size_t> keys;
  for (const auto& name : lua::strings(L, 3)) {
    std::size_t at = 0;
    while (at < spool.columns().size() && spool.columns()[at].name != name) ++at;
    if (at == spool.columns().size())
      throw Error{"spool.damaged", "the spooled plan has no column " + name, "plan again"};
    keys.push_back(at);
  }
  SpoolObject::make(L, std::move(spool), std::move(reader), std::move(keys));
  return 1;
}

/// check_spool(path): reads it to its end. Errors: "spool.damaged", "spool.read".
int check_spool(lua_State* L) {
  plan::Spool spool = plan::Spool::open(lua::check_string(L, 1));
  plan::SpoolReader reader{spool, 0};
  std::vector<plan::Field> fields;
  while (reader.next(fields)) {
  }
  return 0;
}

/// rejections(path, most) -> the first rejected rows: { { key, label, reason? }, ... }; none when there is no file.
int list_rejections(lua_State* L) {
  plan::RejectionReader reader{lua::check_string(L, 1)};
  lua_newtable(L);
  int number = 0;
  for (const auto& rejection : reader.take(static_cast<std::size_t>(luaL_checknumber(L, 2)))) {
    lua_newtable(L);
    lua::push(L, rejection.key);
    lua_setfield(L, -2, "key");
    lua::set_field(L, "label", rejection.label);
    if (!rejection.reason.empty()) lua::set_field(L, "reason", rejection.reason);
    lua_rawseti(L, -2, ++number);
  }
  return 1;
}

int spool_rows(lua_State* L) {
  lua_pushnumber(L, static_cast<double>(SpoolObject::check(L, 1).spool.rows()));
  return 1;
}

/// spool:take(n) -> Items, or nothing at the end.
int take_items(lua_State* L) {
  auto& handle = SpoolObject::check(L, 1);
  auto wanted = static_cast<std::size_t>(luaL_checknumber(L, 2));
  plan::Items items{handle.spool.columns(), handle.keys};
  std::vector<plan::Field> fields;
  while (items.size() < wanted && handle.reader.next(fields)) items.append(fields);
  if (items.size() == 0) return 0;
  ItemsObject::make(L, std::move(items));
  return 1;
}

}  // namespace

void open_plan(lua_State* L) {
  static const luaL_Reg planner[] = {{"run", lua::guarded<run_planner>},
                                     {"row", lua::guarded<next_row>},
                                     {"metatable", lua::guarded<planner_metatable>},
                                     {"add", lua::guarded<add_row>},
                                     {"finish", lua::guarded<finish_planner>},
                                     {nullptr, nullptr}};
  static const luaL_Reg spool[] = {
      {"rows", lua::guarded<spool_rows>}, {"take", lua::guarded<take_items>}, {nullptr, nullptr}};
  PlannerObject::define(L, planner);
  SpoolObject::define(L, spool);
  module(L, "opsh.native.plan",
         {{"planner", lua::guarded<open_planner>},
          {"spool", lua::guarded<open_spool>},
          {"check_spool", lua::guarded<check_spool>},
          {"rejections", lua::guarded<list_rejections>},
          {"spool_columns", lua::guarded<spool_columns>},
          {"compare", lua::guarded<compare_plans>}});
}

}  // namespace opsh::bind
