#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct pg_result;

namespace opsh::db {

/// A column of a query's answer.
struct ColumnShape {
  std::string name;
  unsigned type = 0;  ///< oid
};

/// The answer to one statement, in text format. Owns libpq's result; views into it live as long as it does.
class Result {
 public:
  Result() = default;
  explicit Result(pg_result* owned) : result_(owned) {}

  int rows() const;
  int columns() const;
  std::string_view name(int column) const;
  std::vector<ColumnShape> shape() const;
  unsigned type(int column) const;  ///< oid; a domain shows as its base type (PostgreSQL's RowDescription)

  /// The server's own text of a field; nothing is NULL. Bytes, with their length: text cannot hold NUL, bytea is hex.
  std::optional<std::string_view> field(int row, int column) const;

  /// "INSERT 0 5", "SELECT 3".
  std::string_view tag() const;
  /// Rows that the statement touched or returned, from the tag.
  std::uint64_t affected() const;

  pg_result* get() const { return result_.get(); }
  explicit operator bool() const { return result_ != nullptr; }

 private:
  struct Clear {
    void operator()(pg_result* result) const noexcept;
  };
  std::unique_ptr<pg_result, Clear> result_;
};

}  // namespace opsh::db
