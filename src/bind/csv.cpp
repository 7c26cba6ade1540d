#include "bind/csv.hpp"

#include <vector>

#include "base/error.hpp"
#include "bind/json.hpp"
#include "bind/values.hpp"
#include "report/csv.hpp"

namespace opsh::bind {
namespace {

bool is_number(unsigned type) {
  switch (type) {
    case db::oid::int2:
    case db::oid::int4:
    case db::oid::int8:
    case db::oid::oid:
    case db::oid::float4:
    case db::oid::float8:
    case db::oid::numeric:
      return true;
    default:
      return false;
  }
}

class CsvWriter {
 public:
  /// Leaves the names of the columns on the Lua stack, where they are faster to come by than from their text.
  CsvWriter(lua_State* L, int list, bool with_names) : L_(L) {
    if (!lua_istable(L, list) || !luaL_getmetafield(L, list, "__is_list") || !luaL_getmetafield(L, list, "__columns"))
      throw Error{"csv.rows", "CSV is made of rows that a query returned",
                  "query gives such a list; a list of your own has no columns to name"};
    auto columns = lua::strings(L, -1);
    luaL_getmetafield(L, list, "__types");
    int types = lua_gettop(L);
    luaL_checkstack(L, static_cast<int>(columns.size()) + 8, "too many columns");
    fields_.resize(columns.size());
    scratch_.resize(columns.size());
    first_name_ = types + 1;
    for (std::size_t at = 0; at < columns.size(); ++at) {
      lua_rawgeti(L, types, static_cast<int>(at + 1));
      types_.push_back(static_cast<unsigned>(lua_tonumber(L, -1)));
      lua_pop(L, 1);
      lua::push(L, std::string_view{columns[at]});
      fields_[at] = {columns[at], false};
    }
    if (with_names) report::csv_row(out_, fields_);
    for (std::size_t at = 0; at < columns.size(); ++at) fields_[at].number = is_number(types_[at]);
  }

  /// The row on top of the stack.
  void row() {
    if (!lua_istable(L_, -1)) throw Error{"csv.rows", "an element of the list is no row"};
    for (std::size_t at = 0; at < fields_.size(); ++at) {
      lua_pushvalue(L_, first_name_ + static_cast<int>(at));
      lua_rawget(L_, -2);
      fields_[at].value = text(at);
      lua_pop(L_, 1);
    }
    report::csv_row(out_, fields_);
  }

  std::string take() { return std::move(out_); }

 private:
  /// The value on top of the stack; what has no text of its own in Lua gets one in `scratch_`.
  std::optional<std::string_view> text(std::size_t column) {
    std::string& made = scratch_[column];
    switch (lua_type(L_, -1)) {
      case LUA_TNIL:
        return std::nullopt;
      case LUA_TBOOLEAN:
        return lua_toboolean(L_, -1) ? "true" : "false";
      case LUA_TNUMBER:
        made = lua::number_text(lua_tonumber(L_, -1));
        return made;
      case LUA_TSTRING:
        if (types_[column] == db::oid::bytea) return made = hex_text(lua::view(L_, -1));
        // The row, which stays on the stack, keeps it.
        return lua::view(L_, -1);
      default:
        if (lua::is_null(L_, -1)) return std::nullopt;
        made = json_text(L_, -1, json::Layout::compact);
        return made;
    }
  }

  lua_State* L_;
  int first_name_ = 0;
  std::vector<unsigned> types_;
  std::vector<report::CsvField> fields_;
  std::vector<std::string> scratch_;
  std::string out_;
};

}  // namespace

std::string csv_text(lua_State* L, int index, bool with_names) {
  int top = lua_gettop(L);
  CsvWriter writer{L, index, with_names};
  for (int at = 1, size = static_cast<int>(lua_objlen(L, index)); at <= size; ++at) {
    lua_rawgeti(L, index, at);
    writer.row();
    lua_pop(L, 1);
  }
  lua_settop(L, top);
  return writer.take();
}

}  // namespace opsh::bind
