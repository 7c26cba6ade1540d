#pragma once

#include <string>
#include <vector>

#include "db/relation.hpp"
#include "journal/composer.hpp"
#include "journal/current_leaf.hpp"
#include "journal/images.hpp"

namespace opsh::journal {

/// Rows that travel to the server as arrays, a column each: `rows from (unnest($1), ...) as opsh_new (k1, ...)`. Each
/// value is read by the input function of its column's type.
template <class Sql>
class RowValues {
 public:
  RowValues(db::Connection& connection, const CurrentLeaf& leaf, db::Parameters& parameters)
      : connection_(connection), leaf_(leaf), parameters_(parameters) {}

  /// Values of a column of the leaf, under a name of their own.
  void add(std::string name, std::size_t column, db::ArrayText values) {
    const Column& shape = leaf_.leaf.columns[column];
    unsigned array = connection_.type(shape.type).array;
    // A type without an array type (an array, a composite) is read from text by a cast, which is its input function.
    bool cast = array == 0;
    add(std::move(name), std::move(values), cast ? db::oid::text_array : array, cast ? shape.number : 0);
  }

  /// Texts.
  void add_texts(std::string name, db::ArrayText values) {
    add(std::move(name), std::move(values), db::oid::text_array, 0);
  }

  void append_from(Composer<Sql>& sql) const {
    sql << "rows from (";
    for (std::size_t at = 0; at < columns_.size(); ++at)
      sql.comma(at == 0) << "pg_catalog.unnest(" << sql::Parameter{columns_[at].parameter} << ")";
    sql << ") as opsh_new (";
    for (std::size_t at = 0; at < columns_.size(); ++at) sql.comma(at == 0) << sql::Identifier{columns_[at].name};
    sql << ")";
  }

  /// The value of the column that was added as the `at`th.
  void append_value(Composer<Sql>& sql, std::size_t at) const {
    const Sent& sent = columns_[at];
    sql << "opsh_new." << sql::Identifier{sent.name};
    if (sent.cast_number != 0) sql << "::" << leaf_.types.at(sent.cast_number);
  }

  /// The array that was added as the `at`th.
  sql::Parameter array(std::size_t at) const { return sql::Parameter{columns_[at].parameter}; }

  /// Between which two the keys lie: then the least and the greatest are parameters.
  void add_range(std::int64_t least, std::int64_t greatest) {
    for (auto bound : {least, greatest})
      range_.emplace_back(static_cast<int>(parameters_.add(std::to_string(bound), db::oid::int8)));
  }
  const std::vector<sql::Parameter>& range() const { return range_; }

  std::size_t size() const { return columns_.size(); }

 private:
  struct Sent {
    std::string name;
    int parameter = 0;
    int cast_number = 0;  ///< of the column whose type the text is cast to; 0: none
  };

  void add(std::string name, db::ArrayText values, unsigned type, int cast_number) {
    auto parameter = static_cast<int>(parameters_.add(values.take(), type));
    columns_.push_back({std::move(name), parameter, cast_number});
  }

  db::Connection& connection_;
  const CurrentLeaf& leaf_;
  db::Parameters& parameters_;
  std::vector<Sent> columns_;
  std::vector<sql::Parameter> range_;
};

/// Adds the keys of the rows that are `wanted`, as the first of `values`.
template <class Sql, class Wanted>
void add_keys(RowValues<Sql>& values, const CurrentChunk& current, const std::vector<Key>& keys, Wanted&& wanted) {
  std::vector<db::ArrayText> arrays(current.key.size());
  for (std::size_t row = 0; row < keys.size(); ++row) {
    if (!wanted(row)) continue;
    auto fields = fields_of(keys[row]);
    for (std::size_t part = 0; part < arrays.size(); ++part) arrays[part].add(fields[part]);
  }
  for (std::size_t part = 0; part < arrays.size(); ++part)
    values.add("k" + std::to_string(part + 1), current.key[part], std::move(arrays[part]));
  if (current.key.size() > 1) return;
  if (auto range = integer_range(current.leaf->leaf.columns[current.key.front()].type, keys))
    values.add_range(range->first, range->second);
}

/// A column of the leaf, in a statement that calls it `opsh_row`.
template <class Sql>
void append_column(Composer<Sql>& sql, const CurrentChunk& current, std::size_t column) {
  sql << "opsh_row." << sql::Identifier{current.leaf->leaf.columns[column].name};
}

/// The key's columns are equal to those of `values`.
template <class Sql>
void append_key_match(Composer<Sql>& sql, const CurrentChunk& current, const RowValues<Sql>& values) {
  for (std::size_t part = 0; part < current.key.size(); ++part) {
    if (part > 0) sql << " and ";
    append_column(sql, current, current.key[part]);
    sql << " = ";
    values.append_value(sql, part);
  }
  // Without one of the two 10 000 keys are joined by hashing the whole table: of 200 000 rows, three times the time.
  if (!values.range().empty()) {
    append_column(sql << " and ", current, current.key.front());
    sql << " between " << values.range()[0] << " and " << values.range()[1];
  } else if (current.key.size() == 1 && db::fixed_type(current.leaf->leaf.columns[current.key.front()].type)) {
    append_column(sql << " and ", current, current.key.front());
    sql << " = any(" << values.array(0) << ")";
  }
}

/// `only <leaf> as opsh_row join <the keys> on ...`
template <class Sql>
void append_keyed_rows(Composer<Sql>& sql, const CurrentChunk& current, const RowValues<Sql>& values) {
  sql << "only " << current.leaf->leaf.name << " as opsh_row join ";
  values.append_from(sql);
  sql << " on ";
  append_key_match(sql, current, values);
}

}  // namespace opsh::journal
