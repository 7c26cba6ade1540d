#pragma once

#include <memory>
#include <string>

struct pg_conn;

namespace attacks {

/// Somebody else's session, in the middle of a long statement.
class Bystander {
 public:
  explicit Bystander(const std::string& conninfo);
  int pid() const;
  /// Whether its statement still runs.
  bool is_undisturbed();

 private:
  std::unique_ptr<pg_conn, void (*)(pg_conn*)> connection_;
};

/// A session that listens on the channel attack.
class Listener {
 public:
  explicit Listener(const std::string& conninfo);
  /// How many notifications have come since it listens.
  int heard();

 private:
  std::unique_ptr<pg_conn, void (*)(pg_conn*)> connection_;
  int heard_ = 0;
};

}  // namespace attacks
