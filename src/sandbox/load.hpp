#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace opsh::sandbox {

/// Runs an SQL file with psql, stopping at its first error; `variables` are psql's (:name, :'name').
/// The connection string is that of a sandbox and has no password in it.
/// Errors: "sandbox.no_file"; "sandbox.load", with psql's own words, the SQLSTATE when the server gave one, and
/// `where`.
void load(const std::string& conninfo, const std::filesystem::path& file,
          const std::map<std::string, std::string>& variables = {});

}  // namespace opsh::sandbox
