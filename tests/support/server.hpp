#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sandbox/server.hpp"

namespace test {

/// The sandbox of this test process, started when it is first asked for.
opsh::sandbox::Server& server();

using Row = std::vector<std::optional<std::string>>;

/// Runs SQL over a connection of its own through plain libpq, independent of opsh's code; returns the rows of the last
/// statement, as text. Throws std::runtime_error with the server's message.
std::vector<Row> query(const std::string& conninfo, const std::string& sql);

/// A fresh database, dropped at the end with whoever is still connected.
class Database {
 public:
  /// A copy of the database `original`, to which nobody may be connected.
  explicit Database(const std::string& original = "template0");
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  const std::string& name() const { return name_; }
  const std::string& conninfo() const { return conninfo_; }
  std::vector<Row> query(const std::string& sql) const { return test::query(conninfo_, sql); }
  /// The first column of the first row. Throws when there is no row or it is null.
  std::string value(const std::string& sql) const;

 private:
  std::string name_;
  std::string conninfo_;
};

}  // namespace test
