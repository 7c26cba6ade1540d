#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "db/parameters.hpp"
#include "db/types.hpp"

namespace opsh::db {

/// Builds the text of a one-dimensional array, `{"a",NULL,1}`. What is not digits is quoted, so nothing is misread.
class ArrayText {
 public:
  void add(std::optional<std::string_view> element);
  /// An array inside the array, as made by another ArrayText.
  void add_nested(std::string_view array);
  std::string take();

 private:
  std::string text_ = "{";
};

/// One column of rows that travel to the server as an array.
struct RelationColumn {
  std::string name;
  Type type;
  std::string elements;  ///< from ArrayText
};

/// The FROM item for rows held by the client: a subquery over unnest, without alias. Adds one parameter per column,
/// with the array type of the column, so that the server reads each value by its type's own input function.
std::string relation(std::span<const RelationColumn> columns, Parameters& parameters);

}  // namespace opsh::db
