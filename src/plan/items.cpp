#include "plan/items.hpp"

#include <numeric>

namespace opsh::plan {

Items::Items(std::vector<Column> columns, std::vector<std::size_t> keys)
    : columns_(std::move(columns)), keys_(std::move(keys)) {}

void Items::append(std::span<const Field> row) {
  for (const Field& field : row) {
    places_.push_back({bytes_.size(), static_cast<std::uint32_t>(field ? field->size() : 0), !field});
    if (field) bytes_ += *field;
  }
  ++size_;
}

Field Items::field(std::size_t row, std::size_t column) const {
  const Place& place = places_[row * columns_.size() + column];
  if (place.null) return std::nullopt;
  return std::string_view{bytes_}.substr(place.begin, place.length);
}

std::vector<std::string> Items::key(std::size_t row) const {
  std::vector<std::string> key;
  for (std::size_t column : keys_) key.emplace_back(field(row, column).value());
  return key;
}

Items Items::only(std::span<const std::size_t> rows) const {
  Items chosen{columns_, keys_};
  std::vector<Field> fields(columns_.size());
  for (std::size_t row : rows) {
    for (std::size_t column = 0; column < fields.size(); ++column) fields[column] = field(row, column);
    chosen.append(fields);
  }
  return chosen;
}

std::vector<db::RelationColumn> Items::relation(std::span<const std::size_t> columns) const {
  std::vector<db::RelationColumn> relation;
  for (std::size_t column : columns) {
    db::ArrayText elements;
    for (std::size_t row = 0; row < size(); ++row) elements.add(field(row, column));
    const Column& shape = columns_[column];
    relation.push_back({shape.name, {shape.type, shape.array_type, 0, shape.type_name}, elements.take()});
  }
  return relation;
}

std::vector<db::RelationColumn> Items::relation() const {
  std::vector<std::size_t> all(columns_.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return relation(all);
}

}  // namespace opsh::plan
