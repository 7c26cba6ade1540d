#include "plan/survey.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.hpp"

namespace opsh::plan {
namespace {

constexpr std::size_t most_groups = 10'000;
constexpr std::size_t most_labels = 10'000;

// A value's length in a group's key is one more than it is, and 0 is NULL.
using Length = std::uint64_t;

std::vector<std::optional<std::string>> values_of(std::string_view group) {
  std::vector<std::optional<std::string>> values;
  while (!group.empty()) {
    Length length = 0;
    std::memcpy(&length, group.data(), sizeof length);
    group.remove_prefix(sizeof length);
    if (length == 0) {
      values.emplace_back();
      continue;
    }
    values.emplace_back(group.substr(0, length - 1));
    group.remove_prefix(length - 1);
  }
  return values;
}

bool is_among(const std::vector<std::string>& labels, std::string_view label) {
  return std::find(labels.begin(), labels.end(), label) != labels.end();
}

}  // namespace

Survey::Survey(SurveyShape shape) : shape_(std::move(shape)) {
  for (const std::string& column : shape_.totals) totals_.push_back({column, Decimal{}});
  if (!shape_.columns.empty()) name_columns(std::move(shape_.columns));
}

void Survey::name_columns(std::vector<std::string> names) {
  shape_.columns = std::move(names);
  for (const std::string& column : shape_.tally) tally_positions_.push_back(position_of(column));
  for (const std::string& column : shape_.totals) total_positions_.push_back(position_of(column));
}

std::size_t Survey::position_of(const std::string& column) const {
  const auto found = std::find(shape_.columns.begin(), shape_.columns.end(), column);
  if (found == shape_.columns.end()) throw Error{"plan.column", fmt::format("the plan has no column {}", column)};
  return static_cast<std::size_t>(found - shape_.columns.begin());
}

Fate Survey::sort(std::optional<std::string_view> label) {
  if (!label) return Fate::item;
  const auto known = labels_.find(*label);
  if (known == labels_.end() && labels_.size() == most_labels) {
    throw Error{"plan.labels", fmt::format("row {} has yet another label, {} are the limit", seen() + 1, most_labels),
                "classify sorts rows into a few groups; group by a column's values with tally"};
  }
  ++(known == labels_.end() ? labels_.emplace(*label, 0).first : known)->second;
  if (is_among(shape_.skip, *label)) {
    ++skipped_;
    return Fate::skipped;
  }
  if (is_among(shape_.reject, *label)) {
    ++rejected_;
    return Fate::rejected;
  }
  return Fate::item;
}

void Survey::count(std::span<const Field> row) {
  for (std::size_t i = 0; i < totals_.size(); ++i) add_total(i, row[total_positions_[i]]);
  if (!tally_positions_.empty()) add_tally(row);
  if (sample_.size() < shape_.sample) {
    auto& kept = sample_.emplace_back();
    for (const Field& field : row) kept.push_back(field ? std::optional<std::string>{*field} : std::nullopt);
  }
  ++items_;
}

bool Survey::add(std::span<const Field> row, std::optional<std::string_view> label) {
  if (sort(label) != Fate::item) return false;
  count(row);
  return true;
}

void Survey::add_total(std::size_t total, const Field& field) {
  if (!field || *field == "f") return;
  const auto value = *field == "t" ? Decimal{1} : Decimal::parse(*field);
  if (!value) {
    Error error{"plan.total", fmt::format("column {}, row {}: not a number", totals_[total].column, seen() + 1),
                "totals sums columns of numbers or booleans; use tally to count values"};
    error.detail = fmt::format("the value is \"{}\"", *field);  // not in the message, which is logged
    throw error;
  }
  totals_[total].sum += *value;
}

void Survey::add_tally(std::span<const Field> row) {
  group_.clear();
  for (const std::size_t position : tally_positions_) {
    const Field& field = row[position];
    const Length length = field ? field->size() + 1 : 0;
    group_.append(reinterpret_cast<const char*>(&length), sizeof length);
    if (field) group_ += *field;
  }
  const auto known = groups_.find(group_);
  if (known != groups_.end()) {
    ++known->second;
  } else if (groups_.size() < most_groups) {
    groups_.emplace(group_, 1);
  } else {
    ++others_;
  }
}

std::vector<TallyGroup> Survey::tally() const {
  std::vector<TallyGroup> groups;
  groups.reserve(groups_.size() + 1);
  for (const auto& [group, count] : groups_) groups.push_back({values_of(group), count, false});
  std::sort(groups.begin(), groups.end(), [](const TallyGroup& left, const TallyGroup& right) {
    return left.count != right.count ? left.count > right.count : left.values < right.values;
  });
  if (others_ > 0) {
    groups.push_back({std::vector<std::optional<std::string>>(tally_positions_.size(), "(others)"), others_, true});
  }
  return groups;
}

}  // namespace opsh::plan
