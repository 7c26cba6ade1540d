#include "backup/replacement.hpp"

#include <utility>

#include "backup/properties.hpp"
#include "base/interrupt.hpp"
#include "db/witness.hpp"
#include "db/writer.hpp"
#include "sql/literal.hpp"

namespace opsh::backup {

using sql::compose_write;
using sql::Identifier;
using sql::Literal;
using sql::WriteSql;
using sql::operator""_sql;

std::string Replacement::oid_named(db::Witness& session, const std::string& name) {
  db::Result found =
      session.query("select d.oid::pg_catalog.text from pg_catalog.pg_database as d where d.datname = $1"_sql,
                    {{name, db::oid::text}});
  return found.rows() == 0 ? std::string{} : std::string{*found.field(0, 0)};
}

Replacement::Replacement(db::Target target, ReplacedNames names)
    : target_(std::move(target)), names_(std::move(names)) {
  target_.judged = false;
}

/// Where nobody works, and which is neither of the two.
db::Target Replacement::maintenance() const {
  db::Target target = target_;
  target.database = names_.original == "postgres" ? "template1" : "postgres";
  if (target.database == "template1") return target;
  try {
    db::Witness{target};
  } catch (const Error& error) {
    if (error.kind != "connect.database" && error.kind != "permission.denied") throw;
    target.database = "template1";
  }
  return target;
}

void Replacement::create(const DatabaseShape& otherwise) {
  db::Writer writer{maintenance()};
  WriteSql statement = compose_write({"create database ", Identifier{names_.fresh}, " template template0"});
  if (!names_.original_oid.empty()) {
    writer.begin(db::CommitKey{});
    statement = creation_like(writer, names_.original_oid, names_.fresh);
    writer.rollback();
  } else {
    auto add = [&](const WriteSql& keyword, const std::string& value) {
      if (!value.empty()) statement = compose_write({statement, keyword, Literal{value}});
    };
    add(" encoding "_sql, otherwise.encoding);
    add(" lc_collate "_sql, otherwise.collate);
    add(" lc_ctype "_sql, otherwise.ctype);
  }
  writer.execute_alone(db::CommitKey{}, statement);
  db::Witness session{maintenance()};
  fresh_oid_ = oid_named(session, names_.fresh);
}

void Replacement::analyze() {
  db::Target target = target_;
  target.database = names_.fresh;
  target.statement_within = Seconds{0};
  db::Writer{target}.execute_alone(db::CommitKey{}, "analyze"_sql);
}

void Replacement::adopt_properties() {
  if (names_.original_oid.empty()) return;
  db::Writer writer{maintenance()};
  writer.begin(db::CommitKey{});
  for (const WriteSql& statement : adoption(writer, names_.original_oid, names_.fresh)) writer.execute(statement);
  require_alike(writer, names_.original_oid, fresh_oid_);
  if (writer.commit(db::CommitKey{}) != db::CommitAnswer::committed)
    throw Error{"connection.lost", "the connection was lost while the database's settings were copied",
                "check the server and its log"};
}

void Replacement::drop() {
  // Also after an interrupt: what was made is cleared away.
  interrupt::Shield shield;
  db::Writer writer{maintenance()};
  writer.execute_alone(db::CommitKey{},
                       compose_write({"drop database if exists ", Identifier{names_.fresh}, " with (force)"}));
}

}  // namespace opsh::backup
