#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "db/connection.hpp"
#include "db/reader.hpp"
#include "db/writer.hpp"
#include "sql/identifier.hpp"
#include "sql/statement.hpp"

namespace opsh::db {

/// COPY (query) TO STDOUT in text format, a row at a time. Until it ends the session can run nothing else; ended
/// early, it takes the snapshot with it.
class CopyOut {
 public:
  CopyOut(Connection& connection, const sql::ReadSql& sql);
  CopyOut(Reader& reader, const sql::ReadSql& sql) : CopyOut(reader.connection(), sql) {}
  ~CopyOut();
  CopyOut(const CopyOut&) = delete;
  CopyOut& operator=(const CopyOut&) = delete;

  /// The next row's fields, decoded; false at the end. The fields are valid until the next call.
  bool next(std::vector<std::optional<std::string>>& fields);

 private:
  Connection& connection_;
  bool ended_ = false;
};

/// COPY table (columns) FROM STDIN in text format. finish() must be called; without it the COPY is abandoned, and the
/// transaction with it.
class CopyIn {
 public:
  CopyIn(Writer& writer, const sql::QualifiedName& table, std::span<const sql::Identifier> columns);
  ~CopyIn();
  CopyIn(const CopyIn&) = delete;
  CopyIn& operator=(const CopyIn&) = delete;

  void row(std::span<const std::optional<std::string_view>> fields);

  /// Returns how many rows the server took.
  std::uint64_t finish();

 private:
  void flush();

  Connection& connection_;
  std::string buffer_;
  bool ended_ = false;
};

}  // namespace opsh::db
