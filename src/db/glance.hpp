#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "db/parameters.hpp"
#include "db/reader.hpp"
#include "db/writer.hpp"
#include "sql/rendered.hpp"

namespace opsh::db {

/// A value that is too long to be looked at, and was not sent.
struct LongValue {
  int row = 0;     ///< from 0
  int column = 0;  ///< from 0
  std::uint64_t bytes = 0;
  std::string beginning;  ///< a few characters; of bytea its hex digits
};

/// What a person looks at: as Reader::beginning, but a long value of text, bytea, JSON or XML is NULL and in
/// `long_values`. So memory is bounded, whatever is in a row.
struct Glance {
  Sample sample;
  int columns = 0;  ///< of the query; those behind are the host's
  std::vector<LongValue> long_values;
};

Glance glance(Reader& reader, const sql::Rendered& query, const Parameters& parameters);
/// In a transaction that writes.
Glance glance(Writer& writer, const sql::Rendered& query, const Parameters& parameters);

}  // namespace opsh::db
