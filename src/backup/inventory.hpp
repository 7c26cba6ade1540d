#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backup/content_catalog.hpp"
#include "backup/contents.hpp"
#include "db/reader.hpp"

namespace opsh::backup {

struct InventoryOptions {
  std::optional<std::vector<std::string>> tables = {};  ///< those and what is below them; nothing: all
  std::optional<int> workers = {};  ///< max_parallel_workers_per_gather; nothing: as the server has it
};

/// Counts and hashes what a database holds, a table a step, all in the snapshot of one session.
///
/// The constructor locks the tables against changes of their definition and against TRUNCATE (ACCESS SHARE, as pg_dump
/// does): from then until the session's transaction ends, everybody who uses its snapshot sees these rows, so a dump is
/// to be begun behind it. The transaction gets settings under which values have one text. After an error the session is
/// of no more use.
class Inventory {
 public:
  /// The reader outlives this.
  /// Errors: "usage.table"; "permission.tables", "permission.row_security" with the names; "backup.locked".
  explicit Inventory(db::Reader& reader, const InventoryOptions& options = {});

  /// All tables that were chosen, partitioned ones too, as pg_dump is to be told.
  std::vector<std::string> chosen() const;

  /// The roles that a dump of it names.
  const std::vector<std::string>& roles() const { return contents_.roles; }

  std::size_t tables() const { return tables_.size(); }

  /// The table that the next step looks at; empty: all are counted.
  std::string next() const;

  /// Looks at one table. Errors: "backup.timeout", "backup.conflict" (a standby's), "backup.locked".
  void step();

  /// Looks at what is left, and at the sequences once more: to be called when the dump is done.
  Contents finish();

 private:
  void require_readable() const;
  void lock();
  void sort_out(std::vector<StoredRelation> relations, bool standby);
  SequenceValue value_of(const StoredRelation& sequence);
  LargeObjectContent large_objects();
  template <class Work>
  auto within_time(const std::string& what, Work&& work);

  db::Reader& reader_;
  bool partial_;
  std::vector<StoredRelation> partitioned_, tables_, sequences_;
  std::size_t done_ = 0;
  Contents contents_;
};

}  // namespace opsh::backup
