#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backup/client.hpp"
#include "backup/dump_file.hpp"
#include "backup/listing.hpp"
#include "backup/tools.hpp"
#include "backup/work.hpp"
#include "sql/identifier.hpp"

namespace opsh::backup {

struct RestoreOptions {
  Tools tools = {};
  Client client;
  std::vector<sql::QualifiedName> tables = {};  ///< choose_tables(); none: everything
  bool owner = true;                            ///< ALTER ... OWNER TO; else all belongs to who restores
  bool privileges = true;
  /// More than one: in parallel, from a directory, and not in one transaction: for a database that is thrown away when
  /// it fails.
  int jobs = 1;
};

/// An open dump, and what can be done with it. Works go on when the Archive is gone.
class Archive {
 public:
  /// Errors: those of DumpFile::open; "backup.tool"; "backup.unreadable" when pg_restore cannot read its head.
  static Archive open(const std::string& path, const Tools& tools);
  Archive(std::shared_ptr<const DumpFile> dump, const Tools& tools);

  const DumpFile& file() const { return *dump_; }
  const Listing& listing() const { return listing_; }

  /// Hashes it.
  std::unique_ptr<Work> hash() const;

  /// Has pg_restore read and unpack all of it, and hashes what it read. Error of the work: "backup.unreadable".
  std::unique_ptr<Work> read() const;

  /// Restores it, in one transaction that its first error ends. Errors: "backup.tool", "backup.tables", "backup.jobs";
  /// of the work: "backup.restore".
  std::unique_ptr<Work> restore(RestoreOptions options) const;

 private:
  std::string list(const std::vector<std::string>& more) const;
  std::string explain_unreadable() const;

  std::shared_ptr<const DumpFile> dump_;
  Program reader_;  ///< pg_restore, for what needs no server
  Listing listing_;
};

}  // namespace opsh::backup
