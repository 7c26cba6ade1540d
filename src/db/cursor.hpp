#pragma once

#include <cstdint>
#include <string>

#include "db/parameters.hpp"
#include "db/result.hpp"
#include "sql/statement.hpp"

namespace opsh::db {

class Connection;

/// Rows of a query a block at a time, in constant memory, with the next FETCH already under way.
///
/// Other statements may run on the session between blocks: the one under way is then received first. The cursor lives
/// in the session's transaction and must not outlive the session.
class Cursor {
 public:
  /// Measured: more rows at a time do not fit the socket's buffer, and the server waits; fewer are more round trips.
  static constexpr int usual_block = 500;

  Cursor(Connection& connection, const sql::ReadSql& sql, const Parameters& parameters, int block = usual_block);
  ~Cursor();
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;

  /// The next block, at most `block` rows; one without rows ends it. The first block of a query without rows still has
  /// its columns.
  Result next();

  /// How many rows are left, and ends it: the server counts them and sends at most a block.
  std::uint64_t count_rest();

  /// Ends it early; idempotent.
  void close() noexcept;

 private:
  friend class Connection;
  void fetch();
  void land();

  Connection& connection_;
  int block_;
  unsigned era_;
  std::string name_;
  std::string fetch_text_;
  Result landed_;
  bool under_way_ = false;
  bool ended_ = false;
};

/// Some rows of a query, and how many it has.
struct Sample {
  Result rows;
  std::uint64_t total = 0;
};

/// The first `limit` rows; the others are counted by the server and not sent. For queries that mostly find nothing, as
/// checks do: counted first, with all the server's processes, and run again for rows only when there are some.
/// `beginning` runs a query once.
Sample sample(Connection& connection, const sql::ReadSql& sql, const Parameters& parameters, int limit);

/// At most 1000 rows of a query, and how many it has: the others are counted by the server and not sent.
Sample beginning(Connection& connection, const sql::ReadSql& sql, const Parameters& parameters);

}  // namespace opsh::db
