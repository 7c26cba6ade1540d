#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "db/writer.hpp"
#include "journal/capture.hpp"
#include "journal/definable.hpp"
#include "plan/items.hpp"

namespace opsh::journal {

/// What opsh.run says of a run from its start.
struct RunRecord {
  std::string id, runbook, title, operator_name, version;
  std::string sources, params, target;  ///< JSON
  std::string reason = {};              ///< why; empty when nobody said
  std::string undo_of = {};             ///< the run that this one takes back; empty: none
  std::string undone_before = {};       ///< what that run's undone_by was when this was decided; empty: nothing
};

/// How far a run's audit log is on the disk: its entries, and the sha256 of the last. Written in the transaction of
/// what that entry announces, so that a log that was cut shows.
struct AuditHead {
  std::int64_t entries = 0;
  std::string sha256;
};

/// What opsh.step says of a step once it is planned.
struct StepRecord {
  int number = 0;
  std::string name;
  std::string planned;        ///< JSON: the figures
  std::string writes = "[]";  ///< JSON: a list of { name, row_security }
  bool journaled = true;
  std::string kind = "items";             ///< of what it is made: items, schema, effect, manual
  std::filesystem::path rejections = {};  ///< the file of the rejected rows; empty, or not there: none
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
  explicit Ledger(const db::Target& target) : target_(target), writer_(target) {}

  /// 0 when there is none.
  int installed_version();

  /// Creates the schema when it is missing. Errors: "ledger.version" when it is newer than this program.
  void install(const std::string& version_of_opsh);

  /// An undo also fences out whoever still works on its original. Errors: "run.busy" when another undo of it has begun.
  Claim start(const RunRecord& record, const AuditHead& head);

  /// Waits until the session that worked on the run last is gone, at most `patience`, then ends it. Errors: "run.busy".
  void end_former_session(const std::string& run, Seconds patience);

  /// Takes a run over, after that. Errors: "run.unknown"; "run.busy" when another opsh took it over since its audit log
  /// was opened.
  Claim claim(const std::string& run, Seconds patience, const AuditHead& head);

  /// Records a step's plan, and the rows that it rejects; a step that is recorded already keeps what it has.
  void record_step(const Claim& claim, const StepRecord& record, const AuditHead& head);
  void finish_step(const Claim& claim, int number, const AuditHead& head);

  /// Announces a batch of a schema step whose statement runs outside a transaction: an undo needs its items, whatever
  /// becomes of this process.
  void begin_alone(const Claim& claim, int step, int batch, const plan::Items& items);

  /// Runs that statement. Returns what else it had to do, for the person: an index that an earlier build left invalid
  /// was dropped. Errors: as require_definable; "transaction.lock_timeout" also when somebody else is at that index.
  std::string define_alone(const Claim& claim, const sql::DefineSql& sql, const Defines& defines);

  /// Records how effects stand, or a person's answer (JSON): those of a step that has no items; those that waited for
  /// the COMMIT of a batch, when `batch` is not 0.
  void record_effects(const Claim& claim, int step, int batch, const std::string& effects, const AuditHead& head);

  /// Adds something that went wrong and stops nothing (a JSON object).
  void record_incident(const Claim& claim, const std::string& incident, const AuditHead& head);

  /// Sets the run's state; `finished` also its end.
  void set_state(const Claim& claim, const std::string& state, const std::string& message, bool finished,
                 const AuditHead& head);

  /// Drops the journal of a run that has been finished for so long. What else the ledger has of it stays. Returns how
  /// many of its changed rows were forgotten. Errors: "run.unknown"; "run.busy" when the run goes on or is being undone
  /// by now, or has lost its journal already.
  std::int64_t prune(const std::string& run, Seconds age, const AuditHead& head);

  /// Whether the batch with this token is committed. Waits at the fence for a COMMIT that may still be under way.
  bool committed(const std::string& run, const std::string& token);

  db::Writer& writer() { return writer_; }

  /// Ends its sessions now. Idempotent.
  void close() noexcept;

  /// The witness beside the writer; opened when it is first asked for, and again when it was lost.
  Watcher& watcher();

  /// Reads the tables of `writes` over the writer, in a transaction of its own. Errors: as examine_tables.
  Tables examine(std::span<const DeclaredName> names);

 private:
  template <typename Work>
  void transaction(Work&& work);
  void fence(const Claim& claim);
  void drop_index(const sql::QualifiedName& index);

  db::Target target_;
  db::Writer writer_;
  std::unique_ptr<Watcher> watcher_;
};

template <typename Work>
void Ledger::transaction(Work&& work) {
  writer_.begin(db::CommitKey{});
  try {
    work();
  } catch (...) {
    writer_.rollback();
    throw;
  }
  if (writer_.commit(db::CommitKey{}) != db::CommitAnswer::committed)
    throw Error{"connection.lost", "the connection was lost while the run's state was written", "look at opsh runs"};
}

/// Locks the run's row for the rest of the transaction. Errors: "run.taken_over" when another opsh owns it by now.
void fence(db::Writer& writer, const Claim& claim);

/// Records the head in the open transaction; one that is recorded never goes back.
void record_audit(db::Writer& writer, const std::string& run, const AuditHead& head);

}  // namespace opsh::journal
