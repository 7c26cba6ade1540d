#pragma once

#include <string>

#include "cpp/journal/journaled.hpp"
#include "journal/undo.hpp"

namespace test {

/// An undo of the run "r1" of a Journaled: a run of its own, over a session of its own.
struct Undoing {
  Undoing(const Journaled& original, std::vector<opsh::journal::DeclaredName> names, const std::string& id = "u1",
          const std::string& of = "r1")
      : ledger(target(original.database)), original_id(of), run(id) {
    auto record = run_record(id);
    record.undo_of = of;
    claim = ledger.start(record, audited(1));
    ledger.record_step(claim, {1, "step", "{}"}, audited(2));
    tables = std::make_shared<const opsh::journal::Tables>(ledger.examine(names));
  }

  std::unique_ptr<opsh::journal::Batch> begin() {
    return std::make_unique<opsh::journal::Batch>(ledger, claim, opsh::journal::Batch::Writes{tables, {}, false});
  }

  /// Takes a batch of the original back, and commits.
  opsh::journal::Undone take_back(int number) {
    auto batch = begin();
    auto undone = opsh::journal::undo_batch(*batch, {original_id, 1, number}, run);
    commit(*batch, undone);
    return undone;
  }

  void commit(opsh::journal::Batch& batch, const opsh::journal::Undone& undone) {
    ++batches;
    batch.record({1, batches, static_cast<std::uint64_t>(batches), {}, {}}, 0, {}, "{}");
    opsh::journal::record_conflicts(batch, {run, 1, batches}, undone);
    REQUIRE(batch.commit() == opsh::journal::Outcome::committed);
  }

  opsh::journal::Ledger ledger;
  std::string original_id, run;
  opsh::journal::Claim claim;
  std::shared_ptr<const opsh::journal::Tables> tables;
  int batches = 0;
};

/// The conflicts as text, a line each: "edited since orders 1 n 0 5 7".
inline std::string conflicts_of(const opsh::journal::Undone& undone) {
  std::string lines;
  for (const auto& conflict : undone.conflicts) {
    std::string key = conflict.key;
    for (char& part : key) part = part == '\0' ? ',' : part;
    lines += (lines.empty() ? "" : "\n") + conflict.reason + ": " + conflict.table.substr(7) + " " + key;
    if (!conflict.column.empty()) lines += " " + conflict.column;
    for (const auto& value : {conflict.old, conflict.wrote, conflict.found})
      if (value) lines += " " + *value;
  }
  return lines;
}

}  // namespace test
