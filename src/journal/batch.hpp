#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "journal/ledger.hpp"
#include "plan/items.hpp"
#include "sql/statement.hpp"

namespace opsh::journal {

/// An item that a batch took from the plan and did not work on.
struct LeftOut {
  std::vector<std::string> key;
  std::string outcome;  ///< "failed" or "changed" (since the plan)
  std::string sqlstate;
  std::string message;
};

/// Where a batch stands in its run.
struct Place {
  int step = 0;
  int number = 0;              ///< from 1
  std::uint64_t position = 0;  ///< rows of the step's plan consumed after it
  std::vector<std::string> first_key, last_key;
};

enum class Outcome { committed, rolled_back, in_doubt };

/// One batch: one transaction with its row in the ledger, so that it happened exactly when the row is there.
///
/// The constructor begins and locks the run's row (the fence); record() checks deferred constraints and writes the
/// ledger; commit() is the last line; without it the destructor rolls back.
class Batch {
 public:
  /// `writes` are the tables, by oid, that its statements may change.
  Batch(db::Writer& writer, Claim claim, std::vector<unsigned> writes);
  ~Batch();
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  /// Runs a statement of the script. Errors: "write.undeclared" for a table that is not in `writes`.
  db::Result execute(const sql::WriteSql& sql, const db::Parameters& parameters);

  db::Writer& writer() { return writer_; }

  /// The constraints that the author deferred are checked now, and deferred again: for telling which item fails.
  void check_deferred();

  /// `figures` is the JSON of what the batch did. Errors: "batch.doomed" when a statement failed and the script went
  /// on.
  Outcome finish(const Place& place, std::size_t items, const std::vector<LeftOut>& left_out,
                 const std::string& figures);

  void rollback() noexcept;
  bool open() const { return open_; }
  const std::string& token() const { return token_; }

 private:
  void require_declared(const sql::Operation& operation);

  db::Writer& writer_;
  Claim claim_;
  std::vector<unsigned> writes_;
  std::map<std::string, unsigned> relations_;  ///< oids of the names that its statements used
  std::string token_;
  std::vector<sql::QualifiedName> initially_deferred_;
  bool deferred_known_ = false;
  bool open_ = false;
  bool recorded_ = false;
  std::chrono::steady_clock::time_point began_;
};

}  // namespace opsh::journal
