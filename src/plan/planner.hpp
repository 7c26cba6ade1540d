#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "db/reader.hpp"
#include "db/writer.hpp"
#include "plan/items.hpp"
#include "plan/rejections.hpp"
#include "plan/spool.hpp"
#include "plan/survey.hpp"

namespace opsh::plan {

/// What to plan, and what to count while doing so.
struct PlanRequest {
  std::vector<std::string> key;
  std::filesystem::path spool;       ///< empty for a look: no file is made
  std::filesystem::path rejections;  ///< the file of rejected rows; made when there are any
  std::vector<std::string> tally, totals, skip, reject;
  std::optional<std::string> label_column;  ///< the column that classifies; none when Lua does, or nobody
  std::size_t sample = 5;
  std::vector<std::string> behind;  ///< only items after this key; empty for all
};

/// Runs a step's plan once, in key order, and spools the items: on a read session, or, where it has to see what earlier
/// steps wrote, inside the transaction of a simulation. Keys are ordered by the server, and compared by it
/// unless their texts are as good (integers, dates, uuids).
///
/// Errors: "plan.key" for a key column that is missing, NULL or repeats; "plan.column" for other missing columns; those
/// of the spool and of the server.
class Planner {
 public:
  Planner(db::Reader& session, const sql::ReadSql& plan, const db::Parameters& parameters, PlanRequest request);
  Planner(db::Writer& session, const sql::ReadSql& plan, const db::Parameters& parameters, PlanRequest request);

  const std::vector<Column>& columns() const { return columns_; }

  /// Moves to the next row; false after the last.
  bool next();

  /// A field of the current row, valid until the next one.
  Field field(std::size_t column) const;

  /// What the column says that classifies; nothing without one.
  Field label() const { return label_ ? field(*label_) : std::nullopt; }

  /// What a classifier says of a row. `columns` are those that it adds, with a field each in `fields`: the first row
  /// that has any, or is worked on, decides which.
  struct Verdict {
    std::optional<std::string_view> label = {};
    std::span<const Column> columns = {};
    std::span<const Field> fields = {};
    std::string_view reason = {};  ///< why it is rejected
  };

  /// Counts the current row, and spools it unless its label is skipped or rejected.
  void add(const Verdict& verdict);

  /// Adds every remaining row.
  void run();

  /// Completes the spool. What was counted stays readable.
  void finish();

  const Survey& survey() const { return survey_; }
  /// The plan's columns, then "label" and the extra ones.
  const std::vector<Column>& spooled_columns() const { return spooled_; }

 private:
  template <class Session>
  void shape(Session& session, const sql::ReadSql& plan, const db::Parameters& parameters);
  template <class Session>
  void open(Session& session, const sql::ReadSql& plan, db::Parameters parameters);
  void start(std::span<const Column> extra);
  std::vector<Field> key() const;
  std::string key_text() const;
  Error repeated() const;

  PlanRequest request_;
  std::vector<Column> columns_, spooled_;
  std::vector<std::size_t> key_;
  bool compares_ = true;  ///< repeated keys are seen here, by their texts; else the server says so
  std::string this_key_, last_key_;
  std::optional<std::size_t> label_;
  std::unique_ptr<db::Cursor> cursor_;
  db::Result block_;
  int row_ = -1;
  std::optional<SpoolWriter> writer_;
  RejectionWriter rejections_;
  Survey survey_;
  std::vector<Field> fields_;
};

}  // namespace opsh::plan
