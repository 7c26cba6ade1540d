#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backup/client.hpp"
#include "backup/dump_file.hpp"
#include "backup/tools.hpp"
#include "backup/work.hpp"

namespace opsh::backup {

/// One run of pg_restore on a dump.
struct RestoreRun {
  Program program;
  std::vector<std::string> arguments;
  std::optional<Client> client = {};  ///< with a server; nothing when it only reads
  Descriptor list = {};               ///< the file of --use-list, or nothing
  bool whole = true;                  ///< all of the dump is read
  const char* kind = "";              ///< of the error when it fails
  std::string sentence = {};          ///< and how its message begins
  std::string hint = {};
};

/// Runs it, and hashes what it gets: of a file, the very bytes, on the way; of a directory, which pg_restore reads by
/// itself, all files before and again after.
/// The work's errors: `kind`; "backup.changed" when somebody wrote to the dump meanwhile.
std::unique_ptr<Work> run_restore(std::shared_ptr<const DumpFile> dump, RestoreRun run);

}  // namespace opsh::backup
