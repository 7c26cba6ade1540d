#pragma once

#include <cstdint>

#include "base/error.hpp"

namespace opsh::db {

/// What the server says at the end of a transaction that was to read only. Blind to what leaves no trace in the
/// database (NOTIFY, files, other servers): that is the gate's.
struct Evidence {
  int transactions = 0;           ///< that it is about; of several, the worst of each
  bool transaction_id = false;    ///< the server assigned one
  std::int64_t changed_rows = 0;  ///< inserted, updated and deleted, also when that was rolled back
  bool read_only = true;          ///< the transaction still was

  bool holds() const { return !transaction_id && changed_rows == 0 && read_only; }
  void add(const Evidence& other);
};

/// "in_doubt.evidence": something was written where nothing could be. The transaction is rolled back all the same.
Error contradicted(const Evidence& evidence);

}  // namespace opsh::db
