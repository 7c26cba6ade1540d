#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backup/client.hpp"
#include "backup/fingerprint.hpp"
#include "backup/new_dump.hpp"
#include "backup/tool.hpp"
#include "backup/tools.hpp"
#include "backup/work.hpp"

namespace opsh::db {
class Reader;
}

namespace opsh::backup {

struct DumpOptions {
  Tools tools = {};
  std::string connect = {};   ///< how pg_dump connects behind the prefix; without one it connects as the session did
  std::string snapshot = {};  ///< exported by the session, whose transaction stays open meanwhile; empty: its own
  std::string role = {};      ///< for --role
  std::string file = {};      ///< the dump: must not exist yet, its folder must
  /// Rows of these tables alone (their partitions included), as written in SQL; empty: of all. The schema is dumped in
  /// whole, because a table without its types and functions cannot be restored.
  std::vector<std::string> tables = {};
  int jobs = 0;             ///< so many sessions at once, into a directory; 0: one, into a file
  bool hash = false;        ///< the outcome has the SHA-256, for one more read of the dump
  Seconds lock_within{30};  ///< for a lock on all tables
};

/// pg_dump at work. The dump has its name when it is whole and on the disk; until then, and when it fails, there is no
/// dump.
///
/// A file is written by pg_dump itself, over its standard output: nothing is copied, and its table of contents says
/// where each table is.
class Dump : public Work {
 public:
  /// `session` is asked for its server's version and for tables, and needed here alone.
  /// Errors: "backup.tool", "backup.version" (pg_dump is older than the server), "backup.connect", "backup.tables",
  /// "backup.prefix" (jobs), "backup.dump"; of the work: "backup.dump".
  Dump(db::Reader& session, const DumpOptions& options);

  std::uint64_t bytes() const override;

  /// Once it is done: the very file that was written, open.
  const std::shared_ptr<const DumpFile>& file() const { return file_; }
  const std::string& version() const { return program_.version; }  ///< of pg_dump

 protected:
  bool advance(Deadline deadline) override;
  Outcome result() override;

 private:
  Program program_;
  Client client_;
  NewDump made_;
  bool hash_;
  std::optional<Tool> tool_;
  std::shared_ptr<const DumpFile> file_;
  std::optional<Fingerprint> fingerprint_;
};

}  // namespace opsh::backup
