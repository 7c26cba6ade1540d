#include <algorithm>

#include "bind/module.hpp"
#include "bind/modules.hpp"
#include "sql/gate.hpp"
#include "sql/identifier.hpp"
#include "sql/literal.hpp"
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

}  // namespace

void open_sql(lua_State* L) {
  module(L, "opsh.native.sql",
         {{"locks_rows", lua::guarded<locks_rows>},
          {"check_read", lua::guarded<check_read>},
          {"check_define", lua::guarded<check_define>},
          {"literal", lua::guarded<literal>},
          {"qualified", lua::guarded<qualified>},
          {"parts", lua::guarded<parts>},
          {"identifier", lua::guarded<identifier>},
          {"placeholders", lua::guarded<placeholders>},
          {"statements", lua::guarded<statements>},
          {"statements_of_file", lua::guarded<statements_of_file>}});
}

}  // namespace opsh::bind
