#include "backup/properties.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "sql/literal.hpp"

namespace opsh::backup {
namespace {

using sql::compose_write;
using sql::Identifier;
using sql::Literal;
using sql::WriteSql;
using sql::operator""_sql;

db::Parameters oid_of(const std::string& oid) {
  return {{oid, db::oid::oid}};
}

std::string text(const db::Result& result, int row, int column) {
  return std::string{result.field(row, column).value_or("")};
}

/// Settings whose value is a list of quoted names: each name is a literal of its own (pg_dump's
/// variable_is_guc_list_quote).
bool is_quoted_list(std::string_view setting) {
  constexpr std::array<std::string_view, 6> lists{"local_preload_libraries",   "search_path",
                                                  "session_preload_libraries", "shared_preload_libraries",
                                                  "temp_tablespaces",          "unix_socket_directories"};
  return std::find(lists.begin(), lists.end(), setting) != lists.end();
}

/// The names in `"$user", public`.
std::vector<std::string> list_of(std::string_view value) {
  std::vector<std::string> names{""};
  bool quoted = false;
  for (std::size_t at = 0; at < value.size(); ++at) {
    const char c = value[at];
    if (c == '"' && quoted && at + 1 < value.size() && value[at + 1] == '"') {
      names.back() += value[at++];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      names.emplace_back();
    } else if (c != ' ' || quoted) {
      names.back() += c;
    }
  }
  return names;
}

WriteSql value_of(std::string_view setting, std::string_view value) {
  if (!is_quoted_list(setting)) return compose_write({Literal{value}});
  WriteSql list{""_sql};
  for (const std::string& name : list_of(value))
    list = list.text().empty() ? compose_write({Literal{name}}) : compose_write({list, ", ", Literal{name}});
  return list;
}

void add_settings(db::Writer& writer, const std::string& original_oid, const Identifier& fresh,
                  std::vector<WriteSql>& statements) {
  db::Result settings = writer.query(
      "select r.rolname, pg_catalog.split_part(c.setting, '=', 1), "
      "pg_catalog.substr(c.setting, pg_catalog.strpos(c.setting, '=') + 1) "
      "from pg_catalog.pg_db_role_setting as s cross join pg_catalog.unnest(s.setconfig) as c (setting) "
      "left join pg_catalog.pg_roles as r on r.oid = s.setrole where s.setdatabase = $1"_sql,
      oid_of(original_oid));
  for (int row = 0; row < settings.rows(); ++row) {
    const std::string name = text(settings, row, 1);
    const WriteSql set = compose_write({" set ", Identifier{name}, " to ", value_of(name, text(settings, row, 2))});
    if (settings.field(row, 0))
      statements.push_back(
          compose_write({"alter role ", Identifier{text(settings, row, 0)}, " in database ", fresh, set}));
    else
      statements.push_back(compose_write({"alter database ", fresh, set}));
  }
}

WriteSql privilege(std::string_view name) {
  if (name == "CONNECT") return "connect"_sql;
  if (name == "CREATE") return "create"_sql;
  if (name == "TEMPORARY") return "temporary"_sql;
  throw Error{"backup.properties", fmt::format("the database grants {}, which this opsh does not know", name)};
}

void add_privileges(db::Writer& writer, const std::string& original_oid, const Identifier& fresh,
                    std::vector<WriteSql>& statements) {
  db::Result grants = writer.query(
      "select a.privilege_type, r.rolname, a.is_grantable, pg_catalog.pg_get_userbyid(d.datdba) "
      "from pg_catalog.pg_database as d left join lateral pg_catalog.aclexplode(d.datacl) as a on true "
      "left join pg_catalog.pg_roles as r on r.oid = a.grantee where d.oid = $1 and d.datacl is not null"_sql,
      oid_of(original_oid));
  if (grants.rows() == 0) return;
  statements.push_back(compose_write({"revoke all on database ", fresh, " from public"}));
  statements.push_back(compose_write({"revoke all on database ", fresh, " from ", Identifier{text(grants, 0, 3)}}));
  for (int row = 0; row < grants.rows(); ++row) {
    if (!grants.field(row, 0)) continue;
    const WriteSql grantee = grants.field(row, 1) ? compose_write({Identifier{text(grants, row, 1)}}) : "public"_sql;
    const WriteSql option = grants.field(row, 2) == "t" ? " with grant option"_sql : ""_sql;
    statements.push_back(
        compose_write({"grant ", privilege(text(grants, row, 0)), " on database ", fresh, " to ", grantee, option}));
  }
}

}  // namespace

WriteSql creation_like(db::Writer& writer, const std::string& original_oid, const std::string& fresh) {
  // The columns of a locale differ between releases.
  db::Result d = writer.query(
      "select pg_catalog.pg_get_userbyid(d.datdba), pg_catalog.pg_encoding_to_char(d.encoding), d.datcollate, "
      "d.datctype, t.spcname, pg_catalog.to_jsonb(d) ->> 'datlocprovider', "
      "coalesce(pg_catalog.to_jsonb(d) ->> 'datlocale', pg_catalog.to_jsonb(d) ->> 'daticulocale'), "
      "pg_catalog.to_jsonb(d) ->> 'daticurules' "
      "from pg_catalog.pg_database as d join pg_catalog.pg_database as o on o.datname = 'template0' "
      // Named, a tablespace asks for a privilege that the usual one is used without.
      "left join pg_catalog.pg_tablespace as t on t.oid = d.dattablespace and t.oid <> o.dattablespace "
      "where d.oid = $1"_sql,
      oid_of(original_oid));
  if (d.rows() == 0) throw Error{"backup.replaced", "the database is gone: somebody has dropped it meanwhile"};
  WriteSql statement = compose_write({"create database ", Identifier{fresh}, " template template0 owner ",
                                      Identifier{text(d, 0, 0)}, " encoding ", Literal{text(d, 0, 1)}, " lc_collate ",
                                      Literal{text(d, 0, 2)}, " lc_ctype ", Literal{text(d, 0, 3)}});
  if (d.field(0, 4)) statement = compose_write({statement, " tablespace ", Identifier{text(d, 0, 4)}});
  const auto provider = d.field(0, 5);
  const Literal locale{text(d, 0, 6)};
  if (provider == "c")
    statement = compose_write({statement, " locale_provider libc"});
  else if (provider == "i")
    statement = compose_write({statement, " locale_provider icu icu_locale ", locale});
  else if (provider == "b")
    statement = compose_write({statement, " locale_provider builtin builtin_locale ", locale});
  if (d.field(0, 7)) statement = compose_write({statement, " icu_rules ", Literal{text(d, 0, 7)}});
  return statement;
}

std::vector<WriteSql> adoption(db::Writer& writer, const std::string& original_oid, const std::string& fresh) {
  std::vector<WriteSql> statements;
  const Identifier name{fresh};
  add_settings(writer, original_oid, name, statements);
  add_privileges(writer, original_oid, name, statements);
  db::Result other = writer.query(
      "select pg_catalog.shobj_description(d.oid, 'pg_database'), d.datconnlimit::pg_catalog.text "
      "from pg_catalog.pg_database as d where d.oid = $1"_sql,
      oid_of(original_oid));
  if (other.rows() > 0 && other.field(0, 0))
    statements.push_back(compose_write({"comment on database ", name, " is ", Literal{text(other, 0, 0)}}));
  if (other.rows() > 0 && other.field(0, 1) != "-1")
    statements.push_back(
        compose_write({"alter database ", name, " connection limit ", Literal{std::stoi(text(other, 0, 1))}}));
  return statements;
}

void require_alike(db::Writer& writer, const std::string& original_oid, const std::string& fresh_oid) {
  db::Result unlike = writer.query(
      "with property (database, what) as ("
      "select s.setdatabase, pg_catalog.format('the setting %s%s', c.setting, "
      "case when s.setrole = 0 then '' else ' of ' || pg_catalog.pg_get_userbyid(s.setrole) end) "
      "from pg_catalog.pg_db_role_setting as s cross join pg_catalog.unnest(s.setconfig) as c (setting) "
      "union all select d.oid, pg_catalog.format('the privilege %s of %s%s', a.privilege_type, "
      "case when a.grantee = 0 then 'public' else pg_catalog.pg_get_userbyid(a.grantee)::pg_catalog.text end, "
      "case when a.is_grantable then ' with grant option' else '' end) "
      "from pg_catalog.pg_database as d cross join "
      "pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) as a "
      "union all select d.oid, p.what from pg_catalog.pg_database as d cross join lateral (values "
      "('the owner ' || pg_catalog.pg_get_userbyid(d.datdba)), "
      "('the encoding ' || pg_catalog.pg_encoding_to_char(d.encoding)), "
      "('the collation ' || d.datcollate), ('the character type ' || d.datctype), "
      "('the connection limit ' || d.datconnlimit), "
      "('the comment ' || pg_catalog.shobj_description(d.oid, 'pg_database'))) as p (what) where p.what is not null), "
      "original as (select p.what from property as p where p.database = $1), "
      "fresh as (select p.what from property as p where p.database = $2) "
      "(select 'only the original has ' || u.what from (select what from original except select what from fresh) as u) "
      "union all "
      "(select 'only the new one has ' || u.what from (select what from fresh except select what from original) as u) "
      "order by 1"_sql,
      {{original_oid, db::oid::oid}, {fresh_oid, db::oid::oid}});
  if (unlike.rows() == 0) return;
  throw Error{"backup.properties",
              fmt::format("the new database is not like the original: {}{}", text(unlike, 0, 0),
                          unlike.rows() > 1 ? fmt::format(", and {} more", unlike.rows() - 1) : ""),
              "somebody may have changed it meanwhile: run it again"};
}

}  // namespace opsh::backup
