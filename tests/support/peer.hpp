#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "support/server.hpp"

struct pg_conn;

namespace test {

/// Somebody else's session, over plain libpq: its transactions stay open between calls.
class Peer {
 public:
  explicit Peer(const std::string& conninfo);

  /// Runs SQL, also several statements. Throws std::runtime_error with the server's message.
  std::vector<Row> run(const std::string& sql);

  int pid() const;

 private:
  struct Finish {
    void operator()(pg_conn* connection) const noexcept;
  };
  std::unique_ptr<pg_conn, Finish> connection_;
};

/// Asks again and again until it holds; false when it never did.
bool eventually(const std::function<bool()>& holds, opsh::Seconds within = opsh::Seconds{10});

}  // namespace test
