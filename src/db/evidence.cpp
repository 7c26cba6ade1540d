#include "db/evidence.hpp"

#include <fmt/format.h>

#include <string>

namespace opsh::db {

void Evidence::add(const Evidence& other) {
  transactions += other.transactions;
  transaction_id |= other.transaction_id;
  changed_rows += other.changed_rows;
  read_only &= other.read_only;
}

Error contradicted(const Evidence& evidence) {
  std::string found;
  const auto add = [&](const std::string& text) { found += (found.empty() ? "" : ", ") + text; };
  if (evidence.transaction_id) add("the transaction got an id");
  if (evidence.changed_rows != 0) add(fmt::format("the statistics count {} changed rows", evidence.changed_rows));
  if (!evidence.read_only) add("the transaction was not read-only any more");
  return {"in_doubt.evidence", "a session that only reads has written: " + found,
          "it was rolled back, which takes back rows, but not what a function did outside of them; find the function "
          "or view that writes, before anything is applied"};
}

}  // namespace opsh::db
