#include "plan/drift.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <set>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "digest/sha256.hpp"
#include "plan/digests.hpp"
#include "plan/spool_format.hpp"

namespace opsh::plan {
namespace {

constexpr std::uint64_t rows_per_look = 4096;  // for an interrupt
// So many rows may be between an item's places in the two orders before it is looked for everywhere.
constexpr std::size_t longest_wait = 128;

std::vector<std::size_t> positions_of(const std::vector<std::string>& key, const Spool& spool) {
  std::vector<std::size_t> positions;
  for (const auto& name : key) {
    const auto& columns = spool.columns();
    const auto found = std::find_if(columns.begin(), columns.end(), [&](const Column& c) { return c.name == name; });
    if (found == columns.end()) throw Error{"plan.columns", fmt::format("a plan has no column {}", name), "plan again"};
    positions.push_back(static_cast<std::size_t>(found - columns.begin()));
  }
  return positions;
}

void put_field(std::string& out, const Field& field) {
  spool_format::put(out, field ? static_cast<std::uint32_t>(field->size()) : spool_format::null_length);
  if (field) out += *field;
}

/// One of two plans that are walked side by side.
class Side {
 public:
  Side(const Spool& spool, std::vector<std::size_t> key, const std::filesystem::path& folder)
      : unpaired{folder}, key_(std::move(key)), reader_{spool, 0} {}

  bool next() {
    at_end_ = at_end_ || !reader_.next(row);
    return !at_end_;
  }
  bool at_end() const { return at_end_; }
  std::uint64_t number() const { return reader_.row() - 1; }

  ItemDigest digest() {
    ItemDigest made;
    made.number = number();
    bytes_.clear();
    for (const std::size_t position : key_) put_field(bytes_, row[position]);
    std::memcpy(made.key.data(), sha256_.add(bytes_).take().data(), sizeof made.key);
    bytes_.clear();
    for (const Field& field : row) put_field(bytes_, field);
    std::memcpy(&made.row, sha256_.add(bytes_).take().data(), sizeof made.row);
    return made;
  }

  void wait(const ItemDigest& digest) {
    waiting.push_back(digest);
    if (waiting.size() > longest_wait) give_up(1);
  }

  /// The first that wait will not be met in this order.
  void give_up(std::size_t count) {
    for (std::size_t at = 0; at < count; ++at) unpaired.add(waiting[at]);
    waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(count));
  }

  std::vector<Field> row;
  std::deque<ItemDigest> waiting;  ///< rows that were read and are not yet met on the other side
  SortedDigests unpaired;

 private:
  std::vector<std::size_t> key_;
  SpoolReader reader_;
  bool at_end_ = false;
  digest::Sha256 sha256_;
  std::string bytes_;
};

/// The rows of some items: `at` in the plan that orders them, `other` in the other one.
struct Place {
  std::uint64_t at, other;
  bool operator<(const Place& right) const { return at < right.at; }
};

/// The first of those that are added.
class First {
 public:
  explicit First(std::size_t most) : most_(most) {}

  void add(Place place) {
    if (places_.size() == most_ && (most_ == 0 || !(place < *places_.rbegin()))) return;
    places_.insert(place);
    if (places_.size() > most_) places_.erase(std::prev(places_.end()));
  }
  const std::set<Place>& places() const { return places_; }

 private:
  std::size_t most_;
  std::set<Place> places_;
};

using Row = std::vector<std::optional<std::string>>;

Row row_of(const Spool& spool, std::uint64_t number) {
  SpoolReader reader{spool, number};
  std::vector<Field> fields;
  if (!reader.next(fields)) throw Error{"spool.read", fmt::format("a plan has no row {}", number), "plan again"};
  Row row;
  for (const Field& field : fields) row.push_back(field ? std::optional<std::string>{*field} : std::nullopt);
  return row;
}

/// The items at these places of `spool`; with `other`, also what they held there.
std::vector<DriftedItem> items_at(const First& first, const Spool& spool, const std::vector<std::size_t>& key,
                                  const Spool* other = nullptr) {
  std::vector<DriftedItem> items;
  for (const Place& place : first.places()) {
    const Row now = row_of(spool, place.at);
    auto& item = items.emplace_back();
    for (const std::size_t position : key) item.key.push_back(now[position].value_or(""));
    if (!other) continue;
    const Row before = row_of(*other, place.other);
    for (std::size_t column = 0; column < now.size(); ++column) {
      if (now[column] != before[column])
        item.values.push_back({spool.columns()[column].name, before[column], now[column]});
    }
  }
  return items;
}

void require_same_columns(const Spool& before, const Spool& now) {
  const auto same = [](const Column& left, const Column& right) { return left.name == right.name; };
  const auto& left = before.columns();
  const auto& right = now.columns();
  if (std::equal(left.begin(), left.end(), right.begin(), right.end(), same)) return;
  throw Error{"plan.columns", "the two plans have other columns", "plan again"};
}

/// What is found while two plans are walked.
struct Found {
  explicit Found(std::size_t shown) : came{shown}, went{shown}, changed{shown} {}

  void change(std::uint64_t row_now, std::uint64_t row_before) {
    ++counts.changed;
    changed.add({row_now, row_before});
  }

  Drift counts;
  First came, went, changed;
};

/// Pairs what two plans have in common. Both are in the order of their keys, as the server has it, so an item's places
/// are close; rows that are equal where they are expected cost no digest. Nothing depends on that order but the time:
/// what is not met soon is left in `unpaired` of its side.
void pair(Side& before, Side& now, const std::vector<std::size_t>& key_before, const std::vector<std::size_t>& key_now,
          Found& found) {
  const auto same_key = [&] {
    for (std::size_t at = 0; at < key_now.size(); ++at) {
      if (before.row[key_before[at]] != now.row[key_now[at]]) return false;
    }
    return true;
  };
  for (std::uint64_t looks = 0;; ++looks) {
    if (looks % rows_per_look == 0 && interrupt::heeded())
      throw Error{"interrupted", "interrupted while two plans were compared"};
    if (before.waiting.empty() && now.waiting.empty()) {
      const bool has_before = before.next(), has_now = now.next();
      if (!has_before && !has_now) return;
      if (has_before && has_now && same_key()) {
        if (before.row != now.row) found.change(now.number(), before.number());
        continue;
      }
      if (has_before) before.wait(before.digest());
      if (has_now) now.wait(now.digest());
      continue;
    }
    const bool reads_before = now.at_end() || (!before.at_end() && before.waiting.size() < now.waiting.size());
    Side& reading = reads_before ? before : now;
    Side& other = reads_before ? now : before;
    if (!reading.next()) {
      if (!other.at_end()) continue;
      before.give_up(before.waiting.size());
      now.give_up(now.waiting.size());
      return;
    }
    const ItemDigest made = reading.digest();
    const auto met = std::find_if(other.waiting.begin(), other.waiting.end(),
                                  [&](const ItemDigest& waiting) { return waiting.key == made.key; });
    if (met == other.waiting.end()) {
      reading.wait(made);
      continue;
    }
    if (met->row != made.row)
      found.change(reads_before ? met->number : made.number, reads_before ? made.number : met->number);
    reading.give_up(reading.waiting.size());
    other.give_up(static_cast<std::size_t>(met - other.waiting.begin()));
    other.waiting.pop_front();
  }
}

/// Pairs what is left; what has no counterpart came or went.
void pair_rest(SortedDigests& before, SortedDigests& now, Found& found) {
  ItemDigest old_item, new_item;
  bool has_old = before.next(old_item), has_new = now.next(new_item);
  while (has_old || has_new) {
    if (!has_new || (has_old && old_item.key < new_item.key)) {
      ++found.counts.went;
      found.went.add({old_item.number, 0});
      has_old = before.next(old_item);
    } else if (!has_old || new_item.key < old_item.key) {
      ++found.counts.came;
      found.came.add({new_item.number, 0});
      has_new = now.next(new_item);
    } else {
      if (old_item.row != new_item.row) found.change(new_item.number, old_item.number);
      has_old = before.next(old_item);
      has_new = now.next(new_item);
    }
  }
}

}  // namespace

Drift compare(const Spool& before, const Spool& now, const DriftRequest& request) {
  // A plan without rows may lack what a classifier adds to them.
  if (before.rows() > 0 && now.rows() > 0) require_same_columns(before, now);
  const auto key_before = before.rows() > 0 ? positions_of(request.key, before) : std::vector<std::size_t>{};
  const auto key_now = now.rows() > 0 ? positions_of(request.key, now) : std::vector<std::size_t>{};
  Side left{before, key_before, request.folder}, right{now, key_now, request.folder};
  Found found{request.shown};
  pair(left, right, key_before, key_now, found);
  pair_rest(left.unpaired, right.unpaired, found);

  Drift drift = found.counts;
  drift.before = before.rows();
  drift.now = now.rows();
  drift.first_came = items_at(found.came, now, key_now);
  drift.first_went = items_at(found.went, before, key_before);
  drift.first_changed = items_at(found.changed, now, key_now, &before);
  return drift;
}

}  // namespace opsh::plan
