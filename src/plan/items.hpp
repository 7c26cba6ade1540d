#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "db/relation.hpp"
#include "plan/spool.hpp"

namespace opsh::plan {

/// The items of one batch, in key order, as the server's own text. A copy of some rows of the spool.
class Items {
 public:
  /// `keys` are the key's columns, by position.
  Items(std::vector<Column> columns, std::vector<std::size_t> keys);

  void append(std::span<const Field> row);

  std::size_t size() const { return size_; }
  /// What they take in memory.
  std::size_t memory() const { return bytes_.capacity() + places_.capacity() * sizeof(Place); }
  const std::vector<Column>& columns() const { return columns_; }
  const std::vector<std::size_t>& keys() const { return keys_; }
  Field field(std::size_t row, std::size_t column) const;

  /// The key's values of a row; a key is never NULL.
  std::vector<std::string> key(std::size_t row) const;

  /// Those rows only, in the order given.
  Items only(std::span<const std::size_t> rows) const;

  /// Some columns, for SQL.
  std::vector<db::RelationColumn> relation(std::span<const std::size_t> columns) const;
  std::vector<db::RelationColumn> relation() const;

 private:
  struct Place {
    std::size_t begin;
    std::uint32_t length;
    bool null;
  };

  std::vector<Column> columns_;
  std::vector<std::size_t> keys_;
  std::string bytes_;
  std::vector<Place> places_;  ///< row by row
  std::size_t size_ = 0;       ///< rows
};

}  // namespace opsh::plan
