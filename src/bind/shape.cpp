#include "sql/shape.hpp"

#include "bind/module.hpp"
#include "bind/modules.hpp"
#include "sql/parameters.hpp"

namespace opsh::bind {
namespace {

template <class Items, class Push>
void set_list(lua_State* L, const char* name, const Items& items, Push&& push) {
  lua_createtable(L, static_cast<int>(items.size()), 0);
  int at = 0;
  for (const auto& item : items) {
    push(item);
    lua_rawseti(L, -2, ++at);
  }
  lua_setfield(L, -2, name);
}

/// shape(text) -> { kind, target, assigned, columns, plain, limited, sources, relations, conditions }, as sql/shape.hpp
/// has it; a condition is a list of { qualifier, column }. Errors: those of the gate of a batch.
int shape(lua_State* L) {
  const sql::Template statement = sql::parse_template(lua::check_string(L, 1));
  const std::vector<std::string> values(statement.placeholders().size(), "$1");
  const sql::Shape found = sql::shape_of(statement.render(values));
  auto push_source = [L](const sql::Shape::Source& source) {
    lua_createtable(L, 0, 3);
    lua::set_field(L, "schema", source.schema);
    lua::set_field(L, "name", source.name);
    lua::set_field(L, "alias", source.alias);
  };
  auto push_pin = [L](const sql::Shape::Pin& pin) {
    lua_createtable(L, 0, 2);
    lua::set_field(L, "qualifier", pin.qualifier);
    lua::set_field(L, "column", pin.column);
  };
  auto push_pins = [L, push_pin](const std::vector<sql::Shape::Pin>& pins) {
    lua_createtable(L, static_cast<int>(pins.size()), 0);
    for (std::size_t at = 0; at < pins.size(); ++at) {
      push_pin(pins[at]);
      lua_rawseti(L, -2, static_cast<int>(at + 1));
    }
  };
  static constexpr const char* kinds[] = {"select", "insert", "update", "delete"};
  const sql::Operation& operation = found.operation;
  lua_createtable(L, 0, 9);
  lua::set_field(L, "kind", kinds[static_cast<int>(operation.kind)]);
  push_source({operation.schema, operation.name, operation.alias});
  lua_setfield(L, -2, "target");
  lua::set_flag(L, "plain", found.plain);
  lua::set_flag(L, "limited", found.limited);
  lua::push(L, operation.assigned);
  lua_setfield(L, -2, "assigned");
  lua::push(L, found.columns);
  lua_setfield(L, -2, "columns");
  set_list(L, "sources", found.sources, push_source);
  set_list(L, "relations", found.relations, push_source);
  set_list(L, "conditions", found.conditions, push_pins);
  return 1;
}

}  // namespace

void open_shape(lua_State* L) {
  module(L, "opsh.native.shape", {{"of", lua::guarded<shape>}});
}

}  // namespace opsh::bind
