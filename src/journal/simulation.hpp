#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "db/witness.hpp"
#include "journal/counters.hpp"
#include "journal/work.hpp"

namespace opsh::journal {

/// What a simulation did to a table.
struct TouchedTable {
  std::string name;
  Counts kept;              ///< rows that its batches wrote, by the server's own count: triggers and cascades included
  std::int64_t dead = 0;    ///< row versions that the rollback leaves behind, those of repeated attempts included
  std::string lock;         ///< the strongest that was held until the end, when it was more than reading takes
  bool undeclared = false;  ///< rows of it were written in a step that keeps a journal and does not declare it
  bool forbidden = false;   ///< in such a step, a lock was taken that is stronger than writing rows takes
};

struct MovedSequence {
  std::string name;
  std::optional<std::string> before, after;  ///< nothing: never used, or hidden from the role
};

/// What a simulation leaves behind, and that it left nothing else.
struct Traces {
  std::string transaction;  ///< its id
  std::string status;       ///< of that id, as another session sees it after the rollback; empty when none could look
  Seconds seconds{0};       ///< from BEGIN to the rollback
  std::optional<std::int64_t> wal_bytes;  ///< of the whole server meanwhile
  bool counted = true;                    ///< false: the server does not count rows (track_counts)
  std::vector<TouchedTable> tables;       ///< by name
  std::vector<MovedSequence> sequences;   ///< by name
};

/// The writes of a whole run in one transaction, so that later batches see what earlier ones wrote. It begins, and ends
/// in ROLLBACK whatever happens: there is no commit in its type. It needs no ledger and makes none.
class Simulation {
 public:
  /// Connects and begins. `run` is what opsh.run says in the transaction; opsh.rung says "simulate".
  Simulation(const db::Target& target, const std::string& run);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  db::Writer& writer() { return writer_; }

  /// Rolls back and says what is left, once. Where a connection is lost, as far as it is known. An interrupt waits.
  Traces finish();

  /// Ends its sessions now. Idempotent.
  void close() noexcept;

 private:
  friend class SimulatedBatch;
  struct Sequence {
    std::string name;
    std::optional<std::string> value;
  };

  void add_counts(const Work::Writes& writes);
  void look_back(Traces& traces);
  void look_from_outside(Traces& traces);
  std::map<unsigned, Sequence> all_sequences();
  std::string status();

  db::Writer writer_;
  db::Witness observer_;  ///< sees what others see
  Counters counters_;
  std::map<unsigned, TouchedTable> touched_;
  std::map<unsigned, Sequence> sequences_;  ///< before it began
  std::set<unsigned> used_sequences_,
      strong_;  ///< sequences that it moved; tables with a lock stronger than writing takes
  std::string transaction_, wal_before_;
  bool observed_ = false;  ///< the observer has seen the transaction in progress: it is on the same server
  Clock::time_point began_;
};

/// One batch of a simulation: a savepoint, released at its end.
class SimulatedBatch final : public Work {
 public:
  SimulatedBatch(Simulation& simulation, Writes writes);
  ~SimulatedBatch() override;

  /// Nothing is recorded; what would keep the batch from being committed is checked: deferred constraints, and that no
  /// statement failed.
  void record(const Place& place, std::size_t items, const std::vector<LeftOut>& left_out,
              const std::string& figures) override;

  Outcome finish() override;
  void rollback() noexcept override;

 private:
  Simulation& simulation_;
};

}  // namespace opsh::journal
