#include "sandbox/binaries.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/error.hpp"
#include "proc/run.hpp"

namespace opsh::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr const char* packages = "/usr/lib/postgresql";

bool complete(const fs::path& directory) {
  return proc::find_program((directory / "postgres").string()) && proc::find_program((directory / "initdb").string());
}

/// The number that a version, or the name of a package's directory, begins with.
int major_in(std::string_view text) {
  int major = 0;
  std::from_chars(text.data(), text.data() + text.size(), major);
  return major;
}

int major_of(const fs::path& directory) {
  return major_in(directory.filename().string());
}

std::optional<fs::path> newest_package() {
  std::optional<fs::path> newest;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator{packages, ignored})
    if (complete(entry.path() / "bin") && (!newest || major_of(entry.path()) > major_of(newest->parent_path())))
      newest = entry.path() / "bin";
  return newest;
}

fs::path find_directory(int major) {
  if (const char* asked = std::getenv("OPSH_PG_BIN"); asked && *asked) {
    if (complete(asked)) return fs::canonical(asked);
    throw Error{"sandbox.binaries", fmt::format("OPSH_PG_BIN is {}, but there is no postgres and initdb in it", asked),
                "point it to the bin directory of a PostgreSQL server, or unset it"};
  }
  if (fs::path package = fs::path{packages} / std::to_string(major) / "bin"; major != 0 && complete(package))
    return package;
  // A link in PATH often stands alone; what belongs to it (initdb, psql) is where it points to.
  if (auto found = proc::find_program("postgres")) {
    fs::path directory = fs::canonical(*found).parent_path();
    if (complete(directory)) return directory;
  }
  if (auto found = newest_package()) return *found;
  throw Error{"sandbox.binaries",
              fmt::format("no PostgreSQL server programs: OPSH_PG_BIN is not set, PATH has no postgres with initdb "
                          "beside it, and neither has {}/*/bin",
                          packages),
              "install the package postgresql, or set OPSH_PG_BIN to the bin directory of a server"};
}

}  // namespace

Binaries find_binaries(int major) {
  Binaries binaries{find_directory(major), {}};
  auto outcome = proc::run(
      {.argv = {binaries.program("postgres"), "--version"}, .environment = server_environment(), .directory = "/"},
      {.deadline = Deadline::in(Seconds{20})});
  std::string_view said = outcome.output;
  constexpr std::string_view title = "postgres (PostgreSQL) ";
  if (!outcome.success() || !said.starts_with(title))
    throw Error{"sandbox.binaries",
                fmt::format("{} does not say its version: {}, {}", binaries.program("postgres"), outcome.exit.text(),
                            outcome.errors),
                "check the installation, or set OPSH_PG_BIN to another one"};
  said.remove_prefix(title.size());
  binaries.version = said.substr(0, said.find('\n'));
  if (major != 0 && major_in(binaries.version) != major)
    throw Error{
        "sandbox.version",
        fmt::format("there is no server of PostgreSQL {} on this machine: {} is {}", major, binaries.directory.string(),
                    binaries.version),
        fmt::format("install the package postgresql-{}, or set OPSH_PG_BIN to the bin directory of one", major)};
  return binaries;
}

std::string find_psql(const fs::path& directory) {
  if (auto found = proc::find_program((directory / "psql").string())) return found->string();
  if (auto found = proc::find_program("psql")) return found->string();
  throw Error{"sandbox.psql", fmt::format("there is no psql: neither in {} nor in PATH", directory.string()),
              "install the package postgresql-client, or put psql beside the server's programs"};
}

std::optional<proc::Account> server_account() {
  if (::geteuid() != 0) return std::nullopt;
  for (const char* name : {"postgres", "nobody"})
    if (auto account = proc::find_account(name)) return account;
  throw Error{"sandbox.account", "PostgreSQL does not run as root, and there is no user postgres or nobody",
              "run opsh as another user, or add the user postgres"};
}

proc::Environment server_environment() {
  proc::Environment environment{.inherit = false, .set = {{"LC_ALL", "C.UTF-8"}, {"TZ", "UTC"}}};
  for (const char* name : {"PATH", "LD_LIBRARY_PATH"})
    if (const char* value = std::getenv(name)) environment.set[name] = value;
  return environment;
}

}  // namespace opsh::sandbox
