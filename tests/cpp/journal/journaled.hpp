#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cpp/journal/fixture.hpp"
#include "support/catch.hpp"
#include "support/failure.hpp"

namespace test {

/// A run whose batches keep the journal of some tables.
struct Journaled : Run {
  Journaled(const std::string& schema, std::vector<opsh::journal::DeclaredName> names, bool holding = false)
      : Run(schema), tables(std::make_shared<const opsh::journal::Tables>(ledger.examine(names))), atomic(holding) {}

  std::unique_ptr<opsh::journal::Batch> begin() {
    return std::make_unique<opsh::journal::Batch>(ledger, claim, opsh::journal::Batch::Writes{tables, {}, atomic});
  }

  /// Runs the statements as one batch.
  void commit(const std::vector<std::string>& statements) {
    auto batch = begin();
    for (const auto& statement : statements) batch->execute(write(statement), {});
    commit(*batch);
  }
  void commit(opsh::journal::Batch& batch) {
    batch.record(place(++number), 1, {}, "{}");
    REQUIRE(batch.commit() == opsh::journal::Outcome::committed);
  }
  opsh::Error refused(const std::vector<std::string>& statements) {
    auto batch = begin();
    for (const auto& statement : statements) batch->execute(write(statement), {});
    return failure([&] { batch->record(place(), 1, {}, "{}"); });
  }

  /// The journal, a line a row: "orders update 1 {n} {0} {1}", "indirect" in front of what no statement did.
  std::string journal() const {
    std::string lines;
    for (const auto& row :
         database.query("select concat_ws(' ', case when not direct then 'indirect' end, substr(table_name, 8), "
                        "operation, key::text, case operation when 'update' then names::text end, "
                        "old::text, new::text) from opsh.change "
                        "order by run, step, batch, part, table_name, key"))
      lines += (lines.empty() ? "" : "\n") + row[0].value();
    return lines;
  }

  std::shared_ptr<const opsh::journal::Tables> tables;
  bool atomic;
  int number = 0;
};

}  // namespace test
