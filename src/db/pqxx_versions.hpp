#pragma once

#include <libpq-fe.h>

#include <pqxx/array>
#include <pqxx/except>
#include <string>
#include <string_view>

// What differs between libpqxx 6.4 (Debian 12) and 7.10 (Debian 13): how a connection is lent, and the names of bytea.
#if __has_include(<pqxx/connectionpolicy>)
#include <pqxx/connection_base>
#include <pqxx/connectionpolicy>
#else
#include <pqxx/connection>
#include <utility>
#endif

namespace opsh::db {

#if __has_include(<pqxx/connectionpolicy>)

/// Hands out the connection and forgets it: libpqxx must neither open nor finish it.
class LendingPolicy : public pqxx::connectionpolicy {
 public:
  explicit LendingPolicy(PGconn* connection) : connectionpolicy(std::string{}), connection_(connection) {}

  handle do_startconnect(handle) override { return usable(); }
  handle do_completeconnect(handle) override { return usable(); }
  handle do_dropconnect(handle) noexcept override { return nullptr; }
  handle do_disconnect(handle) noexcept override { return nullptr; }
  bool is_ready(handle) const noexcept override { return true; }

 private:
  handle usable() const {
    if (PQstatus(connection_) != CONNECTION_OK) throw pqxx::broken_connection{"the connection is lost"};
    return connection_;
  }

  PGconn* connection_;
};

/// A libpqxx connection on a PGconn that stays ours.
class LentConnection : LendingPolicy, public pqxx::connection_base {
 public:
  explicit LentConnection(PGconn* connection)
      : LendingPolicy(connection), connection_base(static_cast<LendingPolicy&>(*this)) {
    init();
  }
  ~LentConnection() override { close(); }

  std::string bytes_of(std::string_view text) { return unesc_raw(std::string{text}); }
};

#else

/// A libpqxx connection on a PGconn that stays ours.
class LentConnection {
 public:
  explicit LentConnection(PGconn* connection) : connection_(pqxx::connection::seize_raw_connection(connection)) {}
  ~LentConnection() { std::move(connection_).release_raw_connection(); }

  std::string bytes_of(std::string_view text) {
    auto bytes = connection_.unesc_bin(text);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

 private:
  pqxx::connection connection_;
};

#endif

}  // namespace opsh::db
