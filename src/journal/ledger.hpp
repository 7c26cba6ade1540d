#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "db/writer.hpp"

namespace opsh::journal {

/// What opsh.run says of a run from its start.
struct RunRecord {
  std::string id, runbook, title, operator_name, version;
  std::string sources, params, target;  ///< JSON
};

/// A run that this process owns: writes of an earlier owner fail at the fence.
struct Claim {
  std::string run;
  std::int64_t epoch = 0;
};

/// The schema `opsh` in the target and the runs in it, over the writer that the batches use too. Each function is a
/// transaction of its own.
class Ledger {
 public:
  explicit Ledger(const db::Target& target) : writer_(target) {}

  /// 0 when there is none.
  int installed_version();

  /// Creates the schema when it is missing. Errors: "ledger.version" when it is newer than this program.
  void install(const std::string& version_of_opsh);

  Claim start(const RunRecord& record);

  /// Takes a run over: waits for the session that held it last, at most `patience`, then ends that session.
  Claim claim(const std::string& run, Seconds patience);

  /// Records a step's plan; a step that is recorded already keeps what it has.
  void record_step(const Claim& claim, int number, const std::string& name, const std::string& planned);
  void finish_step(const Claim& claim, int number);

  /// Sets the run's state; `finished` also its end.
  void set_state(const Claim& claim, const std::string& state, const std::string& message, bool finished);

  /// Whether the batch with this token is committed. Waits at the fence for a COMMIT that may still be under way.
  bool committed(const std::string& run, const std::string& token);

  db::Writer& writer() { return writer_; }

 private:
  template <typename Work>
  void transaction(Work&& work);
  void fence(const Claim& claim);
  void end_former_session(const std::string& run, Seconds patience);

  db::Writer writer_;
};

/// Locks the run's row for the rest of the transaction. Errors: "run.taken_over" when another opsh owns it by now.
void fence(db::Writer& writer, const Claim& claim);

}  // namespace opsh::journal
