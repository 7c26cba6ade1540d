#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "plan/rejections.hpp"
#include "plan/spool.hpp"
#include "report/cell.hpp"
#include "report/new_file.hpp"

namespace opsh::report {

/// What an item report is made of.
struct ItemReportRequest {
  std::filesystem::path base;        ///< the folder that the names begin in
  std::filesystem::path folder;      ///< of the files, below it
  std::vector<std::string> names;    ///< without extension; the files get the first that is free for all of them
  std::string head;                  ///< a JSON object, not empty: what stands before the items
  std::string list;                  ///< the name of the list of items in it
  std::vector<std::string> columns;  ///< of the items, and the report's own: outcome, error
  std::vector<std::string> masked;   ///< those whose values are hidden
  std::vector<std::string> key;      ///< the columns of the items' key
  std::string label;                 ///< the column of the labels, if there is one
  std::vector<std::pair<std::uint64_t, std::filesystem::path>>
      spools;  ///< from which item on, in order; the first is 0
};

/// An item that was taken from the plan and not worked on.
struct LeftOut {
  std::vector<std::string> key;
  std::string outcome;
  std::optional<std::string> error;
};

/// A file that was made.
struct ReportFile {
  std::string path;
  std::string sha256;
  std::uint64_t bytes = 0;
};

/// The items of a step as JSON and CSV: rows of its spools, with what became of each. Memory does not grow with the
/// rows.
///
/// Errors: as those of spools and NewFile; "report.items" where spools and ledger do not belong together: rows that are
/// missing, a left out item that is none of the plan, a batch that ended elsewhere.
class ItemReport {
 public:
  explicit ItemReport(ItemReportRequest request);

  /// Writes the items up to the number `end`. Those in `left_out` have what is said there, the others `outcome`.
  /// `last_key` is what the key of the last one must be.
  void add(std::uint64_t end, const std::string& outcome, std::span<const LeftOut> left_out,
           const std::optional<std::vector<std::string>>& last_key);

  /// Writes what the plan rejected, from its file: the key, the label and why. After the items.
  void add_rejected(const std::filesystem::path& file);

  /// How many items there are of each outcome.
  const std::map<std::string, std::uint64_t>& counts() const { return counts_; }

  /// Gives the files their names. Error: "file.exists" when none is free.
  std::vector<ReportFile> publish();

 private:
  struct Output {
    std::string extension;
    std::unique_ptr<NewFile> file;
    std::string buffer;
  };
  struct Column {
    std::string json_name;  ///< with the comma or brace before it, and its colon
    Cell cell;
    bool masked = false;
    std::optional<std::size_t> source;  ///< the place in the spool
    std::optional<std::size_t> in_key;  ///< the place in the key
    std::string shown;                  ///< a value without the secrets in it
  };
  using Left = std::unordered_map<std::string, const LeftOut*>;

  void next_spool();
  bool next_row();
  std::string key_of_row() const;
  void write_item(std::string_view outcome, const std::optional<std::string>& error);
  template <class Value>
  void write_row(std::string_view outcome, std::optional<std::string_view> error, const Value& value);
  std::string hidden(std::string error) const;
  void flush(Output& output, std::size_t above);
  bool all_may_be(const std::string& name) const;

  ItemReportRequest request_;
  std::shared_ptr<const Folder> folder_;
  std::array<Output, 2> outputs_;  ///< JSON, CSV
  std::vector<Column> columns_;
  std::vector<CsvField> fields_;
  std::size_t next_spool_ = 0;
  std::optional<plan::SpoolReader> reader_;
  std::vector<plan::Field> row_;
  std::vector<std::size_t> key_;
  std::vector<std::size_t> masked_;
  std::uint64_t position_ = 0;
  std::uint64_t rows_ = 0;
  std::map<std::string, std::uint64_t> counts_;
};

}  // namespace opsh::report
