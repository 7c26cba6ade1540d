#pragma once

#include <string>
#include <vector>

#include "db/target.hpp"
#include "sql/gate.hpp"
#include "sql/parameters.hpp"
#include "support/server.hpp"

namespace test {

inline opsh::db::Target target(const std::string& conninfo) {
  opsh::db::Target target;
  target.conninfo = conninfo;
  return target;
}

inline opsh::db::Target target(const Database& database) {
  return target(database.conninfo());
}

/// A statement as an author writes it, its parameters as $n; one with a name is $1.
inline opsh::sql::Rendered rendered(const std::string& sql) {
  auto found = opsh::sql::parse_template(sql);
  std::vector<std::string> replacements;
  for (const auto& placeholder : found.placeholders())
    replacements.push_back("$" + std::to_string(placeholder.number ? placeholder.number : 1));
  return found.render(replacements);
}

/// The same past the gate.
inline opsh::sql::ReadSql read(const std::string& sql) {
  return opsh::sql::gate_read(rendered(sql));
}

inline opsh::sql::WriteSql write(const std::string& sql) {
  return opsh::sql::gate_write(rendered(sql));
}

}  // namespace test
