#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "journal/ledger.hpp"
#include "journal/work.hpp"

namespace opsh::journal {

/// One batch: one transaction with its row in the ledger, so that it happened exactly when the row is there.
///
/// The constructor begins and locks the run's row (the fence); record() checks deferred constraints, proves what was
/// done, and writes ledger and journal; commit() is the last line; without it the destructor rolls back.
class Batch final : public Work {
 public:
  Batch(Ledger& ledger, Claim claim, Writes writes);
  ~Batch() override;

  /// Proves the batch and writes its row into the ledger and its rows into the journal, after deferred constraints were
  /// checked. Errors: those of Work::record and of Capture::changes.
  void record(const Place& place, std::size_t items, const std::vector<LeftOut>& left_out,
              const std::string& figures) override;

  /// Keeps the items of a schema step for its undo, after record().
  void keep(const Place& place, const plan::Items& items);

  Outcome commit();
  Outcome finish() override { return commit(); }

  void rollback() noexcept override;
  const std::string& token() const { return token_; }

 private:
  Claim claim_;
  std::string token_;
  std::chrono::steady_clock::time_point began_;
};

}  // namespace opsh::journal
