#pragma once

#include <functional>
#include <map>
#include <vector>

#include "journal/counters.hpp"
#include "journal/images.hpp"
#include "journal/tables.hpp"
#include "journal/written.hpp"

namespace opsh::journal {

/// A query of the runbook that says which rows of a declared table a cascade or a trigger may change: the columns of
/// its key.
struct Watch {
  unsigned table = 0;  ///< the declared table's oid
  sql::ReadSql sql;
  db::Parameters parameters;
};

/// What a batch is proved from.
struct Evidence {
  const Tables& tables;
  const Written& written;
  const std::vector<Watch>& watches;
  Looker batch, witness;
  /// Reads what the catalog says of a table that is not declared.
  std::function<Tables(const std::string& name)> examine;
};

/// The rows of a batch that no statement returned: those that cascades and triggers changed.
struct Indirect {
  /// Per leaf; a leaf is also here, without rows, when what its statements returned is not the last word on them.
  std::map<unsigned, std::vector<Key>> rows;
};

/// Explains the server's counts by what the statements returned and, where they differ, by the rows themselves.
///
/// Compared are operations, not the net effect. Errors, all of which roll the batch back: "proof.lock" for DDL,
/// TRUNCATE and LOCK TABLE; "proof.counters" when the server counts less than was returned; "proof.undeclared" with the
/// rows of a table that the step does not declare; "proof.too_large" for a table that cannot be looked through.
Indirect explain(const Evidence& evidence, const std::vector<TableCount>& counted);

}  // namespace opsh::journal
