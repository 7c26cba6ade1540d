#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/decimal.hpp"
#include "plan/spool.hpp"

namespace opsh::plan {

/// What of a plan is counted.
struct SurveyShape {
  std::vector<std::string> columns;  ///< the names of a row's fields, in order; may be given later, see name_columns()
  std::vector<std::string> tally;    ///< columns whose values group the items
  std::vector<std::string> totals;   ///< columns that are summed over the items
  std::vector<std::string> skip;     ///< labels of rows that are counted, not worked on
  std::vector<std::string> reject;   ///< the same, of rows that somebody has to look at
  std::size_t sample = 10;           ///< how many of the first items are kept to be shown
};

/// What becomes of a row, by its label.
enum class Fate { item, skipped, rejected };

/// One combination of the tally columns' values.
struct TallyGroup {
  std::vector<std::optional<std::string>> values;  ///< in the order of the tally columns; NULL is nullopt
  std::uint64_t count = 0;
  bool others = false;  ///< the group "(others)": every combination past the first 10 000
};

struct Total {
  std::string column;
  Decimal sum;
};

/// Counts what a plan sees: seen = items + skipped + rejected. Memory grows with the groups and labels, and these are
/// limited, not with the rows.
class Survey {
 public:
  /// Error: "plan.column" for a tally or totals column that is not among the columns.
  explicit Survey(SurveyShape shape);

  /// The names of a row's fields, where the shape has none: before the first item is counted.
  void name_columns(std::vector<std::string> names);

  /// Counts a row by its label, in key order; an item is to be counted by `count` as well. Error: "plan.labels" past
  /// 10 000 different labels.
  Fate sort(std::optional<std::string_view> label);

  /// Counts an item. Error: "plan.total" for a value to be summed that is no number ('t' and 'f' count as 1 and 0, NULL
  /// as 0).
  void count(std::span<const Field> row);

  /// Both; whether the row is an item.
  bool add(std::span<const Field> row, std::optional<std::string_view> label);

  std::uint64_t seen() const { return items_ + skipped_ + rejected_; }
  std::uint64_t items() const { return items_; }
  std::uint64_t skipped() const { return skipped_; }
  std::uint64_t rejected() const { return rejected_; }
  const std::map<std::string, std::uint64_t, std::less<>>& labels() const { return labels_; }  ///< of all rows seen
  const std::vector<Total>& totals() const { return totals_; }                                 ///< of the items

  /// Of the items: the largest group first, then by value, NULL before any text; "(others)" last.
  std::vector<TallyGroup> tally() const;

  /// The first items, whole.
  const std::vector<std::vector<std::optional<std::string>>>& sample() const { return sample_; }

 private:
  std::size_t position_of(const std::string& column) const;
  void add_total(std::size_t total, const Field& field);
  void add_tally(std::span<const Field> row);

  SurveyShape shape_;
  std::vector<std::size_t> tally_positions_;
  std::vector<std::size_t> total_positions_;
  std::uint64_t items_ = 0;
  std::uint64_t skipped_ = 0;
  std::uint64_t rejected_ = 0;
  std::map<std::string, std::uint64_t, std::less<>> labels_;
  std::vector<Total> totals_;
  std::string group_;                                      // the row's key into groups_
  std::unordered_map<std::string, std::uint64_t> groups_;  // by the values, each with its length before it
  std::uint64_t others_ = 0;
  std::vector<std::vector<std::optional<std::string>>> sample_;
};

}  // namespace opsh::plan
