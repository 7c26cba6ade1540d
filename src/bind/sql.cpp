#include <algorithm>

#include "bind/module.hpp"
#include "bind/modules.hpp"
#include "sql/gate.hpp"
#include "sql/identifier.hpp"
#include "sql/literal.hpp"
#include "sql/outline.hpp"
#include "sql/parameters.hpp"
#include "sql/statements.hpp"

namespace opsh::bind {
namespace {

/// The statement with something in each placeholder's place that parses both as a value and as a FROM item.
sql::Rendered stand_in(const std::string& text) {
  sql::Template statement = sql::parse_template(text);
  std::vector<std::string> replacements;
  for (const auto& placeholder : statement.placeholders())
    replacements.push_back(placeholder.name == "items" && !placeholder.has_alias ? "(select null) as items"
                                                                                 : "(select null)");
  return statement.render(replacements);
}

/// locks_rows(sql): whether it takes row locks. Errors: "sql.syntax", "sql.refused".
int locks_rows(lua_State* L) {
  sql::Rendered statement = stand_in(lua::check_string(L, 1));
  sql::gate_write(statement);
  lua_pushboolean(L, sql::locks_rows(statement));
  return 1;
}

/// check_read(sql): raises unless the statement passes the gate of a read session.
int check_read(lua_State* L) {
  sql::gate_read(stand_in(lua::check_string(L, 1)));
  return 0;
}

/// check_write(sql) -> the columns that UPDATE, or DO UPDATE, sets; raises unless a batch may send the statement.
int check_write(lua_State* L) {
  const sql::WriteSql statement = sql::gate_write(stand_in(lua::check_string(L, 1)));
  lua::push(L, statement.operation() ? statement.operation()->assigned : std::vector<std::string>{});
  return 1;
}

/// check_define(sql): raises unless a schema step may send the statement.
int check_define(lua_State* L) {
  sql::gate_define(stand_in(lua::check_string(L, 1)));
  return 0;
}

/// literal(text): a text, as SQL.
int literal(lua_State* L) {
  lua::push(L, std::string_view{sql::Literal{lua::check_string(L, 1)}.text()});
  return 1;
}

/// qualified(name): a table as an author writes it, as SQL.
int qualified(lua_State* L) {
  lua::push(L, std::string_view{sql::parse_qualified_name(lua::check_string(L, 1)).text()});
  return 1;
}

/// parts(name) -> schema or "", name: of a table as an author writes it, as the catalog has them.
int parts(lua_State* L) {
  const sql::QualifiedName name = sql::parse_qualified_name(lua::check_string(L, 1));
  lua::push(L, std::string_view{name.schema()});
  lua::push(L, std::string_view{name.name()});
  return 2;
}

/// identifier(name): a name as the catalog has it, as SQL.
int identifier(lua_State* L) {
  lua::push(L, std::string_view{sql::Identifier{lua::check_string(L, 1)}.text()});
  return 1;
}

int push_statements(lua_State* L, const sql::Statements& found) {
  lua_createtable(L, static_cast<int>(found.list.size()), 1);
  for (std::size_t at = 0; at < found.list.size(); ++at) {
    lua_createtable(L, 0, 3);
    lua::set_field(L, "text", found.list[at].text);
    lua::set_field(L, "word", found.list[at].word);
    lua::set_field(L, "line", static_cast<double>(found.list[at].line));
    lua_rawseti(L, -2, static_cast<int>(at + 1));
  }
  lua::set_flag(L, "ended", found.ended);
  return 1;
}

/// statements(text) -> { { text, word, line }, ..., ended }
int statements(lua_State* L) {
  return push_statements(L, sql::split(lua::check_string(L, 1)));
}

/// statements_of_file(text): the same, of a text that may be longer than a statement.
int statements_of_file(lua_State* L) {
  return push_statements(L, sql::split_file(lua::check_string(L, 1)));
}

/// placeholders(text) -> the names that stand behind a colon, each once
int placeholders(lua_State* L) {
  const sql::Template statement = sql::parse_template(lua::check_string(L, 1));
  std::vector<std::string> names;
  for (const auto& placeholder : statement.placeholders())
    if (!placeholder.name.empty() && std::ranges::find(names, placeholder.name) == names.end())
      names.push_back(placeholder.name);
  lua::push(L, names);
  return 1;
}

/// A list of tables, each filled by `fill`.
template <class List, class Fill>
void set_tables(lua_State* L, const char* name, const List& list, Fill&& fill) {
  lua::set_list(L, name, list, [&](const auto& each) {
    lua_createtable(L, 0, 4);
    fill(each);
  });
}

/// Offsets go to Lua as positions, from 1.
void set_position(lua_State* L, std::size_t offset) {
  lua::set_field(L, "at", static_cast<double>(offset + 1));
}

void set_counted(lua_State* L, const char* name, const std::optional<std::size_t>& count) {
  if (count) lua::set_field(L, name, static_cast<double>(*count));
}

/// outline(sql) -> what a statement says of itself: sql/outline.hpp. `kind` is nil for what is no statement on rows, or
/// cannot be parsed.
int outline(lua_State* L) {
  const sql::Template statement = sql::parse_template(lua::check_string(L, 1));
  const sql::Outline found = sql::outline(statement);
  lua_createtable(L, 0, 16);
  if (found.kind) {
    lua::set_field(L, "kind", word_of(*found.kind));
    lua::set_field(L, "schema", found.target.schema);
    lua::set_field(L, "target", found.target.name);
    lua::set_field(L, "target_at", static_cast<double>(found.target_offset + 1));
  }
  lua::set_flag(L, "has_where", found.has_where);
  lua::set_flag(L, "has_from", found.has_from);
  lua::set_flag(L, "has_limit", found.has_limit);
  lua::set_flag(L, "has_order", found.has_order);
  set_counted(L, "inserted", found.inserted);
  set_counted(L, "given", found.given);
  if (found.columns) {
    lua::push(L, *found.columns);
    lua_setfield(L, -2, "columns");
  }
  std::size_t number = 0;
  set_tables(L, "placeholders", statement.placeholders(), [&](const sql::Placeholder& each) {
    if (each.number > 0)
      lua::set_field(L, "number", static_cast<double>(each.number));
    else
      lua::set_field(L, "name", each.name);
    set_position(L, each.offset);
    lua::set_field(L, "length", static_cast<double>(each.length));
    lua::set_flag(L, "is_assigned", std::ranges::find(found.assigning, number++) != found.assigning.end());
  });
  set_tables(L, "functions", found.functions, [&](const sql::Outline::Name& each) {
    lua::set_field(L, "name", each.name);
    set_position(L, each.offset);
  });
  set_tables(L, "fields", found.fields, [&](const sql::Outline::Field& each) {
    lua::set_field(L, "relation", each.relation);
    lua::set_field(L, "name", each.name);
    set_position(L, each.offset);
  });
  set_tables(L, "relations", found.relations, [&](const sql::Outline::Relation& each) {
    lua::set_field(L, "alias", each.alias);
    lua::set_field(L, "placeholder", each.placeholder);
  });
  set_tables(L, "null_comparisons", found.null_comparisons, [&](std::size_t offset) { set_position(L, offset); });
  return 1;
}

}  // namespace

void open_sql(lua_State* L) {
  module(L, "opsh.native.sql",
         {{"locks_rows", lua::guarded<locks_rows>},
          {"check_read", lua::guarded<check_read>},
          {"check_write", lua::guarded<check_write>},
          {"check_define", lua::guarded<check_define>},
          {"outline", lua::guarded<outline>},
          {"literal", lua::guarded<literal>},
          {"qualified", lua::guarded<qualified>},
          {"parts", lua::guarded<parts>},
          {"identifier", lua::guarded<identifier>},
          {"placeholders", lua::guarded<placeholders>},
          {"statements", lua::guarded<statements>},
          {"statements_of_file", lua::guarded<statements_of_file>}});
}

}  // namespace opsh::bind
