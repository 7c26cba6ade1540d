#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace opsh::sandbox {

/// Runs psql on a sandbox, with our standard streams, until it ends; returns its exit status, 128 and the signal's
/// number when one ended it. `binaries` is where the sandbox's programs are. What the operator has set for other
/// servers (PG*) does not reach it. Errors: "sandbox.psql", "process.start".
int run_psql(const std::string& conninfo, const std::filesystem::path& binaries,
             const std::vector<std::string>& arguments);

}  // namespace opsh::sandbox
