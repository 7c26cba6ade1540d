#include "db/result.hpp"

#include <libpq-fe.h>

#include <charconv>

namespace opsh::db {

void Result::Clear::operator()(pg_result* result) const noexcept {
  PQclear(result);
}

int Result::rows() const {
  return PQntuples(result_.get());
}

int Result::columns() const {
  return PQnfields(result_.get());
}

std::string_view Result::name(int column) const {
  return PQfname(result_.get(), column);
}

std::vector<ColumnShape> Result::shape() const {
  std::vector<ColumnShape> shape;
  for (int column = 0; column < columns(); ++column) shape.push_back({std::string{name(column)}, type(column)});
  return shape;
}

unsigned Result::type(int column) const {
  return PQftype(result_.get(), column);
}

std::optional<std::string_view> Result::field(int row, int column) const {
  // A NULL has the length 0: one call less for every field that has something in it.
  auto length = static_cast<std::size_t>(PQgetlength(result_.get(), row, column));
  if (length == 0 && PQgetisnull(result_.get(), row, column)) return std::nullopt;
  return std::string_view{PQgetvalue(result_.get(), row, column), length};
}

std::string_view Result::tag() const {
  return PQcmdStatus(result_.get());
}

std::uint64_t Result::affected() const {
  std::string_view text = PQcmdTuples(result_.get());
  std::uint64_t count = 0;
  std::from_chars(text.data(), text.data() + text.size(), count);
  return count;
}

}  // namespace opsh::db
