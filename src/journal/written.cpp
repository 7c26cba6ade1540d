#include "journal/written.hpp"

#include <algorithm>
#include <charconv>

namespace opsh::journal {

std::vector<std::string_view> fields_of(const Key& key) {
  std::vector<std::string_view> fields;
  std::string_view rest = key;
  for (;;) {
    std::size_t end = rest.find('\0');
    fields.push_back(rest.substr(0, end));
    if (end == std::string_view::npos) return fields;
    rest.remove_prefix(end + 1);
  }
}

void Counts::add(Act act) {
  switch (act) {
    case Act::insert:
      ++inserted;
      return;
    case Act::update:
      ++updated;
      return;
    case Act::remove:
      ++deleted;
      return;
    case Act::upsert:
      ++upserted;
      return;
  }
}

void Written::add(Act act, Returned returned) {
  const db::Result& result = *returned.result;
  int statement = static_cast<int>(returned_.size());
  // Not to the exact size: a batch with a statement per item would move all rows for each of them.
  if (auto needed = rows_.size() + static_cast<std::size_t>(result.rows()); needed > rows_.capacity())
    rows_.reserve(std::max(needed, 2 * rows_.capacity()));
  for (int row = 0; row < result.rows(); ++row) {
    WrittenRow& written = rows_.emplace_back(WrittenRow{0, act, statement, row, {}});
    std::string_view leaf = result.field(row, returned.at).value();
    std::from_chars(leaf.data(), leaf.data() + leaf.size(), written.leaf);
    for (std::size_t part = 0; part < returned.keys; ++part) {
      if (part > 0) written.key += '\0';
      written.key += result.field(row, returned.at + 1 + static_cast<int>(part)).value_or("");
    }
    counts_[written.leaf].add(act);
  }
  returned_.push_back(std::move(returned));
}

void Written::take_back(const Mark& mark) {
  rows_.resize(mark.rows);
  returned_.resize(mark.statements);
}

}  // namespace opsh::journal
