#include "db/relation.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sql/identifier.hpp"

namespace opsh::db {

void ArrayText::add(std::optional<std::string_view> element) {
  if (text_.size() > 1) text_ += ',';
  if (!element) {
    text_ += "NULL";
    return;
  }
  // Most keys are numbers, and the server reads them faster without quotes.
  auto is_digit = [](char character) { return (character >= '0' && character <= '9') || character == '-'; };
  bool plain = !element->empty() && std::ranges::all_of(*element, is_digit);
  if (plain) {
    text_ += *element;
    return;
  }
  text_ += '"';
  std::size_t at = 0, quote = element->find('"'), backslash = element->find('\\');
  while (std::min(quote, backslash) != std::string_view::npos) {
    std::size_t next = std::min(quote, backslash);
    text_ += element->substr(at, next - at);
    text_ += '\\';
    at = next;
    (next == quote ? quote : backslash) = element->find((*element)[next], next + 1);
  }
  text_ += element->substr(at);
  text_ += '"';
}

void ArrayText::add_nested(std::string_view array) {
  if (text_.size() > 1) text_ += ',';
  text_ += array;
}

std::string ArrayText::take() {
  return std::move(text_) + "}";
}

std::string relation(std::span<const RelationColumn> columns, Parameters& parameters) {
  std::string names, values, arrays;
  for (const auto& column : columns) {
    std::string name = sql::Identifier{column.name}.text();
    const char* comma = names.empty() ? "" : ", ";
    // An array has no array type of its own: it travels as text and is read by the cast, which is its input function.
    bool has_array = column.type.array != 0;
    std::size_t number = parameters.add(column.elements, has_array ? column.type.array : oid::text_array);
    names += comma + name;
    values += comma + (has_array ? name : fmt::format("{0}::{1} as {0}", name, column.type.name));
    arrays += fmt::format("{}pg_catalog.unnest(${})", comma, number);
  }
  // Not unnest($1, $2): the parser knows that form only without a schema.
  return fmt::format("(select {} from rows from ({}) as opsh_rows({}))", values, arrays, names);
}

}  // namespace opsh::db
