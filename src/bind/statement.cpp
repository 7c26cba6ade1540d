#include "bind/statement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "bind/session.hpp"
#include "bind/values.hpp"
#include "sql/column_use.hpp"
#include "sql/excerpt.hpp"
#include "sql/identifier.hpp"
#include "sql/parameters.hpp"
#include "text/nearest.hpp"

namespace opsh::bind {
namespace {

/// A placeholder's replacement: `$3`, or a subquery, which wants an alias.
struct Replacement {
  std::string text;
  bool relation = false;
};

class Binder {
 public:
  Binder(lua_State* L, int bindings, db::Connection& connection, const sql::Template& statement)
      : L_(L), bindings_(bindings), connection_(connection), statement_(statement) {}

  Bound bind() {
    std::vector<std::string> replacements;
    for (const auto& placeholder : statement_.placeholders()) {
      const Replacement& value = replacement(placeholder);
      bool bare = value.relation && !placeholder.has_alias && !placeholder.name.empty();
      replacements.push_back(bare ? value.text + " as " + sql::Identifier{placeholder.name}.text() : value.text);
    }
    refuse_unused();
    Bound bound{statement_.render(replacements), std::move(parameters_)};
    return bound;
  }

 private:
  const Replacement& replacement(const sql::Placeholder& placeholder) {
    std::string name = placeholder.number ? fmt::format("${}", placeholder.number) : placeholder.name;
    auto known = known_.find(name);
    if (known != known_.end()) return known->second;
    int top = lua_gettop(L_);
    placeholder.number ? push_positional(placeholder) : push_named(placeholder);
    Replacement made = value_at(lua_gettop(L_), placeholder);
    lua_settop(L_, top);
    return known_.emplace(name, std::move(made)).first->second;
  }

  /// A value that no $n takes is a slip of the author's.
  void refuse_unused() {
    int given = has_bindings() ? static_cast<int>(lua::number_field(L_, bindings_, "n", 0)) : 0, taken = 0;
    for (const auto& placeholder : statement_.placeholders()) taken = std::max(taken, placeholder.number);
    if (given > taken)
      throw Error{"sql.parameter",
                  fmt::format("{} values are given, and the statement has {}", given,
                              taken > 1 ? fmt::format("$1 to ${}", taken)
                              : taken   ? "$1"
                                        : "no $n"),
                  "give one value for each $n; values by name go in a table: { name = value }"};
  }

  void push_positional(const sql::Placeholder& placeholder) {
    int given = has_bindings() ? static_cast<int>(lua::number_field(L_, bindings_, "n", 0)) : 0;
    if (placeholder.number > given)
      throw located(fmt::format("the statement has ${}, and {} values are given", placeholder.number, given),
                    "give one value for each $n", placeholder);
    lua_rawgeti(L_, bindings_, placeholder.number);
  }

  void push_named(const sql::Placeholder& placeholder) {
    for (const char* table : {"names", "scope"}) {
      if (!push_table(table)) continue;
      // Raw, because the rows' metatable would answer for columns that are not there.
      lua::push(L_, std::string_view{placeholder.name});
      lua_rawget(L_, -2);
      if (!lua_isnil(L_, -1)) return;
      lua_pop(L_, 2);
    }
    if (placeholder.name == "keys" && push_table("scope")) {
      lua_pushliteral(L_, "items");
      lua_rawget(L_, -2);
      if (!lua_isnil(L_, -1)) return;
    }
    std::vector<std::string> names = known_names();
    auto meant = text::nearest(placeholder.name, names);
    throw located(fmt::format("there is no value for :{}", placeholder.name),
                  meant ? fmt::format("did you mean :{}?", *meant)
                        : "pass it: query(sql, { " + placeholder.name +
                              " = ... }), or declare the param; at the prompt assign it first",
                  placeholder);
  }

  Replacement value_at(int index, const sql::Placeholder& placeholder) {
    if (auto items = lua::Object<plan::Items>::test(L_, index))
      return placeholder.name == "keys" ? keys(*items) : relation(*items, placeholder);
    if (lua_istable(L_, index) && lua_getmetatable(L_, index)) {
      int metatable = lua_gettop(L_);
      lua_getfield(L_, metatable, "__items");
      if (auto items = lua::Object<plan::Items>::test(L_, -1)) return relation(*items, placeholder);
      lua_getfield(L_, metatable, "__typed");
      if (lua_toboolean(L_, -1)) return typed(index);
      lua_getfield(L_, metatable, "__columns");
      lua_getfield(L_, metatable, "__is_list");
      if (lua_toboolean(L_, -1)) return relation(rows(index, metatable));
      lua_settop(L_, metatable - 1);
    }
    if (is_row_list(index)) {
      lua_rawgeti(L_, index, 1);
      lua_getmetatable(L_, -1);
      return relation(rows(index, lua_gettop(L_)));
    }
    try {
      return scalar(field_text(L_, index, connection_, 0), 0);
    } catch (Error& error) {
      std::string name = placeholder.number ? fmt::format("${}", placeholder.number) : ":" + placeholder.name;
      throw located(fmt::format("{}: {}", name, error.message), error.hint, placeholder);
    }
  }

  Replacement scalar(std::optional<std::string> text, unsigned type) {
    return {fmt::format("${}", parameters_.add(std::move(text), type)), false};
  }

  Replacement relation(const std::vector<db::RelationColumn>& columns) {
    return {db::relation(columns, parameters_), true};
  }

  /// The columns that the statement names; the key, in any case, so that there is a row for each item.
  Replacement relation(const plan::Items& items, const sql::Placeholder& placeholder) {
    std::vector<std::string> names;
    for (const auto& column : items.columns()) names.push_back(column.name);
    auto used = sql::used_columns(statement_, placeholder, names);
    for (std::size_t key : items.keys()) used[key] = true;
    std::vector<std::size_t> columns;
    for (std::size_t at = 0; at < used.size(); ++at)
      if (used[at]) columns.push_back(at);
    return relation(items.relation(columns));
  }

  Replacement keys(const plan::Items& items) {
    auto columns = items.relation(items.keys());
    if (columns.size() > 1) return relation(columns);
    return scalar(columns.front().elements, columns.front().type.array);
  }

  /// { oid = 20, text = "5" }: a declared parameter, whose type is known.
  Replacement typed(int index) {
    auto type = static_cast<unsigned>(lua::number_field(L_, index, "oid", 0));
    lua_getfield(L_, index, "text");
    return scalar(lua::optional_string(L_, -1), type);
  }

  bool is_row_list(int index) {
    if (!lua_istable(L_, index)) return false;
    lua_rawgeti(L_, index, 1);
    bool row = lua_istable(L_, -1) && luaL_getmetafield(L_, -1, "__columns");
    lua_settop(L_, row ? lua_gettop(L_) - 2 : lua_gettop(L_) - 1);
    return row;
  }

  std::vector<db::RelationColumn> rows(int list, int metatable) {
    lua_getfield(L_, metatable, "__columns");
    std::vector<std::string> names = lua::strings(L_, -1);
    lua_getfield(L_, metatable, "__types");
    int types = lua_gettop(L_);
    std::vector<db::RelationColumn> columns;
    for (std::size_t at = 0; at < names.size(); ++at) {
      lua_rawgeti(L_, types, static_cast<int>(at + 1));
      auto type = static_cast<unsigned>(lua_tonumber(L_, -1));
      db::ArrayText elements;
      for (int row = 1; row <= static_cast<int>(lua_objlen(L_, list)); ++row) {
        lua_rawgeti(L_, list, row);
        lua::push(L_, std::string_view{names[at]});
        lua_rawget(L_, -2);
        elements.add(field_text(L_, lua_gettop(L_), connection_, type));
        lua_pop(L_, 2);
      }
      lua_pop(L_, 1);
      columns.push_back({names[at], connection_.type(type), elements.take()});
    }
    return columns;
  }

  bool has_bindings() const { return lua_istable(L_, bindings_); }

  bool push_table(const char* name) {
    if (!has_bindings()) return false;
    lua_getfield(L_, bindings_, name);
    if (lua_istable(L_, -1)) return true;
    lua_pop(L_, 1);
    return false;
  }

  std::vector<std::string> known_names() {
    std::vector<std::string> names;
    for (const char* table : {"names", "scope"}) {
      if (!push_table(table)) continue;
      for (lua_pushnil(L_); lua_next(L_, -2); lua_pop(L_, 1))
        if (lua_type(L_, -2) == LUA_TSTRING) names.push_back(lua::check_string(L_, -2));
      lua_pop(L_, 1);
    }
    return names;
  }

  Error located(std::string message, std::string hint, const sql::Placeholder& placeholder) {
    Error error{"sql.parameter", std::move(message), std::move(hint)};
    error.excerpt = sql::excerpt(statement_.author_sql(), placeholder.offset);
    return error;
  }

  lua_State* L_;
  int bindings_;
  db::Connection& connection_;
  const sql::Template& statement_;
  db::Parameters parameters_;
  std::map<std::string, Replacement> known_;
};

}  // namespace

Bound bind_statement(lua_State* L, int sql, int bindings, db::Connection& connection) {
  if (lua_type(L, sql) != LUA_TSTRING)
    throw Error{"usage.argument", fmt::format("the SQL must be a string, not {}", luaL_typename(L, sql))};
  sql::Template statement = sql::parse_template(lua::check_string(L, sql));
  return Binder{L, bindings, connection, statement}.bind();
}

sql::Rendered definition_at(lua_State* L, int sql) {
  sql::Template statement = sql::parse_template(lua::check_string(L, sql));
  if (!statement.placeholders().empty())
    throw Error{"sql.parameters", "a statement that defines objects takes no values",
                "write names with schema.name() and values with schema.literal() of opsh.schema"};
  return statement.render({});
}

}  // namespace opsh::bind
