#include "journal/images.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "db/relation.hpp"

namespace opsh::journal {
namespace {

using sql::operator""_sql;
using P = sql::ReadPiece;

// Measured: `= any(array)` of 50 000 turned into a scan of the whole table (journal.md).
constexpr std::size_t most_keys = 10000;

/// The names of a leaf's columns as statements write them.
std::vector<sql::Identifier> names_of(const Leaf& leaf, std::span<const std::size_t> columns) {
  std::vector<sql::Identifier> names;
  for (std::size_t column : columns) names.emplace_back(leaf.columns[column].name);
  return names;
}

/// `from only leaf as opsh_row`, of some keys or of all. Its parts live as long as it does.
class From {
 public:
  From(db::Connection& connection, const Leaf& leaf, std::span<const Key> keys, db::Parameters parameters)
      : leaf_(leaf), parameters_(std::move(parameters)) {
    if (keys.empty()) return;
    std::vector<db::ArrayText> arrays(leaf.key.size());
    for (const auto& key : keys) {
      auto fields = fields_of(key);
      for (std::size_t part = 0; part < fields.size(); ++part) arrays[part].add(fields[part]);
    }
    for (std::size_t part = 0; part < arrays.size(); ++part) {
      const db::Type& type = connection.type(leaf.columns[leaf.key[part]].type);
      plain_ = arrays.size() == 1 && db::fixed_type(type.oid) != nullptr;
      arrays_.emplace_back(static_cast<int>(parameters_.add(arrays[part].take(), type.array)));
    }
    keys_ = names_of(leaf, leaf.key);
    auto range = leaf.key.size() == 1 ? integer_range(leaf.columns[leaf.key[0]].type, keys) : std::nullopt;
    if (range) {
      plain_ = false;
      for (auto bound : {range->first, range->second})
        bounds_.emplace_back(static_cast<int>(parameters_.add(std::to_string(bound), db::oid::int8)));
    }
  }

  /// The clause, and what it takes to add a condition.
  void append_to(std::vector<P>& pieces, const std::vector<P>& condition = {}) const {
    pieces.insert(pieces.end(), {P{" from only "}, P{leaf_.name}, P{" as opsh_row"}});
    if (plain_)
      pieces.insert(pieces.end(), {P{" where opsh_row."}, P{keys_[0]}, P{" = any("}, P{arrays_[0]}, P{")"}});
    else if (!arrays_.empty())
      append_join(pieces);
    if (!bounds_.empty())
      pieces.insert(pieces.end(),
                    {P{" and opsh_row."}, P{keys_[0]}, P{" between "}, P{bounds_[0]}, P{" and "}, P{bounds_[1]}});
    if (condition.empty()) return;
    pieces.push_back(plain_ ? P{" and "} : P{" where "});
    pieces.insert(pieces.end(), condition.begin(), condition.end());
  }

  const db::Parameters& parameters() const { return parameters_; }

 private:
  void append_join(std::vector<P>& pieces) const {
    pieces.push_back(" join rows from (");
    for (std::size_t part = 0; part < arrays_.size(); ++part)
      pieces.insert(pieces.end(), {part ? P{", "} : P{""}, P{"pg_catalog.unnest("}, P{arrays_[part]}, P{")"}});
    pieces.push_back(") as opsh_key(");
    for (std::size_t part = 0; part < keys_.size(); ++part)
      pieces.insert(pieces.end(), {part ? P{", "} : P{""}, P{keys_[part]}});
    pieces.push_back(") on ");
    for (std::size_t part = 0; part < keys_.size(); ++part)
      pieces.insert(pieces.end(),
                    {part ? P{" and opsh_row."} : P{"opsh_row."}, P{keys_[part]}, P{" = opsh_key."}, P{keys_[part]}});
  }

  const Leaf& leaf_;
  db::Parameters parameters_;
  bool plain_ = false;
  std::vector<sql::Parameter> arrays_, bounds_;
  std::vector<sql::Identifier> keys_;
};

void select_columns(std::vector<P>& pieces, const std::vector<sql::Identifier>& names) {
  pieces.push_back("select ");
  for (std::size_t at = 0; at < names.size(); ++at)
    pieces.insert(pieces.end(), {at ? P{", opsh_row."} : P{"opsh_row."}, P{names[at]}});
}

Key key_at(const db::Result& result, int row, std::size_t columns) {
  Key key;
  for (std::size_t part = 0; part < columns; ++part) {
    if (part > 0) key += '\0';
    key += result.field(row, static_cast<int>(part)).value_or("");
  }
  return key;
}

/// What rows are looked for: written over opsh_row, its parameters from $1 on.
struct Condition {
  std::vector<P> pieces;
  db::Parameters parameters;
};

/// The keys of a leaf's rows, of some or of all, that it holds for.
std::vector<Key> keys_where(const Looker& looker, const Leaf& leaf, const std::vector<Key>* among,
                            const Condition& condition) {
  auto names = names_of(leaf, leaf.key);
  auto ask = [&](std::span<const Key> keys) {
    From from{looker.connection, leaf, keys, condition.parameters};
    std::vector<P> pieces;
    select_columns(pieces, names);
    from.append_to(pieces, condition.pieces);
    return keys_in(looker.ask(sql::compose(std::span<const P>{pieces}), from.parameters()), names.size());
  };
  if (!among) return ask({});
  std::vector<Key> found;
  for (std::span<const Key> left{*among}; !left.empty();) {
    auto part = left.first(std::min(left.size(), most_keys));
    left = left.subspan(part.size());
    auto keys = ask(part);
    // Under a collation that finds other keys equal there may be more than were asked for.
    std::ranges::sort(keys);
    for (const auto& key : part)
      if (std::ranges::binary_search(keys, key)) found.push_back(key);
  }
  return found;
}

}  // namespace

std::optional<std::pair<std::int64_t, std::int64_t>> integer_range(unsigned type, std::span<const Key> keys) {
  if (type != db::oid::int2 && type != db::oid::int4 && type != db::oid::int8) return std::nullopt;
  std::int64_t least = std::numeric_limits<std::int64_t>::max(), greatest = std::numeric_limits<std::int64_t>::min();
  for (const auto& key : keys) {
    std::int64_t number = 0;
    std::from_chars(key.data(), key.data() + key.size(), number);
    least = std::min(least, number);
    greatest = std::max(greatest, number);
  }
  return std::pair{least, greatest};
}

void Images::read(const Looker& looker, const Leaf& leaf, std::span<const Key> keys,
                  std::span<const std::size_t> columns) {
  keys_ = leaf.key.size();
  auto names = names_of(leaf, leaf.key);
  for (auto& name : names_of(leaf, columns)) names.push_back(std::move(name));
  for (auto left = keys; !left.empty();) {
    auto part = left.first(std::min(left.size(), most_keys));
    left = left.subspan(part.size());
    From from{looker.connection, leaf, part, {}};
    std::vector<P> pieces;
    select_columns(pieces, names);
    from.append_to(pieces);
    auto& result = results_.emplace_back(
        std::make_unique<db::Result>(looker.ask(sql::compose(std::span<const P>{pieces}), from.parameters())));
    rows_.reserve(rows_.size() + static_cast<std::size_t>(result->rows()));
    for (int row = 0; row < result->rows(); ++row) rows_.emplace(key_at(*result, row, keys_), Row{result.get(), row});
  }
}

const Images::Row* Images::find(const Key& key) const {
  auto found = rows_.find(key);
  return found == rows_.end() ? nullptr : &found->second;
}

std::vector<Key> keys_in(const db::Result& result, std::size_t columns) {
  std::vector<Key> keys;
  keys.reserve(static_cast<std::size_t>(result.rows()));
  for (int row = 0; row < result.rows(); ++row) keys.push_back(key_at(result, row, columns));
  return keys;
}

OwnTransaction OwnTransaction::of(const Looker& looker) {
  db::Result row = looker.ask(
      "select pg_catalog.pg_current_xact_id()::pg_catalog.text, "
      "pg_catalog.age(pg_catalog.pg_current_xact_id()::pg_catalog.xid)::pg_catalog.text"_sql,
      {});
  return {std::string{row.field(0, 0).value()}, std::string{row.field(0, 1).value()}};
}

std::vector<Key> own_rows(const Looker& looker, const OwnTransaction& own, const Leaf& leaf,
                          const std::vector<Key>* among) {
  // A subtransaction's id is younger than that of the transaction. The status is asked only of what is young enough,
  // because an old id may have none any more; what is as young, seen and not in progress is somebody else's.
  return keys_where(
      looker, leaf, among,
      {{"case when pg_catalog.age(opsh_row.xmin) <= $1 then pg_catalog.pg_xact_status(($2 + $1 - "
        "pg_catalog.age(opsh_row.xmin))::pg_catalog.text::pg_catalog.xid8) = 'in progress' else false end"},
       {{own.age, db::oid::int8}, {own.id, db::oid::int8}}});
}

std::vector<Key> marked_rows(const Looker& looker, const Leaf& leaf, const std::vector<Key>* among) {
  return keys_where(looker, leaf, among, {{"opsh_row.xmax::pg_catalog.text <> '0'"}, {}});
}

std::vector<Key> seen_rows(const Looker& looker, const Leaf& leaf, const std::vector<Key>& keys) {
  return keys_where(looker, leaf, &keys, {});
}

}  // namespace opsh::journal
