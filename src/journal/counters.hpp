#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "db/writer.hpp"
#include "journal/written.hpp"

namespace opsh::journal {

/// What the server says of a table in the transaction under way.
struct TableCount {
  unsigned oid = 0;
  std::string schema, name;  ///< empty when it is gone
  Counts counts;             ///< rows written since BEGIN, those of rolled back savepoints included
  std::string lock;          ///< a lock stronger than writing rows takes, or empty
};

/// The server's own counts of rows written (pg_stat_get_xact_tuples_*), since BEGIN.
///
/// They run on over transactions until the session reports them, so that what it touched before needs a baseline.
/// Read by the tables in the session's own locks: the statistics views cost 13 ms at 5 000 tables (journal.md).
class Counters {
 public:
  /// Directly after BEGIN.
  void begin(db::Writer& writer);

  /// Something was taken back, and its locks are gone: which tables it touched is not to be seen any more.
  void take_back() { taken_back_ = true; }

  /// The tables of users that the transaction holds locks on: not those of opsh, temporary ones and TOAST. At the end
  /// of the work.
  std::vector<TableCount> since_begin(db::Writer& writer);

  /// The same while more is to come.
  std::vector<TableCount> so_far(db::Writer& writer);

 private:
  bool lost_track_ = false, taken_back_ = false;
  std::set<unsigned> touched_;
  std::map<unsigned, Counts> before_;
};

}  // namespace opsh::journal
