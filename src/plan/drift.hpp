#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "plan/spool.hpp"

namespace opsh::plan {

struct DriftRequest {
  std::vector<std::string> key;  ///< columns of both plans
  std::filesystem::path folder;  ///< for files without a name, when more than 131 072 items have no like at their place
  std::size_t shown = 10;        ///< so many items of each kind are named
};

/// A column whose value is another one.
struct ChangedValue {
  std::string column;
  std::optional<std::string> before, now;
};

struct DriftedItem {
  std::vector<std::string> key;
  std::vector<ChangedValue> values;  ///< of an item that changed
};

/// How the items of a plan differ from those of an earlier one.
struct Drift {
  std::uint64_t before = 0, now = 0;  ///< items
  std::uint64_t came = 0, went = 0, changed = 0;
  std::vector<DriftedItem> first_came, first_went, first_changed;  ///< in key order
};

/// Compares two plans of the same columns, whatever the order of their rows; memory does not grow with them.
///
/// An item is the same when the texts of its key are; so 1.0 and 1.00, or two spellings that the server's collation
/// holds equal, are two items: one went, one came. What is in doubt counts as drift.
///
/// Errors: "plan.columns" when the columns are not the same ones; "spool.damaged", "spool.read" for either plan; those
/// of SortedDigests; "interrupted".
Drift compare(const Spool& before, const Spool& now, const DriftRequest& request);

}  // namespace opsh::plan
