#pragma once

#include <string>

#include "sandbox/script.hpp"

namespace opsh::sandbox {

/// Runs the file with psql, stopping at its first error.
/// The connection string is that of a sandbox and has no password in it.
/// Errors: "sandbox.no_file"; "sandbox.psql"; "sandbox.load", with psql's own words, the SQLSTATE when the server gave
/// one, and `where`.
void load(const std::string& conninfo, const Content& content);

}  // namespace opsh::sandbox
