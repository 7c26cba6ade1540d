#pragma once

#include <string>
#include <vector>

#include "db/reader.hpp"
#include "journal/tables.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"
#include "support/server.hpp"
#include "support/statement.hpp"

namespace test {

using Strings = std::vector<std::string>;

inline opsh::journal::Tables examine(const std::string& conninfo,
                                     const std::vector<opsh::journal::DeclaredName>& names) {
  opsh::db::Reader reader{target(conninfo)};
  return opsh::journal::examine_tables(reader, names);
}

/// A database with tables to examine.
struct Examined {
  explicit Examined(const std::string& schema) { database.query(schema); }

  opsh::journal::Tables examine(const std::vector<opsh::journal::DeclaredName>& names) const {
    return test::examine(database.conninfo(), names);
  }
  /// The error for one table; its kind is "passed" when there is none.
  opsh::Error refusal(const std::string& name) const {
    return failure([&] { examine({{name}}); });
  }
  Strings key(const std::string& name) const { return examine({{name}}).declared.at(0).key; }

  Database database;
};

/// The names of the leaf's key columns, by way of its own columns.
inline Strings key_of(const opsh::journal::Leaf& leaf) {
  Strings names;
  for (std::size_t at : leaf.key) names.push_back(leaf.columns.at(at).name);
  return names;
}

inline bool holds(const std::string& text, const std::string& piece) {
  return text.find(piece) != std::string::npos;
}

/// Refused, with the fact and the remedy in its words.
inline void check_refused(const opsh::Error& error, const std::string& fact, const std::string& remedy) {
  INFO(error.message);
  INFO(error.hint);
  CHECK(error.kind == "refused.journal");
  CHECK(holds(error.message, fact));
  CHECK(holds(error.hint, remedy));
}

}  // namespace test
