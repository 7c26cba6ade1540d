#include "bind/values.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <set>

#include "base/error.hpp"
#include "bind/json.hpp"
#include "db/borrowed.hpp"
#include "db/relation.hpp"

namespace opsh::bind {
namespace {

constexpr long long exact = 1LL << 53;

template <typename Number>
Number parsed(std::string_view text) {
  Number value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

void push_int8(lua_State* L, std::string_view text) {
  auto value = parsed<long long>(text);
  if (value >= -exact && value <= exact)
    lua_pushnumber(L, static_cast<double>(value));
  else
    lua::push(L, text);
}

void push_array(lua_State* L, db::Connection& connection, unsigned element, std::string_view text) {
  Form form = form_of(connection, element);
  // One list per level; the index within each.
  std::vector<int> next;
  db::walk_array(text, [&](db::ArrayStep step, std::string_view value) {
    auto store = [&] {
      if (!next.empty()) lua_rawseti(L, -2, ++next.back());
    };
    switch (step) {
      case db::ArrayStep::open:
        luaL_checkstack(L, 4, "array too deep");
        lua_newtable(L);
        next.push_back(0);
        return;
      case db::ArrayStep::close:
        next.pop_back();
        return store();
      case db::ArrayStep::null:
        lua::push_null(L);
        return store();
      case db::ArrayStep::value:
        push_field(L, connection, form, value);
        return store();
    }
  });
}

/// A list may be empty; a table with names is none.
void refuse_names(lua_State* L, int index) {
  if (lua_objlen(L, index) > 0) return;
  lua_pushnil(L);
  if (!lua_next(L, index)) return;
  lua_pop(L, 2);
  throw Error{"usage.value", "a table with names cannot be a value in SQL",
              "pass json.object{...} for JSON, or rows that a query returned"};
}

std::string list_text(lua_State* L, int index, db::Connection& connection, unsigned element) {
  db::ArrayText array;
  for (int at = 1; at <= static_cast<int>(lua_objlen(L, index)); ++at) {
    lua_rawgeti(L, index, at);
    bool nested = lua_istable(L, -1) && !lua::has_metatable(L, -1, lua::object_metatable) &&
                  !lua::has_metatable(L, -1, lua::array_metatable);
    if (nested) refuse_names(L, lua_gettop(L));
    if (nested)
      array.add_nested(list_text(L, lua_gettop(L), connection, element));
    else
      array.add(field_text(L, lua_gettop(L), connection, element));
    lua_pop(L, 1);
  }
  return array.take();
}

/// The names of the columns, no two of them equal.
std::vector<std::string> names_of(const db::Result& result, int columns, Duplicates duplicates) {
  std::set<std::string_view> given;
  for (int column = 0; column < columns; ++column) given.insert(result.name(column));
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (int column = 0; column < columns; ++column) {
    std::string name{result.name(column)};
    if (seen.contains(name) && duplicates == Duplicates::refuse)
      throw Error{"sql.duplicate_column", fmt::format("two columns of the query are named {}", name),
                  "give one of them another name with AS"};
    for (int number = 2; seen.contains(name) || (number > 2 && given.contains(name)); ++number)
      name = fmt::format("{}_{}", result.name(column), number);
    seen.insert(name);
    names.push_back(std::move(name));
  }
  return names;
}

bool is_json_type(unsigned type) {
  return type == db::oid::json || type == db::oid::jsonb;
}

}  // namespace

Form form_of(db::Connection& connection, unsigned type) {
  switch (type) {
    case db::oid::boolean:
      return {Form::boolean, 0};
    case db::oid::int2:
    case db::oid::int4:
    case db::oid::oid:
      return {Form::integer, 0};
    case db::oid::float4:
    case db::oid::float8:
      return {Form::real, 0};
    case db::oid::int8:
      return {Form::int8, 0};
    case db::oid::bytea:
      return {Form::bytes, 0};
    case db::oid::json:
    case db::oid::jsonb:
      return {Form::json, 0};
    case db::oid::text:
    case db::oid::numeric:
      return {Form::text, 0};
    default:
      break;
  }
  unsigned element = connection.type(type).element;
  return {element ? Form::array : Form::text, element};
}

void push_field(lua_State* L, db::Connection& connection, const Form& form, std::optional<std::string_view> field) {
  if (!field) return lua_pushnil(L);
  switch (form.kind) {
    case Form::boolean:
      return lua_pushboolean(L, *field == "t");
    case Form::integer:
      return lua_pushnumber(L, static_cast<double>(parsed<long long>(*field)));
    case Form::real:
      return lua_pushnumber(L, parsed<double>(*field));
    case Form::int8:
      return push_int8(L, *field);
    case Form::bytes:
      return lua::push(L, connection.pqxx().bytes(*field));
    case Form::json:
      return push_json(L, *field);
    case Form::array:
      return push_array(L, connection, form.element, *field);
    case Form::text:
      return lua::push(L, *field);
  }
}

void push_field(lua_State* L, db::Connection& connection, unsigned type, std::optional<std::string_view> field) {
  push_field(L, connection, form_of(connection, type), field);
}

std::string hex_text(std::string_view bytes) {
  std::string text = "\\x";
  for (unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

std::optional<std::string> field_text(lua_State* L, int index, db::Connection& connection, unsigned type) {
  if (lua_isnoneornil(L, index) || lua::is_null(L, index))
    return is_json_type(type) && lua::is_null(L, index) ? std::optional<std::string>{"null"} : std::nullopt;
  if (is_json_type(type)) return json_text(L, index, json::Layout::compact);
  switch (lua_type(L, index)) {
    case LUA_TBOOLEAN:
      return lua_toboolean(L, index) ? "t" : "f";
    case LUA_TNUMBER:
      return lua::number_text(lua_tonumber(L, index));
    case LUA_TSTRING:
      return type == db::oid::bytea ? hex_text(lua::check_string(L, index)) : lua::check_string(L, index);
    case LUA_TTABLE:
      break;
    default:
      throw Error{"usage.value", fmt::format("a {} cannot be a value in SQL", luaL_typename(L, index)),
                  "pass a string, a number, a boolean, opsh.null, a list or rows"};
  }
  if (lua::has_metatable(L, index, lua::object_metatable) || lua::has_metatable(L, index, lua::array_metatable) ||
      lua::has_metatable(L, index, lua::number_metatable))
    return json_text(L, index, json::Layout::compact);
  refuse_names(L, index);
  unsigned element = type ? connection.type(type).element : 0;
  return list_text(L, index, connection, element);
}

void push_row_metatable(lua_State* L, const std::vector<std::string>& names, const std::vector<unsigned>& types) {
  lua_getfield(L, LUA_REGISTRYINDEX, row_metatable_maker);
  lua::push(L, names);
  lua_createtable(L, static_cast<int>(types.size()), 0);
  for (std::size_t at = 0; at < types.size(); ++at) {
    lua_pushnumber(L, types[at]);
    lua_rawseti(L, -2, static_cast<int>(at + 1));
  }
  lua_call(L, 2, 1);
}

void push_rows(lua_State* L, db::Connection& connection, const db::Result& result, int columns, Duplicates duplicates) {
  const std::vector<std::string> names = names_of(result, columns, duplicates);
  std::vector<unsigned> types;
  for (int column = 0; column < columns; ++column) types.push_back(result.type(column));
  connection.learn_types(result);
  std::vector<Form> forms;
  for (unsigned type : types) forms.push_back(form_of(connection, type));
  luaL_checkstack(L, columns + 8, "too many columns");
  push_row_metatable(L, names, types);
  int metatable = lua_gettop(L);
  // The names once, as Lua strings below everything else.
  for (const auto& name : names) lua::push(L, std::string_view{name});
  int first_name = metatable + 1;
  lua_createtable(L, result.rows(), 0);
  int list = lua_gettop(L);
  for (int row = 0; row < result.rows(); ++row) {
    lua_createtable(L, 0, columns);
    for (int column = 0; column < columns; ++column) {
      auto field = result.field(row, column);
      if (!field) continue;
      lua_pushvalue(L, first_name + column);
      push_field(L, connection, forms[static_cast<std::size_t>(column)], field);
      lua_rawset(L, -3);
    }
    lua_pushvalue(L, metatable);
    lua_setmetatable(L, -2);
    lua_rawseti(L, list, row + 1);
  }
  lua_getfield(L, metatable, "__list");
  lua_setmetatable(L, list);
  lua_replace(L, metatable);
  lua_settop(L, metatable);
}

}  // namespace opsh::bind
