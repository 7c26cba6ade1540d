#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct pg_conn;

namespace opsh::sandbox {

/// A short connection for what the sandbox itself has to say to its server. It names libpq because this happens before
/// and beside everything that opsh promises about connections.
class Session {
 public:
  /// Connects; nothing when the server does not answer or refuses.
  static std::optional<Session> open(const std::string& conninfo);

  /// The server's version text.
  std::string version() const;
  int version_number() const;
  std::string identifier(std::string_view name) const;
  /// Errors: "sandbox.database", with the server's SQLSTATE.
  void execute(const std::string& sql);

 private:
  using Handle = std::unique_ptr<pg_conn, void (*)(pg_conn*)>;
  explicit Session(Handle connection) : connection_(std::move(connection)) {}

  Handle connection_;
};

/// A connection string's value, in quotes.
std::string conninfo_quoted(std::string_view value);

}  // namespace opsh::sandbox
