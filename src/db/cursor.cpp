#include "db/cursor.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/interrupt.hpp"
#include "db/connection.hpp"
#include "db/session.hpp"

namespace opsh::db {
Cursor::Cursor(Connection& connection, const sql::ReadSql& sql, const Parameters& parameters, int block)
    : connection_(connection),
      block_(block),
      era_(connection.era()),
      name_(fmt::format("opsh_cursor_{}", connection.next_cursor())) {
  connection.permit(sql);
  fetch_text_ = fmt::format("fetch forward {} from {}", block, name_);
  std::string declare = fmt::format("declare {} no scroll cursor for ", name_);
  auto offset = static_cast<int>(declare.size());
  declare += sql.text();
  located(sql, offset, [&] { connection_.execute(declare.c_str(), parameters); });
  fetch();
}

Cursor::~Cursor() {
  close();
}

void Cursor::fetch() {
  connection_.land();
  connection_.send(fetch_text_.c_str(), {});
  connection_.in_flight_ = this;
  under_way_ = true;
}

void Cursor::land() {
  if (!under_way_) return;
  under_way_ = false;
  connection_.in_flight_ = nullptr;
  landed_ = connection_.receive();
}

Result Cursor::next() {
  if (ended_) return {};
  if (connection_.era() != era_)
    throw Error{"cursor.closed", "the transaction or savepoint that this cursor was opened in is over"};
  land();
  Result block_of_rows = std::move(landed_);
  if (!block_of_rows) throw Error{"cursor.closed", "the query of this cursor has failed"};
  if (block_of_rows.rows() < block_)
    close();
  else
    fetch();
  return block_of_rows;
}

std::uint64_t Cursor::count_rest() {
  Result under_way = next();
  if (!under_way) return 0;
  auto count = static_cast<std::uint64_t>(under_way.rows());
  if (ended_) return count;
  land();
  count += static_cast<std::uint64_t>(landed_.rows());
  count += connection_.execute(("move forward all from " + name_).c_str(), {}).affected();
  close();
  return count;
}

void Cursor::close() noexcept {
  if (ended_) return;
  ended_ = true;
  if (connection_.lost() || connection_.era() != era_) return;
  interrupt::Shield shield;
  try {
    if (under_way_) land();
    connection_.execute(("close " + name_).c_str(), {});
  } catch (const Error&) {
    // The transaction is doomed or the connection lost; either takes the cursor with it.
  }
}

Sample sample(Connection& connection, const sql::ReadSql& sql, const Parameters& parameters, int limit) {
  connection.permit(sql);
  // Counted by a query of its own: the server works on it with several processes, which it never does on a cursor's.
  constexpr std::string_view before = "select pg_catalog.count(*) from (";
  std::string count = fmt::format("{}{}\n) as opsh_counted", before, sql.text());
  Result counted =
      located(sql, static_cast<int>(before.size()), [&] { return connection.execute(count.c_str(), parameters); });
  Sample found;
  auto total = *counted.field(0, 0);
  std::from_chars(total.data(), total.data() + total.size(), found.total);
  if (found.total == 0) {
    found.rows = connection.describe(sql.text().c_str(), parameters);
    return found;
  }
  std::string name = fmt::format("opsh_cursor_{}", connection.next_cursor());
  std::string declare = fmt::format("declare {} no scroll cursor for ", name);
  auto offset = static_cast<int>(declare.size());
  declare += sql.text();
  located(sql, offset, [&] { connection.execute(declare.c_str(), parameters); });
  found.rows = connection.execute(fmt::format("fetch forward {} from {}", limit, name).c_str(), {});
  connection.execute(("close " + name).c_str(), {});
  return found;
}

Sample beginning(Connection& connection, const sql::ReadSql& sql, const Parameters& parameters) {
  constexpr int most = 1000;
  Cursor cursor{connection, sql, parameters, most};
  Sample found{cursor.next(), 0};
  found.total = static_cast<std::uint64_t>(found.rows.rows()) + cursor.count_rest();
  return found;
}

}  // namespace opsh::db
