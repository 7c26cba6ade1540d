#pragma once

#include <string>
#include <vector>

#include "journal/batch.hpp"
#include "journal/ledger.hpp"
#include "support/server.hpp"
#include "support/statement.hpp"

namespace test {

inline opsh::journal::RunRecord run_record(const std::string& id = "r1") {
  return {id, "/runbooks/x.lua", "x", "anna@desk", "0.1.0", "{}", "{}", "{}"};
}

/// The audit log after so many entries.
inline opsh::journal::AuditHead audited(int entries) {
  return {entries, "sha256 of entry " + std::to_string(entries)};
}

/// A database with opsh's schema, a run with one step, and the session that owns it.
struct Run {
  explicit Run(const std::string& schema = "select") : ledger((database.query(schema), target(database))) {
    ledger.install("0.1.0");
    claim = ledger.start(run_record(), audited(1));
    ledger.record_step(claim, {1, "step", "{}"}, audited(2));
  }

  unsigned oid(const std::string& table) const {
    return static_cast<unsigned>(std::stoul(database.value("select '" + table + "'::regclass::oid")));
  }

  opsh::journal::Place place(int number = 1) const {
    return {1, number, static_cast<std::uint64_t>(number), {"1"}, {"1"}};
  }

  std::string batches() const { return database.value("select count(*) from opsh.batch"); }

  Database database;
  opsh::journal::Ledger ledger;
  opsh::journal::Claim claim;
};

}  // namespace test
