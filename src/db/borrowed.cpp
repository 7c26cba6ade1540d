#include "db/borrowed.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "db/pqxx_versions.hpp"

namespace opsh::db {

struct Borrowed::Lent {
  explicit Lent(PGconn* connection) : pqxx(connection) {}
  LentConnection pqxx;
};

Borrowed::Borrowed(pg_conn* connection) : lent_(std::make_unique<Lent>(connection)) {}

Borrowed::~Borrowed() = default;

std::string Borrowed::bytes(std::string_view text) {
  return lent_->pqxx.bytes_of(text);
}

void walk_array(std::string_view text, const std::function<void(ArrayStep, std::string_view)>& visit) {
  using juncture = pqxx::array_parser::juncture;
  // "[0:1]={...}": the bounds are not part of what libpqxx parses.
  if (!text.empty() && text.front() == '[') text.remove_prefix(std::min(text.find('=') + 1, text.size()));
  // libpqxx aborts on what is cut off.
  if (text.size() < 2 || text.front() != '{' || text.back() != '}')
    throw Error{"data.array", "not an array in PostgreSQL's text format"};
  std::string literal{text};
  // Of the bytes of UTF-8 none but ASCII itself looks like ASCII; a database without an encoding has others as well.
  pqxx::array_parser parser{literal.c_str(), pqxx::internal::encoding_group::MONOBYTE};
  try {
    for (;;) {
      auto [step, value] = parser.get_next();
      switch (step) {
        case juncture::row_start:
          visit(ArrayStep::open, {});
          break;
        case juncture::row_end:
          visit(ArrayStep::close, {});
          break;
        case juncture::null_value:
          visit(ArrayStep::null, {});
          break;
        case juncture::string_value:
          visit(ArrayStep::value, value);
          break;
        case juncture::done:
          return;
      }
    }
  } catch (const pqxx::failure& failure) {
    throw Error{"data.array", std::string{"not an array in PostgreSQL's text format: "} + failure.what()};
  }
}

}  // namespace opsh::db
